"""Byte-pair merging of many words at once. Sennrich et al. 2016, alg. 1, applied to new text.

A word starts as its bytes; the adjacent pair of lowest rank, the leftmost first, is merged until no adjacent pair is in
the table. Each iteration does this for all words in parallel, each with its own pair of lowest rank.

To keep the number of iterations low, long words are split into windows that overlap by half. Where two windows agree on
a token at the same position, the result continues in the second window. This is exact: a token sequence is the merging
of a word if and only if each two adjacent tokens are the merging of their own bytes (if some merge crossed a boundary,
the first one that did would also happen between these two tokens alone), and here each two adjacent tokens lie in one
window. Windows without a common token are enlarged.
"""

import numpy as np
import tensorflow as tf

HALF, GROWTH = 24, 8  # overlap of two windows in bytes, and the factor by which windows grow if they share no token


class Merges:
    """merges: ids (left, right, merged) by rising rank; of equal pairs the last counts.

    byte_ids: the ids of all bytes.
    """

    def __init__(self, merges, byte_ids):
        merges = np.array(merges, np.int64).reshape(-1, 3)
        self.pairs = merges[:, :2]
        self.base = max(merges.max(initial=0), max(byte_ids)) + 1
        keys, last = np.unique(merges[::-1, 0] * self.base + merges[::-1, 1], return_index=True)
        self.none = len(merges)  # the rank of a pair that is not in the table
        self.keys = tf.constant(np.append(keys, np.iinfo(np.int64).max))
        self.ranks = tf.constant(np.append(self.none - 1 - last, self.none).astype(np.int32))
        self.merged = tf.constant(np.append(merges[:, 2], 0).astype(np.int32))
        self.byte_ids = tf.constant(np.array(byte_ids, np.int32))
        used = np.full(self.base, self.none)  # the lowest rank of a pair with this id in it
        np.minimum.at(used, merges[:, :2].ravel(), np.repeat(np.arange(self.none), 2))
        rising = used[merges[:, 2]] > np.arange(self.none)  # no merge enables a pair of lower rank than its own
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
            result = self._merge(tf.gather(symbols, windows.positions), windows.lengths)
            counts, torn = windows.joined(result)
            tokens = tf.tensor_scatter_nd_update(
                tokens, tf.gather(windows.positions, counts), tf.gather_nd(result, counts)
            )
            return half * GROWTH, tf.boolean_mask(left, torn), tokens

        # not a range [U], which would be constant-folded with a fixed size
        left = tf.cast(tf.where(lengths > 0)[:, 0], tf.int32)
        start = (HALF, left, tf.fill([tf.size(symbols)], -1))
        shapes = (tf.TensorShape([]), *[tf.TensorShape([None])] * 2)
        tokens = tf.while_loop(some_left, attempt, start, shape_invariants=shapes, parallel_iterations=1)[2]
        positions = tf.where(tokens >= 0)  # [T, 1]
        row_splits = tf.searchsorted(positions[:, 0], tf.cast(tf.concat([[0], ends], 0), tf.int64), out_type=tf.int64)
        return tf.RaggedTensor.from_row_splits(tf.gather_nd(tokens, positions), row_splits, validate=False)

    def _merge(self, symbols, lengths):
        """Symbols [P] of segments with the given lengths -> [P]: ids where tokens begin, -1 elsewhere.

        Only the A symbols of segments that still have a pair stay in the loop, with their segment and position.
        """
        segments = tf.size(lengths)
        segment, position = tf.repeat(tf.range(segments), lengths), tf.range(tf.size(symbols))

        def some_left(symbols, segment, position, tokens):
            return tf.size(symbols) > 0

        def turn(symbols, segment, position, tokens):
            rank = self._ranks(symbols, segment)  # [A] of each symbol and the next one
            least = tf.gather(tf.math.unsorted_segment_min(rank, segment, segments), segment)
            alive = least < self.none
            merge = self._chosen(alive & (rank == least), rank, segment, segments)
            through = tf.where(~alive)
            tokens = tf.tensor_scatter_nd_update(tokens, tf.gather(position, through), tf.gather_nd(symbols, through))
            symbols = tf.where(merge, tf.gather(self.merged, rank), symbols)
            left = tf.where(alive & ~tf.concat([[False], merge[:-1]], 0))[:, 0]
            return tf.gather(symbols, left), tf.gather(segment, left), tf.gather(position, left), tokens

        start = (symbols, segment, position, tf.fill([tf.size(symbols)], -1))
        shapes = (tf.TensorShape([None]),) * 4
        return tf.while_loop(some_left, turn, start, shape_invariants=shapes, parallel_iterations=1)[3]

    def _ranks(self, symbols, segment):
        nexts = tf.cast(tf.concat([symbols[1:], [0]], 0), tf.int64)
        key = tf.cast(symbols, tf.int64) * self.base + nexts
        at = tf.searchsorted(self.keys, key)
        result = (tf.gather(self.keys, at) == key) & (segment == tf.concat([segment[1:], [-1]], 0))
        return tf.where(result, tf.gather(self.ranks, at), self.none)

    def _chosen(self, least, rank, segment, segments):
        """bool [A]: the pairs of lowest rank to merge now: all that do not overlap, or only the leftmost."""
        overlap = tf.reduce_any(least[1:] & least[:-1])  # "aaa": pairs overlap only if all their symbols are equal
        chosen = tf.cond(overlap, lambda: _every_second(least), lambda: least)
        if self.rising is None:
            return chosen
        index = tf.range(tf.size(rank))
        leftmost = tf.math.unsorted_segment_min(tf.where(least, index, tf.int32.max), segment, segments)
        return chosen & (tf.gather(self.rising, rank) | (index == tf.gather(leftmost, segment)))


class Windows:
    """Windows of 2 * half bytes over words that begin at starts [U] and end at ends [U].

    W is the number of windows, P the number of positions in all of them.

    Each begins `half` bytes after the one before it; a word of up to 2 * half bytes has one window.
    """

    def __init__(self, starts, ends, half):
        count = tf.maximum(-((starts - ends) // half) - 1, 1)  # [U]
        self.words = tf.size(count)
        self.word = tf.repeat(tf.range(self.words), count)  # [W]
        number = tf.range(tf.size(self.word)) - tf.gather(tf.cumsum(count) - count, self.word)
        first = tf.gather(starts, self.word) + half * number
        self.half, self.lengths = half, tf.minimum(2 * half, tf.gather(ends, self.word) - first)
        self.begin = tf.cumsum(self.lengths) - self.lengths  # [W] where each begins among the P positions
        self.offset = tf.range(tf.reduce_sum(self.lengths)) - tf.repeat(self.begin, self.lengths)  # [P]
        self.positions = tf.repeat(first, self.lengths) + self.offset

    def joined(self, tokens):
        """tokens [P], ids where tokens begin, else -1 -> (positions to use, [T, 1], and failed words, bool [U]).

        A word fails if two of its windows have no token in common.
        """
        left = tf.where(self.word[1:] == self.word[:-1])  # [J, 1] windows that continue in the next one
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


def _every_second(flags):
    """Of each run of True, the first, third, ... element."""
    positions = tf.where(flags)[:, 0]
    begins = tf.concat([[True], positions[1:] != positions[:-1] + 1], 0)
    start = tf.gather(tf.boolean_mask(positions, begins), tf.cumsum(tf.cast(begins, tf.int32)) - 1)
    kept = tf.boolean_mask(positions, (positions - start) % 2 == 0)
    return tf.scatter_nd(kept[:, None], tf.ones_like(kept, tf.bool), tf.shape(flags, tf.int64))
