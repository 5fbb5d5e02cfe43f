"""95 % intervals by the bootstrap: the examples are drawn again with replacement, and the score is taken of each draw.

The percentile interval of Efron & Tibshirani 1993, sec. 13.3. What is drawn are counts: how often each kind of example
comes is multinomial, so that a thousand draws are one call of NumPy and no example is touched twice.
Left out: what the training would have given with another seed; the interval is that of the test set alone.
"""

from collections.abc import Callable, Iterator

import numpy as np

RESAMPLES, SEED = 1000, 12345
LEVELS = 0.025, 0.975
TOGETHER = 2**22  # counts drawn at a time


def draws(counts, resamples: int = RESAMPLES, seed: int = SEED) -> Iterator[np.ndarray]:
    """counts [M] of each kind of example -> pieces [R, M] of resamples of as many examples, R in all `resamples`."""
    counts = np.asarray(counts, np.int64)
    generator, size = np.random.default_rng(seed), int(counts.sum())
    shares = counts / size
    step = max(1, TOGETHER // max(1, len(counts)))
    for first in range(0, resamples, step):
        yield generator.multinomial(size, shares, size=min(step, resamples - first))


def intervals(
    counts, scores: Callable[[np.ndarray], dict[str, np.ndarray]], resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, tuple[float, float]]:
    """{name: (low, high)}. scores: draws [R, M] -> {name: [R]}; draws whose score is not a number are left out."""
    result: dict[str, list] = {}
    for piece in draws(counts, resamples, seed):
        for name, values in scores(piece).items():
            result.setdefault(name, []).append(values)
    return {name: _ends(np.concatenate(values)) for name, values in result.items()}


def _ends(values):
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, LEVELS)
    return float(low), float(high)
