"""The result of every method: the scores of the tokens, and the numbers that they explain."""

from typing import NamedTuple

import numpy as np


class Division(NamedTuple):
    """matrix [K, N]; value [K], the numbers of the whole text; base [K], those of a text without the tokens, if the
    scores of each number must add up to value - base, else None.
    """

    matrix: np.ndarray
    value: np.ndarray
    base: np.ndarray | None = None

    @property
    def error(self):
        """|Σ scores - (value - base)| / |value - base|, [K]; None if scores need not be complete."""
        if self.base is None:
            return None
        change = self.value - self.base
        return np.abs(self.matrix.sum(axis=1) - change) / np.maximum(np.abs(change), np.finfo("float32").tiny)
