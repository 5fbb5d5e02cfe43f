"""Byte-pair merging of many words at once. Sennrich et al. 2016, alg. 1, applied to new text.

A word begins as its bytes; the neighbours of least rank are merged, the leftmost first, until no pair of neighbours is
in the table. In each turn of the loop all words do that side by side, each with its own pair of least rank.

Long words are cut into windows that overlap by half, so that the turns stay few. Where two windows have a token in
common, in the same place, the text goes on in the second one. That is exact: tokens are the merging of a word if
and only if each two neighbours among them are the merging of their own bytes (were some merge to cross a border, the
first that did so would also happen between these two tokens alone), and here each two neighbours are so in a window.
Windows without a common token are made larger.
"""

import numpy as np
import tensorflow as tf

HALF, GROWTH = 24, 8  # places by which windows overlap, and how much larger they become where that is too little


class Merges:
    """merges: ids (left, right, merged) by rising rank; of two equal pairs the last counts. byte_ids: of all bytes."""

    def __init__(self, merges, byte_ids):
        merges = np.array(merges, np.int64).reshape(-1, 3)
        self.pairs = merges[:, :2]
        self.base = max(merges.max(initial=0), max(byte_ids)) + 1
        keys, last = np.unique(merges[::-1, 0] * self.base + merges[::-1, 1], return_index=True)
        self.none = len(merges)  # the rank of what is no pair
        self.keys = tf.constant(np.append(keys, np.iinfo(np.int64).max))
        self.ranks = tf.constant(np.append(self.none - 1 - last, self.none).astype(np.int32))
        self.merged = tf.constant(np.append(merges[:, 2], 0).astype(np.int32))
        self.byte_ids = tf.constant(np.array(byte_ids, np.int32))
        used = np.full(self.base, self.none)  # the least rank of a pair with this id in it
        np.minimum.at(used, merges[:, :2].ravel(), np.repeat(np.arange(self.none), 2))
        rising = used[merges[:, 2]] > np.arange(self.none)  # no merge makes a pair of lower rank than its own
        self.rising = None if rising.all() else tf.constant(np.append(rising, True))

    def __call__(self, words):
        """string [U] -> ragged int32 [U, None]."""
        values = tf.io.decode_raw(tf.strings.reduce_join(words), tf.uint8)  # [N] the bytes of all words
        symbols = tf.gather(self.byte_ids, tf.cast(values, tf.int32))
        lengths = tf.strings.length(words)
        ends = tf.cumsum(lengths)

        def some_left(half, left, tokens):
            return tf.size(left) > 0

        def attempt(half, left, tokens):
            windows = Windows(tf.gather(ends - lengths, left), tf.gather(ends, left), half)
            result = self._merge(tf.gather(symbols, windows.places), windows.lengths)
            counts, torn = windows.joined(result)
            tokens = tf.tensor_scatter_nd_update(
                tokens, tf.gather(windows.places, counts), tf.gather_nd(result, counts)
            )
            return half * GROWTH, tf.boolean_mask(left, torn), tokens

        left = tf.cast(tf.where(lengths > 0)[:, 0], tf.int32)  # a range [U] would be folded as if its size were fixed
        start = (HALF, left, tf.fill([tf.size(symbols)], -1))
        shapes = (tf.TensorShape([]), *[tf.TensorShape([None])] * 2)
        tokens = tf.while_loop(some_left, attempt, start, shape_invariants=shapes, parallel_iterations=1)[2]
        places = tf.where(tokens >= 0)  # [T, 1]
        row_splits = tf.searchsorted(places[:, 0], tf.cast(tf.concat([[0], ends], 0), tf.int64), out_type=tf.int64)
        return tf.RaggedTensor.from_row_splits(tf.gather_nd(tokens, places), row_splits, validate=False)

    def _merge(self, symbols, lengths):
        """Symbols [P] of pieces with the given lengths -> [P]: ids where tokens begin, -1 elsewhere.

        Only the A symbols of pieces that still have a pair go on, each with its piece and its place.
        """
        pieces = tf.size(lengths)
        piece, place = tf.repeat(tf.range(pieces), lengths), tf.range(tf.size(symbols))

        def some_left(symbols, piece, place, tokens):
            return tf.size(symbols) > 0

        def turn(symbols, piece, place, tokens):
            rank = self._ranks(symbols, piece)  # [A] of the symbol and the next one
            least = tf.gather(tf.math.unsorted_segment_min(rank, piece, pieces), piece)
            alive = least < self.none
            merge = self._chosen(alive & (rank == least), rank, piece, pieces)
            through = tf.where(~alive)
            tokens = tf.tensor_scatter_nd_update(tokens, tf.gather(place, through), tf.gather_nd(symbols, through))
            symbols = tf.where(merge, tf.gather(self.merged, rank), symbols)
            left = tf.where(alive & ~tf.concat([[False], merge[:-1]], 0))[:, 0]
            return tf.gather(symbols, left), tf.gather(piece, left), tf.gather(place, left), tokens

        start = (symbols, piece, place, tf.fill([tf.size(symbols)], -1))
        shapes = (tf.TensorShape([None]),) * 4
        return tf.while_loop(some_left, turn, start, shape_invariants=shapes, parallel_iterations=1)[3]

    def _ranks(self, symbols, piece):
        nexts = tf.cast(tf.concat([symbols[1:], [0]], 0), tf.int64)
        key = tf.cast(symbols, tf.int64) * self.base + nexts
        at = tf.searchsorted(self.keys, key)
        result = (tf.gather(self.keys, at) == key) & (piece == tf.concat([piece[1:], [-1]], 0))
        return tf.where(result, tf.gather(self.ranks, at), self.none)

    def _chosen(self, least, rank, piece, pieces):
        """bool [A]: the pairs of least rank that are merged at once: all that do not overlap, or only the leftmost."""
        overlap = tf.reduce_any(least[1:] & least[:-1])  # "aaa": only with neighbours of the same kind
        chosen = tf.cond(overlap, lambda: _every_second(least), lambda: least)
        if self.rising is None:
            return chosen
        index = tf.range(tf.size(rank))
        leftmost = tf.math.unsorted_segment_min(tf.where(least, index, tf.int32.max), piece, pieces)
        return chosen & (tf.gather(self.rising, rank) | (index == tf.gather(leftmost, piece)))


