"""95 % confidence intervals by the bootstrap: the examples are resampled with replacement, and each resample is scored.

The percentile interval of Efron & Tibshirani 1993, sec. 13.3. Counts are resampled: how often each kind of example
occurs is multinomial, so a thousand resamples are one call of NumPy and no example is touched twice.
Not included: the variation over training seeds; the interval is that of the test set alone.
"""

from collections.abc import Callable, Iterator

import numpy as np

RESAMPLES, SEED = 1000, 12345
LEVELS = 0.025, 0.975
TOGETHER = 2**22  # counts drawn at a time


def draws(counts, resamples: int = RESAMPLES, seed: int = SEED) -> Iterator[np.ndarray]:
    """counts [M] of each kind of example -> blocks [R, M] of resamples of equally many examples, `resamples` in all."""
    counts = np.asarray(counts, np.int64)
    generator, size = np.random.default_rng(seed), int(counts.sum())
    shares = counts / size
    step = max(1, TOGETHER // max(1, len(counts)))
    for first in range(0, resamples, step):
        yield generator.multinomial(size, shares, size=min(step, resamples - first))


def intervals(
    counts, scores: Callable[[np.ndarray], dict[str, np.ndarray]], resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, tuple[float, float]]:
    """{name: (low, high)}. scores: draws [R, M] -> {name: [R]}; draws whose score is NaN are ignored."""
    result: dict[str, list] = {}
    for drawn in draws(counts, resamples, seed):
        for name, values in scores(drawn).items():
            result.setdefault(name, []).append(values)
    return {name: ends(np.concatenate(values)) for name, values in result.items()}


def ends(values: np.ndarray) -> tuple[float, float]:
    """The interval of resampled values [R]; NaN values are ignored."""
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, LEVELS)
    return float(low), float(high)
