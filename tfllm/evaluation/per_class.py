"""Precision, recall and F1 of each class from three counts.

A score with denominator 0 is 0, as in scikit-learn: the precision of a class that was never predicted, the recall of
one that never occurs. Macro F1 is the mean over the classes that occur as true or predicted ones.
"""

from typing import Any

import numpy as np

from tfllm.evaluation.grids import grid


class PerClass:
    """A report with `labels` and, for each class, [C] counts: `hits`, `support` (true), `predicted`."""

    hits: np.ndarray
    support: np.ndarray
    predicted: np.ndarray
    reliability: Any

    @property
    def precision(self) -> np.ndarray:  # [C]
        return ratio(self.hits, self.predicted)

    @property
    def recall(self) -> np.ndarray:  # [C]
        return ratio(self.hits, self.support)

    @property
    def f1(self) -> np.ndarray:  # [C]
        return f1(self.hits, self.support, self.predicted)

    @property
    def macro_f1(self) -> float:
        return float(macro_f1(self.hits, self.support, self.predicted))

    @property
    def ece(self) -> float | None:
        """Expected calibration error, see calibration.py; None without probabilities."""
        return None if self.reliability is None else self.reliability.ece

    def classes(self) -> dict:
        """{label: its scores}, in JSON types."""
        return {
            label: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
            for label, p, r, f, n in self._rows()
        }

    def table(self) -> str:
        rows = [[label, *(f"{figure:.4f}" for figure in (p, r, f)), f"{n:,}"] for label, p, r, f, n in self._rows()]
        return grid(["", "precision", "recall", "f1", "support"], rows)

    def _rows(self):
        return zip(self.labels, self.precision, self.recall, self.f1, self.support, strict=True)


def ratio(part, whole):
    """part / whole, 0 if whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)


def f1(hits, true, predicted):
    """2 TP / (2 TP + FP + FN), counts [..., C]."""
    return ratio(2 * hits, true + predicted)


def macro_f1(hits, true, predicted):
    """[..., C] -> [...]: the mean over the classes that occur; 0 if none does."""
    return ratio(f1(hits, true, predicted).sum(axis=-1), (true + predicted > 0).sum(axis=-1))