class Windows:
    """Windows of 2 * half places over words that begin at starts [U] and end at ends [U]; W windows, P places.

    Each begins `half` places after the one before it; a word of up to 2 * half places has one.
    """

    def __init__(self, starts, ends, half):
        count = tf.maximum(-((starts - ends) // half) - 1, 1)  # [U]
        self.words = tf.size(count)
        self.word = tf.repeat(tf.range(self.words), count)  # [W]
        number = tf.range(tf.size(self.word)) - tf.gather(tf.cumsum(count) - count, self.word)
        first = tf.gather(starts, self.word) + half * number
        self.half, self.lengths = half, tf.minimum(2 * half, tf.gather(ends, self.word) - first)
        self.begin = tf.cumsum(self.lengths) - self.lengths  # [W] where each begins among the P places
        self.offset = tf.range(tf.reduce_sum(self.lengths)) - tf.repeat(self.begin, self.lengths)  # [P]
        self.places = tf.repeat(first, self.lengths) + self.offset

    def joined(self, tokens):
        """tokens [P]: ids where they begin, else -1 -> which of the P places [T, 1] count; bool [U], the torn words."""
        left = tf.where(self.word[1:] == self.word[:-1])  # [J, 1] windows that go on in the next one
        overlap = tf.range(self.half)
        here = tf.gather(tokens, tf.gather(self.begin, left) + self.half + overlap)  # [J, half]
        there = tf.gather(tokens, tf.gather(self.begin, left + 1) + overlap)
        common = (here == there) & (here >= 0)
        first = tf.argmax(common, axis=1, output_type=tf.int32)
        low = tf.tensor_scatter_nd_update(tf.zeros_like(self.lengths), left + 1, first)
        high = tf.tensor_scatter_nd_update(self.lengths, left, self.half + first)
        apart = tf.gather_nd(self.word, tf.boolean_mask(left, ~tf.reduce_any(common, axis=1)))
        torn = tf.math.unsorted_segment_sum(tf.ones_like(apart), apart, self.words) > 0
        low = tf.where(tf.gather(torn, self.word), 2 * self.half, low)
        counts = (self.offset >= tf.repeat(low, self.lengths)) & (self.offset < tf.repeat(high, self.lengths))
        return tf.where(counts & (tokens >= 0)), torn


def _every_second(marks):
    """Of each run of True the first, third, ... one."""
    places = tf.where(marks)[:, 0]
    begins = tf.concat([[True], places[1:] != places[:-1] + 1], 0)
    start = tf.gather(tf.boolean_mask(places, begins), tf.cumsum(tf.cast(begins, tf.int32)) - 1)
    kept = tf.boolean_mask(places, (places - start) % 2 == 0)
    return tf.scatter_nd(kept[:, None], tf.ones_like(kept, tf.bool), tf.shape(marks, tf.int64))
