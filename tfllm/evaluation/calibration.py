"""Calibration of probabilities: reliability, expected calibration error, and temperature scaling.

Guo et al. 2017. Temperature scaling does not change any decision.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfllm.evaluation.grids import grid

log = logging.getLogger("tfllm")
COLDEST, HOTTEST = 0.01, 100.0  # range of temperatures


@dataclass(frozen=True, eq=False)
class Reliability:
    """Examples in bins of equal width by the model's confidence; str() is a table. Guo et al. 2017, sec. 2."""

    count: np.ndarray  # [bins] examples in ((m - 1) / bins, m / bins]
    confidence: np.ndarray  # [bins] their mean probability; 0 for empty bins
    accuracy: np.ndarray  # [bins] the share of them that is correct

    @property
    def ece(self) -> float:
        """Expected calibration error, eq. 3: the mean over the examples of |accuracy - confidence| of their bin."""
        return float((self.count * abs(self.accuracy - self.confidence)).sum() / self.count.sum())

    @property
    def mce(self) -> float:
        """Maximum calibration error, that of the worst bin, eq. 5."""
        return float(abs(self.accuracy - self.confidence).max())

    def plot(self, path) -> Path:
        """Accuracy over confidence as a PNG; a calibrated model is on the diagonal.

        Raises ImportError without matplotlib.
        """
        from tfllm.evaluation import figures

        return figures.reliability(path, self)

    def __str__(self) -> str:
        width, rows = 1 / len(self.count), []
        for i in np.flatnonzero(self.count):
            between = f"{i * width:.2f} to {(i + 1) * width:.2f}"
            means = (f"{part[i]:.4f}" for part in (self.confidence, self.accuracy))
            rows.append([between, f"{self.count[i]:,}", *means])
        table = grid(["probability", "count", "mean", "accuracy"], rows)
        return f"{table}\nexpected calibration error {self.ece:.4f}, maximum {self.mce:.4f}"


def reliability(confidence, correct, bins: int = 15) -> Reliability:
    """confidence [N] between 0 and 1: the probability of the answer; correct [N]: whether it was correct."""
    confidence, correct = np.asarray(confidence, np.float64).ravel(), np.asarray(correct, np.float64).ravel()
    if len(confidence) != len(correct) or not len(correct):
        raise ValueError(f"expected a probability for each answer; got {len(confidence)} for {len(correct)}")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("expected probabilities between 0 and 1; some are outside, or NaN")
    if bins < 1:
        raise ValueError(f"bins must be at least 1; got {bins}")
    bins_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(bins_of, minlength=bins)
    sums = (np.bincount(bins_of, values, minlength=bins) for values in (confidence, correct))
    return Reliability(count, *(np.divide(part, count, out=np.zeros(bins), where=count > 0) for part in sums))


def expected_calibration_error(confidence, correct, bins: int = 15) -> float:
    return reliability(confidence, correct, bins).ece


def fit_temperature(logits, targets, kind: str = "single") -> float:
    """The T for which softmax(logits / T), or sigmoid(logits / T), makes held-out targets most likely. Guo, sec. 4.2.

    kind "single": logits [N, C], targets [N] class numbers; "multi": logits and targets [N, C], targets 0 or 1.
    The mean of -log p is convex in b = 1 / T: its slope, the mean of E_p[logit] - logit of the target, rises with b,
    and its zero is found by bisection between T = 0.01 and 100. If every target has the greatest logit, the optimum
    would be T = 0: such examples say nothing about calibration, so T is 1. If the optimum is above 100, T is 100. Both
    cases log a warning. Raises ValueError for wrong shapes and numbers that are not finite.
    """
    slope = _slope(np.asarray(logits, np.float64), np.asarray(targets), kind)
    low, high = np.log(1 / HOTTEST), np.log(1 / COLDEST)  # range of b
    if slope(np.exp(high)) <= 0:
        log.warning("the temperature stays 1: all %d examples are correct; use more texts", len(logits))
        return 1.0
    if slope(np.exp(low)) >= 0:
        log.warning(
            "the temperature is %g, the maximum: the logits do not predict the %d examples; use more texts",
            HOTTEST, len(logits),
        )  # fmt: skip
        return HOTTEST
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if slope(np.exp(middle)) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))


def _slope(logits, targets, kind):
    """d/db of the mean of -log p, as a function of b."""
    shapes = {"single": logits.shape[:1], "multi": logits.shape}
    if kind not in shapes:
        raise ValueError(f"kind must be 'single' or 'multi'; got {kind!r}: only probabilities can be calibrated")
    if logits.ndim != 2 or targets.shape != shapes[kind] or not logits.size:
        raise ValueError(f"expected logits [N, C] with {kind} targets; got the shapes {logits.shape}, {targets.shape}")
    if not np.isfinite(logits).all():
        raise ValueError("the logits contain numbers that are not finite")
    if kind == "multi":
        targets = targets.astype(np.float64)
        return lambda b: ((0.5 + 0.5 * np.tanh(b * logits / 2) - targets) * logits).mean()
    if targets.dtype.kind not in "iu" or targets.min() < 0 or targets.max() >= logits.shape[1]:
        raise ValueError(f"expected class numbers from 0 to {logits.shape[1] - 1} as targets")
    logits = logits - logits.max(axis=1, keepdims=True)  # changes neither p nor the slope
    chosen = logits[np.arange(len(logits)), targets]

    def slope(b):
        p = np.exp(b * logits)
        return ((p * logits).sum(axis=1) / p.sum(axis=1) - chosen).mean()

    return slope
