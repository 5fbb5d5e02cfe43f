"""SHAP: Shapley values from fewer texts than all, by the `shap` package. Lundberg & Lee 2017.

The package permutes the tokens of the task's tokenizer, adds them one by one in this order and in the reverse one, and
takes the mean change of the score (Štrumbelj & Kononenko 2014). Where all sets of tokens are no more texts than
`samples`, it takes all: exact values.
"""

import numpy as np

from tfllm.explain.methods.division import Division


def shap(subject, samples=1000, seed=0):
    """-> Division, complete up to rounding. samples: texts, at least 2 N + 1. ImportError without `shap`."""
    try:
        from shap import ExactExplainer, PermutationExplainer
        from shap.maskers import Masker
    except ImportError:
        raise ImportError("the method 'shap' needs the package shap: pip install 'tfllm[explain]'") from None

    class Tokens(Masker):
        """The tokens that stay, in the place of a masked text: the subject makes texts of them."""

        shape = (1, subject.size)

        def __call__(self, mask, x):
            return (np.asarray(mask, bool)[None],)

    size = subject.size
    if 2**size <= samples:
        explainer, count = ExactExplainer(subject.values, Tokens()), 2**size + 1
    else:
        explainer, count = PermutationExplainer(subject.values, Tokens(), seed=seed), max(samples, 2 * size + 1)
    found = explainer(np.ones((1, size), bool), max_evals=count, silent=True)
    matrix = np.reshape(found.values[0], (size, -1)).T
    value, base = subject.values(np.array([[True] * size, [False] * size]))
    return Division(matrix, value, base)
