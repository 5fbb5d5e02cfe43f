"""Scores by leaving tokens out: one at a time, or, for few tokens, in every way there is.

    occlusion  s_n = f(x) - f(x without token n). Zeiler & Fergus 2014, sec. 4.2; Li et al. 2016
    Shapley    s_n = Σ_S |S|! (N - |S| - 1)! / N! (f(S and n) - f(S)), S all sets of the other tokens. Shapley 1953

f(S) is the number of the text that has the tokens S alone. Also here: random scores, which all methods should beat.
"""

from math import factorial

import numpy as np

from tfllm.explain.methods.division import Division

MOST = 10  # tokens, of which exact values take 2^10 texts


def occlusion(subject):
    """-> Division; nothing must add up."""
    keep = np.vstack([np.ones((1, subject.size), bool), ~np.eye(subject.size, dtype=bool)])
    found = subject.values(keep)  # [1 + N, K]
    return Division((found[0] - found[1:]).T, found[0])


def shapley(subject):
    """-> Division, complete up to rounding. ValueError for more than 10 tokens."""
    size = subject.size
    if size > MOST:
        raise ValueError(f"exact Shapley values are of at most {MOST} tokens; this text has {size}: take method 'shap'")
    sets = np.arange(2**size)
    keep = (sets[:, None] >> np.arange(size)) % 2 == 1  # [2^N, N]
    found, sizes = subject.values(keep), keep.sum(axis=1)
    weights = np.array([factorial(k) * factorial(max(size - k - 1, 0)) / factorial(size) for k in range(size + 1)])
    matrix = np.zeros((len(subject.targets), size))
    for n in range(size):
        without = sets[~keep[:, n]]
        matrix[:, n] = weights[sizes[without]] @ (found[without + 2**n] - found[without])
    return Division(matrix, found[-1], found[0])


def chance(subject, seed=0):
    """Random scores: -> Division."""
    value = subject.values(np.ones((1, subject.size), bool))[0]
    return Division(np.random.default_rng(seed).uniform(size=(len(value), subject.size)), value)
