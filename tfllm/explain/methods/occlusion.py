"""Scores by removing tokens: one at a time, or, for few tokens, all subsets.

    occlusion  s_n = f(x) - f(x without token n). Zeiler & Fergus 2014, sec. 4.2; Li et al. 2016
    Shapley    s_n = Σ_S |S|! (N - |S| - 1)! / N! (f(S and n) - f(S)), S all sets of the other tokens. Shapley 1953

f(S) is the number for the text with only the tokens S. Also here: random scores, which every method should beat.
"""

from math import factorial

import numpy as np

from tfllm.explain.methods.division import Division

MOST = 10  # maximum number of tokens for exact values, which need 2^10 texts


def occlusion(subject):
    """-> Division; scores need not be complete."""
    keep = np.vstack([np.ones((1, subject.size), bool), ~np.eye(subject.size, dtype=bool)])
    result = subject.values(keep)  # [1 + N, K]
    return Division((result[0] - result[1:]).T, result[0])


def shapley(subject):
    """-> Division, complete up to rounding. Raises ValueError for more than 10 tokens."""
    size = subject.size
    if size > MOST:
        raise ValueError(f"exact Shapley values need at most {MOST} tokens; this text has {size}: use method 'shap'")
    sets = np.arange(2**size)
    keep = (sets[:, None] >> np.arange(size)) % 2 == 1  # [2^N, N]
    result, sizes = subject.values(keep), keep.sum(axis=1)
    weights = np.array([factorial(k) * factorial(max(size - k - 1, 0)) / factorial(size) for k in range(size + 1)])
    matrix = np.zeros((len(subject.targets), size))
    for n in range(size):
        without = sets[~keep[:, n]]
        matrix[:, n] = weights[sizes[without]] @ (result[without + 2**n] - result[without])
    return Division(matrix, result[-1], result[0])


def chance(subject, seed=0):
    """Random scores: -> Division."""
    value = subject.values(np.ones((1, subject.size), bool))[0]
    return Division(np.random.default_rng(seed).uniform(size=(len(value), subject.size)), value)
