"""Report for a classifier: scores per class and overall, the confusion matrix, confidence intervals, calibration.

All scores are between 0 and 1, as in scikit-learn; per_class.py has those of each class. Micro F1 of single labels is
the accuracy. Not included: example weights, ROC curves. Several labels per text: multilabel.py; numbers: regression.py.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfllm.evaluation import bootstrap
from tfllm.evaluation.calibration import Reliability, reliability
from tfllm.evaluation.grids import grid, shown
from tfllm.evaluation.per_class import PerClass, macro_f1
from tfllm.evaluation.score_inputs import chances, classes

SHOWN = 12  # maximum number of classes for a confusion matrix as text


@dataclass(frozen=True, eq=False)
class ClassificationReport(PerClass):
    """For single labels, C classes; str() is a table."""

    labels: tuple[str, ...]
    confusion: np.ndarray  # [C, C] counts: rows the true classes, columns the predicted ones
    intervals: dict[str, tuple[float, float]]  # 95 %, of "accuracy" and "macro_f1"
    reliability: Reliability | None = None  # if probabilities were given
    log_loss: float | None = None  # mean of -log p(true class), natural logarithm; likewise

    @property
    def accuracy(self) -> float:
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def hits(self) -> np.ndarray:  # [C] correctly predicted examples of each class
        return np.diag(self.confusion)

    @property
    def support(self) -> np.ndarray:  # [C] examples of each class
        return self.confusion.sum(axis=1)

    @property
    def predicted(self) -> np.ndarray:  # [C] examples that were predicted as each class
        return self.confusion.sum(axis=0)

    @property
    def micro_f1(self) -> float:
        return self.accuracy

    @property
    def matthews(self) -> float:
        return _matthews(self.confusion)

    def as_dict(self) -> dict:
        """The report in JSON types."""
        result = {
            "examples": int(self.confusion.sum()),
            "accuracy": self.accuracy, "macro_f1": self.macro_f1, "micro_f1": self.micro_f1,
            "matthews": self.matthews,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "classes": self.classes(),
            "confusion": self.confusion.tolist(),
        }  # fmt: skip
        return result if self.reliability is None else result | {"ece": self.ece, "log_loss": self.log_loss}

    def matrix(self) -> str:
        """The confusion matrix as text."""
        counted = zip(self.labels, self.confusion, strict=True)
        rows = [[label, *(f"{count:,}" for count in counts)] for label, counts in counted]
        return grid(["true \\ predicted", *self.labels], rows)

    def plot(self, path) -> Path:
        """The confusion matrix as a PNG, coloured by shares of the true class.

        Raises ImportError without matplotlib.
        """
        from tfllm.evaluation import figures

        return figures.confusion(path, self.labels, self.confusion)

    def __str__(self) -> str:
        lines = [self.table(), ""]
        lines.append(f"accuracy {self.accuracy:.4f} {shown(self.intervals['accuracy'])} of {self.confusion.sum():,}")
        lines.append(f"macro F1 {self.macro_f1:.4f} {shown(self.intervals['macro_f1'])}; micro F1 {self.micro_f1:.4f}")
        lines.append(f"Matthews {self.matthews:.4f}")
        if self.reliability is not None:
            lines.append(f"log loss {self.log_loss:.4f}; expected calibration error {self.ece:.4f}")
        if len(self.labels) <= SHOWN:
            lines += ["", self.matrix()]
        return "\n".join(lines)


def classification_report(
    y_true, y_pred, labels=None, probabilities=None, seed: int = bootstrap.SEED, bins: int = 15
) -> ClassificationReport:
    """y_true, y_pred [N] class numbers or names.

    labels: the names of the classes 0, 1, ...; default: the names that occur, sorted, or the numbers.
    probabilities: [N, C], for calibration and log loss. seed: of the bootstrap.
    Raises ValueError for unequal lengths, no examples, unknown labels, and invalid probabilities.
    """
    y_true, y_pred, labels = classes(y_true, y_pred, labels)
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (y_true, y_pred), 1)
    trust = loss = None
    if probabilities is not None:
        probabilities = chances(probabilities, (len(y_true), len(labels)), normalized=True)
        rows = np.arange(len(y_true))
        trust = reliability(probabilities[rows, y_pred], y_true == y_pred, bins)
        loss = float(0.0 - np.log(np.maximum(probabilities[rows, y_true], 1e-15)).mean())  # never -0.0
    return ClassificationReport(labels, confusion, _intervals(confusion, seed), trust, loss)


def matthews(y_true, y_pred) -> float:
    """Matthews' correlation of two or more classes, Gorodkin 2004, eq.

    8; 0 if all true or all predicted classes are equal.
    """
    return classification_report(y_true, y_pred).matthews


def _matthews(confusion):
    total, hits = float(confusion.sum()), float(np.trace(confusion))
    true, predicted = confusion.sum(axis=1).astype(float), confusion.sum(axis=0).astype(float)
    spread = (total**2 - true @ true) * (total**2 - predicted @ predicted)
    return float((hits * total - true @ predicted) / math.sqrt(spread)) if spread > 0 else 0.0


def _intervals(confusion, seed):
    """Each example is one cell of the confusion matrix: resampling examples is resampling counts of its cells."""
    true, predicted = np.nonzero(confusion)
    hits = true == predicted

    def scores(drawn):  # [R, M] counts of the cells
        right = sums(drawn[:, hits], true[hits], len(confusion))
        both = sums(drawn, true, len(confusion)), sums(drawn, predicted, len(confusion))
        return {"accuracy": right.sum(axis=1) / drawn.sum(axis=1), "macro_f1": macro_f1(right, *both)}

    return bootstrap.intervals(confusion[true, predicted], scores, seed=seed)


def sums(drawn, groups, size):
    """drawn [R, M], the group of each column [M] -> [R, size] sums."""
    result, order = np.zeros((len(drawn), size), np.int64), np.argsort(groups, kind="stable")
    present, starts = np.unique(groups[order], return_index=True)
    if len(present):
        result[:, present] = np.add.reduceat(drawn[:, order], starts, axis=1)
    return result
