"""A table of word vectors that grows while a file is read, without repeated words and non-finite numbers."""

from typing import NamedTuple

import numpy as np

WRITTEN = 1024  # rows that are written at a time


class Rows(NamedTuple):
    """words: list of str; matrix float32 [N, columns]; numbers: the line of each row."""

    words: list
    matrix: np.ndarray
    numbers: list

    def selected(self, mask):
        """The rows for which mask, bool [N], is True."""
        rows = np.flatnonzero(mask).tolist()
        return Rows([self.words[i] for i in rows], self.matrix[rows], [self.numbers[i] for i in rows])


class Table:
    """index: {word: row}, in order. At most `limit` rows (None: all); `read`: number of lines read so far."""

    def __init__(self, columns, limit, faults):
        self.index, self.columns, self.limit, self.read = {}, columns, limit, 0
        self._faults, self._blocks = faults, []

    @property
    def remaining(self):
        """How many rows may still be added; None without a limit."""
        return None if self.limit is None else self.limit - len(self.index)

    @property
    def full(self):
        return self.remaining == 0

    def add(self, rows):
        """Add the rows, except invalid ones."""
        finite = np.isfinite(rows.matrix).all(1)
        if not finite.all():
            for i in np.flatnonzero(~finite):
                bad = rows.matrix[i][~np.isfinite(rows.matrix[i])][0]
                message = f"expected finite float32 numbers, got {bad} in the vector of {rows.words[i]!r:.60}"
                self._faults("with a number that is not finite", rows.numbers[i], message)
            rows = rows.selected(finite)
        index, new = self.index, []
        for word in rows.words:
            row = len(index)
            new.append(index.setdefault(word, row) == row)
        if not all(new):
            for i in np.flatnonzero(~np.array(new)):
                message = f"expected each word once, got {rows.words[i]!r:.60} again"
                self._faults("with a word that came before", rows.numbers[i], message)
            rows = rows.selected(new)
        self._blocks.append(rows.matrix)

    def matrix(self):
        """float32 [V, columns]. Frees the blocks on the way, so that no number is in memory twice."""
        matrix, row = np.empty((len(self.index), self.columns), np.float32), 0
        for i, block in enumerate(self._blocks):
            matrix[row : row + len(block)] = block
            row, self._blocks[i] = row + len(block), None
        return matrix
