"""Sums by key in bounded memory: when they grow too large, sorted runs are written to a file and merged at the end."""

import logging
import tempfile
from contextlib import contextmanager

import numpy as np

BYTES = 80  # memory for an entry while it is sorted and summed: key and sum, a copy, their order, the result

logger = logging.getLogger(__name__)


def summed(keys, values):
    """int64 [N], float64 [N] -> the sorted unique keys, and the sum of the values of each."""
    order = np.argsort(keys, kind="stable")  # a stable sort merges sorted runs in linear time
    keys = keys[order]
    first = beginnings(keys)
    return keys[first], np.add.reduceat(values[order], first)


def beginnings(keys):
    """The index where each new key begins; keys sorted, at least one."""
    return np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))


@contextmanager
def scratch(folder):
    """An anonymous temporary file in `folder` (None: the system's), which never remains behind."""
    with tempfile.TemporaryFile(dir=folder, prefix="tfllm-") as file:
        yield file


class Sums:
    """Adds values to keys; `chunks` yields (sorted unique keys, sums).

    memory: bytes for the entries in memory, and for merging. More entries go to `file` as runs; each has its keys
    (int64) and then its sums (float64).
    """

    def __init__(self, memory, file):
        self.capacity = max(1, int(memory) // BYTES)  # entries
        self.file = file
        self.parts, self.size = [], 0
        self.runs = []  # (offset in the file in units of 8 bytes, entries)

    def add(self, keys, sums):
        """Add sorted unique keys, at most `capacity` of them."""
        if self.size + len(keys) > self.capacity:
            self._merge()
            if self.size + len(keys) > self.capacity or self.size > self.capacity // 2:
                self._spill()
        self.parts.append((keys, sums))
        self.size += len(keys)

    def chunks(self):
        """(keys, sums), at most `capacity` at a time; all keys of one are greater than those of the one before."""
        if not self.runs:
            self._merge()
            yield from self.parts
            return
        if self.size:
            self._merge()
            self._spill()
        self.file.flush()
        words = np.memmap(self.file, np.int64, "r")
        keys = [words[at : at + size] for at, size in self.runs]
        sums = [words[at + size : at + 2 * size].view(np.float64) for at, size in self.runs]
        logger.info("merging %d runs of %d entries", len(keys), sum(map(len, keys)))
        cuts = self._cuts(keys)
        for begin, end in zip(cuts[:-1], cuts[1:], strict=True):  # [runs] each
            slices = [slice(*cut) for cut in zip(begin, end, strict=True)]
            if (end > begin).any():
                yield summed(
                    np.concatenate([run[part] for run, part in zip(keys, slices, strict=True)]),
                    np.concatenate([run[part] for run, part in zip(sums, slices, strict=True)]),
                )

    def _cuts(self, keys):
        """[cuts, runs]: where to split all runs at the same keys, with no more than `capacity` entries between two
        cuts.

        Every `step`-th key of each run is a sample. Between samples that are `apart` in their common order there are at
        most (apart + 2 runs) * step entries. (Fewer would be needed only with more than capacity / 4 runs.)
        """
        step = max(1, self.capacity // (4 * len(keys)))
        apart = max(1, self.capacity // (2 * step))
        bounds = np.unique(np.sort(np.concatenate([run[::step] for run in keys]))[::apart])
        inner = [np.searchsorted(run, bounds) for run in keys]
        ends = [np.append(cut, len(run)) for cut, run in zip(inner, keys, strict=True)]
        return np.stack([np.insert(end, 0, 0) for end in ends], axis=1)

    def _merge(self):
        if len(self.parts) > 1:
            keys, sums = (np.concatenate(part) for part in zip(*self.parts, strict=True))
            self.parts = []
            self.parts = [summed(keys, sums)]
            self.size = len(self.parts[0][0])

    def _spill(self):
        for keys, sums in self.parts:
            self.runs.append((self.file.tell() // 8, len(keys)))
            self.file.write(memoryview(keys))
            self.file.write(memoryview(sums))
        self.parts, self.size = [], 0
