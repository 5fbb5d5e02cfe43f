"""SHAP: approximate Shapley values from a sample of subsets, by the `shap` package. Lundberg & Lee 2017.

The package permutes the tokens, adds them one by one in this order and in the reverse order, and averages the change of
the score (Štrumbelj & Kononenko 2014). If all subsets are no more than `samples`, it uses them all: exact values.
"""

import numpy as np

from tfllm.explain.methods.division import Division


def shap(subject, samples=1000, seed=0):
    """-> Division, complete up to rounding. samples: number of texts, at least 2 N + 1. Needs `shap`."""
    try:
        from shap import ExactExplainer, PermutationExplainer
        from shap.maskers import Masker
    except ImportError:
        raise ImportError("the method 'shap' needs the package shap: pip install 'tfllm[explain]'") from None

    class Tokens(Masker):
        """The kept tokens, instead of a masked text: the subject creates the texts."""

        shape = (1, subject.size)

        def __call__(self, mask, x):
            return (np.asarray(mask, bool)[None],)

    size = subject.size
    if 2**size <= samples:
        explainer, count = ExactExplainer(subject.values, Tokens()), 2**size + 1
    else:
        explainer, count = PermutationExplainer(subject.values, Tokens(), seed=seed), max(samples, 2 * size + 1)
    result = explainer(np.ones((1, size), bool), max_evals=count, silent=True)
    matrix = np.reshape(result.values[0], (size, -1)).T
    value, base = subject.values(np.array([[True] * size, [False] * size]))
    return Division(matrix, value, base)
