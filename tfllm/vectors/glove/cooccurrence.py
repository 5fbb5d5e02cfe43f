"""Co-occurrence counts of words over a streamed corpus, in bounded memory: the table that GloVe fits.

Pennington, Socher, Manning 2014, sec. 3 and 4.2: X[i, j] is the sum of 1 / d over all positions where word j is d words
from word i, d at most `window`.
"""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import repeat

import keras
import numpy as np
import tensorflow as tf

from tfllm.vectors.glove.sums import Sums, beginnings, scratch, summed
from tfllm.vectors.sentences import Sentences

PAIR = np.dtype([("row", np.int32), ("column", np.int32), ("count", np.float64)])
EXACT = 2**32  # distances are weighted by whole numbers, 1/d in units of 1/lcm(1..window), while these are smaller
BYTES = 256  # memory for a pair of words while it is sorted and summed


@dataclass(frozen=True, eq=False)
class Cooccurrence:
    """A sparse table [V, V] of counts of pairs; `Cooccurrence.count` makes it.

    words: [V] by falling frequency, then alphabetically. frequencies: int64 [V], how often each occurs.
    pairs: records (row, column, count) sorted by (row, column), each pair once. If larger than the allowed memory, they
        are memory-mapped from an anonymous temporary file, which is deleted with them.
    """

    words: list
    frequencies: np.ndarray
    pairs: np.ndarray

    @classmethod
    def count(cls, texts, tokenizer=None, window=10, min_count=5, vocab_size=None, symmetric=True,
              distance_weighting=True, memory=1024, folder=None, verbose=1):  # fmt: skip
        """Count the pairs of `texts`, which are read twice: first the words are counted, then the pairs.

        texts, tokenizer: as in `Sentences`. Pairs never cross from one text to the next.
        window: the largest distance of a pair in words, on either side (to the right only, if not symmetric).
        min_count, vocab_size: words that occur less often, or are not among the `vocab_size` most frequent, are removed
            before distances are measured.
        symmetric: a pair counts for (i, j) and for (j, i); else only for (word before, word after it).
        distance_weighting: d words apart counts 1/d; else 1.
        memory: MiB for sorting and summing. If the table needs more, sorted runs are written to a temporary file in
            `folder` (None: the system's) and merged. The vocabulary and the words of 1,024 texts need further memory.
        verbose: 0 shows no progress bar.

        All of this equals the authors' program `cooccur`. Differs: sums are float64 of whole multiples of
        1 / lcm(1..window), so up to window 22 they are exact, the same for any `memory`, and rounded once.
        Raises ValueError if there are no words, none that occurs `min_count` times, no pair, or if the second reading
        gives other texts.
        """
        _check(window=window, min_count=min_count, memory=memory, vocab_size=1 if vocab_size is None else vocab_size)
        sentences = Sentences(texts, tokenizer)
        total = _number_of_texts(texts)
        words, frequencies, seen = _vocabulary(_shown(sentences, total, "words", verbose), min_count, vocab_size)
        packing = _Packing(len(words), window, symmetric, distance_weighting)
        with scratch(folder) as file:
            sums = Sums(memory * 2**20 / 2, file)
            ids = _ids(_shown(sentences, total, "pairs", verbose), words, seen)
            for keys, values in packing.counted(ids, capacity=int(memory * 2**20 / BYTES)):
                sums.add(keys, values)
            pairs = _table(sums, packing, folder)
        if not len(pairs):
            raise ValueError(f"no two of the {len(words)} words occur in one text: there is no pair to count")
        return cls(words, frequencies, pairs)

    @property
    def rows(self):
        return self.pairs["row"]

    @property
    def columns(self):
        return self.pairs["column"]

    @property
    def counts(self):
        return self.pairs["count"]

    def __len__(self):
        return len(self.pairs)


