"""Does a model know how sure it may be? Reliability, expected calibration error, and the temperature that mends it.

Guo et al. 2017. Temperature scaling leaves every decision as it is.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfllm.evaluation.grids import grid

log = logging.getLogger("tfllm")
COLDEST, HOTTEST = 0.01, 100.0  # temperatures that are looked at


@dataclass(frozen=True, eq=False)
class Reliability:
    """Examples in bins of equal width by how sure the model was; str() is a table. Guo et al. 2017, sec. 2."""

    count: np.ndarray  # [bins] examples in ((m - 1) / bins, m / bins]
    confidence: np.ndarray  # [bins] their mean probability; 0 where there is none
    accuracy: np.ndarray  # [bins] how many of them are right

    @property
    def ece(self) -> float:
        """Expected calibration error, eq. 3: the mean over the examples of |accuracy - confidence| of their bin."""
        return float((self.count * abs(self.accuracy - self.confidence)).sum() / self.count.sum())

    @property
    def mce(self) -> float:
        """The worst bin, eq. 5."""
        return float(abs(self.accuracy - self.confidence).max())

    def plot(self, path) -> Path:
        """Accuracy over confidence as a PNG; calibrated is the diagonal. ImportError without matplotlib."""
        from tfllm.evaluation import figures

        return figures.reliability(path, self)

    def __str__(self) -> str:
        width, rows = 1 / len(self.count), []
        for place in np.flatnonzero(self.count):
            between = f"{place * width:.2f} to {(place + 1) * width:.2f}"
            means = (f"{part[place]:.4f}" for part in (self.confidence, self.accuracy))
            rows.append([between, f"{self.count[place]:,}", *means])
        table = grid(["probability", "count", "mean", "accuracy"], rows)
        return f"{table}\nexpected calibration error {self.ece:.4f}, greatest {self.mce:.4f}"


def reliability(confidence, correct, bins: int = 15) -> Reliability:
    """confidence [N] between 0 and 1: the probability of what was said; correct [N]: whether that was right."""
    confidence, correct = np.asarray(confidence, np.float64).ravel(), np.asarray(correct, np.float64).ravel()
    if len(confidence) != len(correct) or not len(correct):
        raise ValueError(f"expected a probability for each answer; got {len(confidence)} for {len(correct)}")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("expected probabilities between 0 and 1; some are outside, or NaN")
    if bins < 1:
        raise ValueError(f"bins must be 1 or more; got {bins}")
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(places, minlength=bins)
    sums = (np.bincount(places, values, minlength=bins) for values in (confidence, correct))
    return Reliability(count, *(np.divide(part, count, out=np.zeros(bins), where=count > 0) for part in sums))


def expected_calibration_error(confidence, correct, bins: int = 15) -> float:
    return reliability(confidence, correct, bins).ece


def fit_temperature(logits, targets, kind: str = "single") -> float:
    """The T for which softmax(logits / T), or sigmoid(logits / T), makes held-out targets most likely. Guo, sec. 4.2.

    kind "single": logits [N, C], targets [N] class numbers; "multi": logits and targets [N, C], targets 0 or 1.
    The mean of -log p is convex in b = 1 / T: its slope, the mean of E_p[logit] - logit of the target, rises with b,
    and its zero is found by bisection between T = 0.01 and 100. Where every target has the greatest logit, ever colder
    would be ever better: such examples say nothing of how sure the model may be, so that T is 1. Where ever hotter
    would be better, T is 100. A warning tells either. Raises ValueError for wrong shapes and numbers that are not
    finite.
    """
    slope = _slope(np.asarray(logits, np.float64), np.asarray(targets), kind)
    low, high = np.log(1 / HOTTEST), np.log(1 / COLDEST)  # of b
    if slope(np.exp(high)) <= 0:
        log.warning("the temperature stays 1: there is no error among the %d examples; give more texts", len(logits))
        return 1.0
    if slope(np.exp(low)) >= 0:
        log.warning(
            "the temperature is %g, the highest: the logits say nothing about the %d examples; give more texts",
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
        raise ValueError(f"kind must be 'single' or 'multi'; got {kind!r}: only probabilities have a temperature")
    if logits.ndim != 2 or targets.shape != shapes[kind] or not logits.size:
        raise ValueError(f"expected logits [N, C] with {kind} targets; got the shapes {logits.shape}, {targets.shape}")
    if not np.isfinite(logits).all():
        raise ValueError("the logits hold numbers that are not finite")
    if kind == "multi":
        targets = targets.astype(np.float64)
        return lambda b: ((0.5 + 0.5 * np.tanh(b * logits / 2) - targets) * logits).mean()
    if targets.dtype.kind not in "iu" or targets.min() < 0 or targets.max() >= logits.shape[1]:
        raise ValueError(f"expected class numbers from 0 to {logits.shape[1] - 1} as targets")
    logits = logits - logits.max(axis=1, keepdims=True)  # changes neither p nor the slope
    said = logits[np.arange(len(logits)), targets]

    def slope(b):
        p = np.exp(b * logits)
        return ((p * logits).sum(axis=1) / p.sum(axis=1) - said).mean()

    return slope
