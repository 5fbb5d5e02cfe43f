"""Sums by key in bounded memory: what grows too large is written to a file as a sorted run, and merged at the end."""

import logging
import tempfile
from contextlib import contextmanager

import numpy as np

BYTES = 80  # an entry takes while it is sorted and summed: key and sum, a copy, their order, the result

logger = logging.getLogger(__name__)


def summed(keys, values):
    """int64 [N], float64 [N] -> the keys in order, each once, and the sum of its values."""
    order = np.argsort(keys, kind="stable")  # merges runs that are sorted already in linear time
    keys = keys[order]
    first = beginnings(keys)
    return keys[first], np.add.reduceat(values[order], first)


def beginnings(keys):
    """Where each new key begins; keys sorted, at least one."""
    return np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))


@contextmanager
def scratch(folder):
    """A temporary file in `folder` (None: the system's) that has no name, so that nothing is ever left behind."""
    with tempfile.TemporaryFile(dir=folder, prefix="tfllm-") as file:
        yield file


class Sums:
    """Adds values to keys; `chunks` gives (keys in order, sums), each key once.

    memory: bytes for the entries that are held, and for merging. More than that goes to `file` as runs; each has its
    keys (int64) and then its sums (float64).
    """

    def __init__(self, memory, file):
        self.room = max(1, int(memory) // BYTES)  # entries
        self.file = file
        self.parts, self.held = [], 0
        self.runs = []  # (place in the file in numbers of 8 bytes, entries)

    def add(self, keys, sums):
        """Keys in order, each once, at most `room` of them."""
        if self.held + len(keys) > self.room:
            self._merge()
            if self.held + len(keys) > self.room or self.held > self.room // 2:
                self._spill()
        self.parts.append((keys, sums))
        self.held += len(keys)

    def chunks(self):
        """(keys, sums), at most `room` at a time; all keys of one are greater than those of the one before."""
        if not self.runs:
            self._merge()
            yield from self.parts
            return
        if self.held:
            self._merge()
            self._spill()
        self.file.flush()
        words = np.memmap(self.file, np.int64, "r")
        keys = [words[at : at + size] for at, size in self.runs]
        sums = [words[at + size : at + 2 * size].view(np.float64) for at, size in self.runs]
        logger.info("merging %d runs of %d entries", len(keys), sum(map(len, keys)))
        cuts = self._cuts(keys)
        for begin, end in zip(cuts[:-1], cuts[1:], strict=True):  # [runs] each
            pieces = [slice(*cut) for cut in zip(begin, end, strict=True)]
            if (end > begin).any():
                yield summed(
                    np.concatenate([run[piece] for run, piece in zip(keys, pieces, strict=True)]),
                    np.concatenate([run[piece] for run, piece in zip(sums, pieces, strict=True)]),
                )

    def _cuts(self, keys):
        """[cuts, runs]: where to cut all runs at the same keys, with no more than `room` entries between two cuts.

        Every `step`-th key of each run is a sample. Between samples that stand `apart` in their common order lie at
        most (apart + 2 runs) * step entries. (Fewer would be needed only where there are more runs than room / 4.)
        """
        step = max(1, self.room // (4 * len(keys)))
        apart = max(1, self.room // (2 * step))
        bounds = np.unique(np.sort(np.concatenate([run[::step] for run in keys]))[::apart])
        inner = [np.searchsorted(run, bounds) for run in keys]
        ends = [np.append(cut, len(run)) for cut, run in zip(inner, keys, strict=True)]
        return np.stack([np.insert(end, 0, 0) for end in ends], axis=1)

    def _merge(self):
        if len(self.parts) > 1:
            keys, sums = (np.concatenate(part) for part in zip(*self.parts, strict=True))
            self.parts = []
            self.parts = [summed(keys, sums)]
            self.held = len(self.parts[0][0])

    def _spill(self):
        for keys, sums in self.parts:
            self.runs.append((self.file.tell() // 8, len(keys)))
            self.file.write(memoryview(keys))
            self.file.write(memoryview(sums))
        self.parts, self.held = [], 0