class _Packing:
    """A pair and its distance as one int64, (row * V + column) << bits | distance - 1, which sorts fast."""

    def __init__(self, size, window, symmetric, distance_weighting):
        self.size, self.window, self.symmetric = size, window, symmetric
        self.bits = (window - 1).bit_length() if distance_weighting else 0
        if size**2 << self.bits >= 2**63:
            raise ValueError(f"a window of {window} with {size} words is too large; use at most 1000")
        unit = math.lcm(*range(1, min(window, 64) + 1)) if distance_weighting else 1
        self.unit = unit if unit < EXACT else 1
        self.weights = self.unit / np.arange(1, 2**self.bits + 1)

    def counted(self, groups, capacity):
        """Groups of (ids, index of the text of each) -> (keys row * V + column, sorted and unique; sums)."""
        capacity = max(1, capacity)
        waiting, size = [], 0
        for ids, texts in groups:
            for packed in self.packed(ids, texts, capacity):
                if size + len(packed) > capacity and waiting:
                    yield self.unpacked(waiting)
                    waiting, size = [], 0
                waiting.append(packed)
                size += len(packed)
        if waiting:
            yield self.unpacked(waiting)

    def packed(self, ids, texts, capacity):
        """All pairs of a group, by distance; at most `capacity` at a time."""
        if not len(ids):
            return
        longest = int(np.diff(np.append(beginnings(texts), len(texts))).max())
        for distance in range(1, min(self.window, longest - 1) + 1):
            for at in range(distance, len(ids), capacity):
                after, before = slice(at, at + capacity), slice(at - distance, min(at + capacity, len(ids)) - distance)
                together = texts[after] == texts[before]
                rows, columns = ids[before][together], ids[after][together]
                if self.symmetric:  # each pair once; `unpacked` makes the other half of the table
                    rows, columns = np.minimum(rows, columns), np.maximum(rows, columns)
                rows *= self.size
                rows += columns
                if self.bits:
                    rows <<= self.bits
                    rows |= distance - 1
                if len(rows):
                    yield rows

    def unpacked(self, waiting):
        packed = np.concatenate(waiting)
        waiting.clear()
        packed.sort()
        keys = packed >> self.bits
        first = beginnings(keys)
        sums = np.add.reduceat(self.weights[packed & (2**self.bits - 1)], first)
        keys = keys[first]
        if not self.symmetric:
            return keys, sums
        rows, columns = np.divmod(keys, self.size)
        other = columns * self.size + rows
        apart = rows != columns
        sums[~apart] *= 2  # a word with itself: once as each of the two
        return summed(np.concatenate([keys, other[apart]]), np.concatenate([sums, sums[apart]]))

    def records(self, keys, sums):
        result = np.empty(len(keys), PAIR)
        result["row"], result["column"] = np.divmod(keys, self.size)
        result["count"] = sums / self.unit
        return result


def _table(sums, packing, folder):
    """The records of all sums; memory-mapped from a file if they were too many for the memory."""
    if not sums.runs:
        return np.concatenate([np.empty(0, PAIR), *(packing.records(*chunk) for chunk in sums.chunks())])
    with scratch(folder) as file:
        for chunk in sums.chunks():
            file.write(memoryview(packing.records(*chunk)))
        file.flush()
        return np.memmap(file, PAIR, "r")


def _vocabulary(groups, min_count, vocab_size):
    """-> (words, frequencies, number of texts)."""
    result, seen = Counter(), 0
    for words, lengths in groups:
        result.update(words)
        seen += len(lengths)
    if not result:
        raise ValueError("there are no words to count: give at least one text that is not empty")
    words = sorted((word for word in result if result[word] >= min_count), key=lambda word: (-result[word], word))
    if not words:
        word, often = result.most_common(1)[0]
        raise ValueError(
            f"no word occurs min_count={min_count} times; the most frequent, {word!r}, occurs {often} times: "
            "lower min_count or give more text"
        )
    words = words[:vocab_size]
    return words, np.array([result[word] for word in words], np.int64), seen


def _ids(groups, words, seen):
    """Groups of words -> (ids, index of the text of each), words of the vocabulary only."""
    index_of = {word: i for i, word in enumerate(words)}.get
    texts = 0
    for group, lengths in groups:
        texts += len(lengths)
        ids = np.fromiter(map(index_of, group, repeat(-1)), np.int64, len(group))
        known = ids >= 0
        yield ids[known], np.repeat(np.arange(len(lengths)), lengths)[known]
    if texts != seen:
        raise ValueError(f"the first reading gave {seen} texts, the second {texts}: they must be the same")


def _shown(sentences, total, what, verbose):
    """The groups of `sentences`, with a progress bar."""
    if verbose:
        print(f"counting {what}")
    bar = keras.utils.Progbar(total, verbose=verbose, unit_name="text")
    seen = 0
    for words, lengths in sentences.groups():
        yield words, lengths
        seen += len(lengths)
        bar.update(seen, finalize=False)
    bar.update(seen, finalize=True)


def _number_of_texts(texts):
    """None if it is not known beforehand."""
    if isinstance(texts, tf.data.Dataset):
        return None
    return len(texts) if hasattr(texts, "__len__") else None


def _check(memory, **numbers):
    if not memory > 0:
        raise ValueError(f"memory must be a number of MiB above 0, got {memory!r}")
    for name, number in numbers.items():
        if number < 1 or number != int(number):
            raise ValueError(f"{name} must be a whole number, at least 1, got {number!r}")
