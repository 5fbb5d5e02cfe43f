"""Report for a classifier with several labels per text, or none. per_class.py has the scores of each label.

Macro F1 is the mean over the labels that occur, micro F1 that of all decisions together; accuracy requires all labels
of a text to be correct (subset accuracy).
"""

from dataclasses import dataclass

import numpy as np

from tfllm.evaluation import bootstrap
from tfllm.evaluation.calibration import Reliability, reliability
from tfllm.evaluation.grids import shown
from tfllm.evaluation.per_class import PerClass, f1, macro_f1
from tfllm.evaluation.score_inputs import chances, yes_or_no


@dataclass(frozen=True, eq=False)
class MultilabelReport(PerClass):
    """C labels; str() is a table."""

    labels: tuple[str, ...]
    examples: int
    accuracy: float  # share of texts with all labels correct
    hits: np.ndarray  # [C] texts that have the label and were predicted to have it
    support: np.ndarray  # [C] texts that have the label
    predicted: np.ndarray  # [C] texts that were predicted to have the label
    intervals: dict[str, tuple[float, float]]  # 95 %, of "accuracy", "micro_f1" and "macro_f1"
    reliability: Reliability | None = None  # of all probabilities, compared with whether the text has the label

    @property
    def micro_f1(self) -> float:
        return float(f1(self.hits.sum(), self.support.sum(), self.predicted.sum()))

    @property
    def hamming_loss(self) -> float:
        """The share of all single decisions that are wrong."""
        wrong = self.support + self.predicted - 2 * self.hits
        return float(wrong.sum() / (self.examples * len(self.labels)))

    def as_dict(self) -> dict:
        """The report in JSON types."""
        result = {
            "examples": self.examples,
            "accuracy": self.accuracy, "macro_f1": self.macro_f1, "micro_f1": self.micro_f1,
            "hamming_loss": self.hamming_loss,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "classes": self.classes(),
        }  # fmt: skip
        return result if self.reliability is None else result | {"ece": self.ece}

    def __str__(self) -> str:
        lines = [self.table(), ""]
        lines.append(f"all labels right {self.accuracy:.4f} {shown(self.intervals['accuracy'])} of {self.examples:,}")
        lines.append(f"micro F1 {self.micro_f1:.4f} {shown(self.intervals['micro_f1'])}")
        lines.append(f"macro F1 {self.macro_f1:.4f} {shown(self.intervals['macro_f1'])}")
        lines.append(f"Hamming loss {self.hamming_loss:.4f}")
        if self.reliability is not None:
            lines.append(f"expected calibration error {self.ece:.4f}")
        return "\n".join(lines)


def multilabel_report(
    y_true, y_pred, labels=None, probabilities=None, seed: int = bootstrap.SEED, bins: int = 15
) -> MultilabelReport:
    """y_true, y_pred [N, C] 0 or 1; labels, probabilities (each between 0 and 1), errors as in
    `classification_report`.
    """
    y_true, y_pred, labels = yes_or_no(y_true, y_pred, labels)
    kinds, counts = np.unique(np.concatenate([y_true, y_pred], axis=1), axis=0, return_counts=True)
    true, predicted = kinds[:, : len(labels)], kinds[:, len(labels) :]
    right = (true == predicted).all(axis=1)

    def scores(drawn):  # [R, M] counts of the kinds of example
        parts = [drawn @ part.astype(np.float64) for part in (true & predicted, true, predicted)]  # [R, C]
        totals = (part.sum(axis=1) for part in parts)
        accuracy = drawn @ right.astype(np.float64) / drawn.sum(axis=1)
        return {"accuracy": accuracy, "micro_f1": f1(*totals), "macro_f1": macro_f1(*parts)}

    trust = None
    if probabilities is not None:
        trust = reliability(chances(probabilities, y_true.shape, normalized=False), y_true, bins)
    return MultilabelReport(
        labels, len(y_true), float((y_true == y_pred).all(axis=1).mean()),
        (y_true & y_pred).sum(axis=0), y_true.sum(axis=0), y_pred.sum(axis=0),
        bootstrap.intervals(counts, scores, seed=seed), trust,
    )  # fmt: skip
