"""LIME: the weights of a linear model of the score, fitted to texts without some of their tokens. Ribeiro et al. 2016.

The `lime` package fits the model (its LimeBase, with the kernel of its LimeTextExplainer). The tokens to remove are
drawn here in the same way: a number from 1 to N uniformly, then as many tokens. So the tokens are those of the task's
tokenizer, and the model reads the texts in batches.
"""

import numpy as np

from tfllm.explain.methods.division import Division

WIDTH = 25.0  # kernel width, for distances from 0 to 100


def lime(subject, samples=1000, seed=0):
    """-> Division; scores need not be complete. samples: number of texts, including the original. Needs `lime`."""
    try:
        from lime.lime_base import LimeBase
    except ImportError:
        raise ImportError("the method 'lime' needs the package lime: pip install 'tfllm[explain]'") from None
    if samples < 2:
        raise ValueError(f"samples must be at least 2; got {samples}")
    keep = drawn(subject.size, samples, seed)
    result = subject.values(keep)  # [samples, K]
    distances = 100 * (1 - np.sqrt(keep.mean(axis=1)))  # cosine distance between a 0/1 vector and all ones
    base = LimeBase(kernel, random_state=np.random.RandomState(seed))
    matrix = np.zeros((result.shape[1], subject.size))
    for k in range(result.shape[1]):
        _, weights, _, _ = base.explain_instance_with_data(
            keep.astype("float64"), result, distances, k, subject.size, feature_selection="none"
        )
        for n, weight in weights:
            matrix[k, n] = weight
    return Division(matrix, result[0])


def drawn(size, samples, seed):
    """-> bool [samples, N], the first all True."""
    draw = np.random.default_rng(seed)
    counts = draw.integers(1, size + 1, size=(samples, 1))  # number of tokens to remove
    keep = draw.random((samples, size)).argsort(axis=1).argsort(axis=1) >= counts
    keep[0] = True
    return keep


def kernel(distances):
    return np.sqrt(np.exp(-(distances**2) / WIDTH**2))
