"""The 95 % interval of a mean, a paired test, and Holm's correction for several tests."""

from collections.abc import Sequence

import numpy as np

from tfllm.evaluation.bootstrap import ends

RESAMPLES = 2000
EXACT = 12  # differences whose signs are all tried


def bootstrap_mean(values, resamples: int = RESAMPLES, seed: int = 1) -> tuple[float, float]:
    """The percentile interval of a mean. Efron & Tibshirani 1993, sec. 13.3. values: [N], N at least 1."""
    values, draw = np.asarray(values, "float64"), np.random.default_rng(seed)
    means = [values[draw.integers(0, len(values), len(values))].mean() for _ in range(resamples)]
    return ends(np.array(means))


def sign_flip(differences, resamples: int = 10_000, seed: int = 1) -> float:
    """Two-sided p of the mean of paired differences [N]; without an effect each sign is equally likely. Fisher 1935.

    All 2^N signs for N up to 12; otherwise a sample, and p is (count + 1) / (resamples + 1).
    """
    values = np.asarray(differences, "float64")
    least = abs(values.sum()) - 1e-9 * max(1.0, np.abs(values).sum())
    if len(values) <= EXACT:
        signs = 1 - 2 * (np.arange(2 ** len(values))[:, None] >> np.arange(len(values)) & 1)
        return float((np.abs(signs @ values) >= least).mean())
    draw, count = np.random.default_rng(seed), 0
    for _ in range(resamples):
        count += abs((1 - 2 * draw.integers(0, 2, len(values))) @ values) >= least
    return float((count + 1) / (resamples + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, in the same order. Holm 1979: the i-th smallest of m times m - i + 1."""
    order, corrected, largest = np.argsort(p_values), [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
