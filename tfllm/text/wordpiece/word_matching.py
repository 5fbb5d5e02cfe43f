"""Splits words into WordPiece tokens: greedy longest match, from left to right. Wu et al. 2016, sec. 4.1.

Most words are one token: a hash finds it, and its letters are compared, so collisions do no harm. The others are split
all at once: each of their positions walks down a trie to the longest token that could begin there, and the tokens are
followed from the start of each word. A word that cannot be split, or has more than MOST letters, is unknown.
"""

import numpy as np
import tensorflow as tf

from tfllm.text.matching import doubled

MOST = 100  # letters of a word; longer words are unknown, as in the authors' code
BEGIN, INSIDE = 0, 1  # the roots of the trie: tokens that begin a word, and tokens that continue one
LAST = np.iinfo(np.int64).max


class WordMatch:
    """tokens: unique (letters 1 .. `size`, whether it continues a word, its id). unknown: the id of other words."""

    def __init__(self, tokens, size, unknown):
        tokens = [token for token in tokens if 0 < len(token[0]) <= MOST]
        self.unknown, self.base = unknown, size + 1
        self._whole([(letters, token_id) for letters, goes_on, token_id in tokens if not goes_on])
        self._trie(tokens)

    def _whole(self, words):
        """Tables of the words that are one token, sorted by hash, and a last entry that matches no word."""
        lengths = np.array([len(letters) for letters, _ in words], np.int64)
        flat = np.array([letter for letters, _ in words for letter in letters], np.int64)
        first = np.cumsum(lengths) - lengths
        offset = np.arange(len(flat)) - np.repeat(first, lengths)
        for factor in range(0x9E3779B97F4A7C15, 0x9E3779B97F4A7C15 + 1000, 2):
            powers = np.array([pow(factor, i, 2**64) for i in range(1, MOST + 2)], np.uint64).view(np.int64)
            hashes = np.zeros(len(words), np.int64)
            np.add.at(hashes, np.repeat(np.arange(len(words)), lengths), flat * powers[offset])
            if len(np.unique(hashes)) == len(words):
                break
        order = np.argsort(hashes)
        self.powers, self.hashes = tf.constant(powers), tf.constant(np.append(hashes[order], LAST))
        self.letters = tf.constant(np.append(flat, 0).astype(np.int32))
        self.first = tf.constant(np.append(first[order], 0).astype(np.int32))
        self.lengths = tf.constant(np.append(lengths[order], 0).astype(np.int32))
        self.ids = tf.constant(np.append(np.array([token_id for _, token_id in words])[order], 0).astype(np.int32))

    def _trie(self, tokens):
        """Sorted keys, node * base + letter; the child of key number i is node i + 2. Node numbers grow with depth."""
        lengths = np.array([len(letters) for letters, _, _ in tokens], np.int64)
        node = np.array([INSIDE if goes_on else BEGIN for _, goes_on, _ in tokens], np.int64)
        token_ids = np.array([token_id for _, _, token_id in tokens], np.int64)
        letters = np.zeros((len(tokens), lengths.max(initial=0)), np.int64)
        for row, (own, _, _) in zip(letters, tokens, strict=True):
            row[: len(own)] = own
        keys, result, sizes = [np.zeros(0, np.int64)], np.array([-1, -1]), np.zeros(2, np.int64)
        for depth in range(letters.shape[1]):
            deeper = np.flatnonzero(lengths > depth)
            new, index = np.unique(node[deeper] * self.base + letters[deeper, depth], return_inverse=True)
            node[deeper] = len(result) + index.ravel()
            above = new // self.base
            result, sizes = np.append(result, result[above]), np.append(sizes, sizes[above])
            ending = deeper[lengths[deeper] == depth + 1]
            result[node[ending]], sizes[node[ending]] = token_ids[ending], depth + 1
            keys.append(new)
        self.keys = tf.constant(np.append(np.concatenate(keys), LAST))
        self.token_id, self.length = tf.constant(result.astype(np.int32)), tf.constant(sizes.astype(np.int32))

    def __call__(self, letters, begins):
        """letters int32 [M] of words, bool [M] where they begin -> int32 [M]: ids where tokens begin, -1 elsewhere."""
        count = tf.size(letters)
        word = tf.cumsum(tf.cast(begins, tf.int32)) - 1  # [M]
        starts = tf.cast(tf.where(begins)[:, 0], tf.int32)  # [W]
        sizes = tf.concat([starts[1:], [count]], 0)[: tf.size(starts)] - starts
        offset = tf.range(count) - tf.gather(starts, word)
        values = tf.cast(letters, tf.int64) * tf.gather(self.powers, tf.minimum(offset, MOST))
        hashes = tf.math.segment_sum(values, word)
        at = tf.searchsorted(self.hashes, hashes)
        equal = (tf.gather(self.hashes, at) == hashes) & (tf.gather(self.lengths, at) == sizes)
        wanted = tf.gather(tf.where(equal, tf.gather(self.first, at), -MOST - 1), word) + offset
        differs = tf.gather(self.letters, tf.clip_by_value(wanted, 0, tf.size(self.letters) - 1)) != letters
        equal &= tf.math.segment_max(tf.cast(differs, tf.int32), word) == 0
        left = ~equal & (sizes <= MOST) & (tf.math.segment_min(letters, word) > 0)
        ids = tf.gather(tf.where(equal, tf.gather(self.ids, at), self.unknown), word)
        ids = tf.where(begins, ids, -1)
        return tf.cond(tf.reduce_any(left), lambda: self._cut(ids, letters, begins, tf.gather(left, word)), lambda: ids)

    def _cut(self, ids, letters, begins, left):
        """`ids`, with the tokens of the words in `left` filled in; bool [M]."""
        positions = tf.where(left)  # [P, 1]
        letters, begins = tf.gather_nd(letters, positions), tf.gather_nd(begins, positions)
        count = tf.size(letters)
        word = tf.cumsum(tf.cast(begins, tf.int32)) - 1
        ends = tf.concat([tf.cast(tf.where(begins)[1:, 0], tf.int32), [count]], 0)
        nodes = self._walk(letters, tf.where(begins, BEGIN, INSIDE), tf.gather(ends, word))
        length = tf.gather(self.length, nodes)
        jump = tf.where(length > 0, tf.range(count) + length, count)  # one more position, where all paths end
        seen = doubled(tf.concat([begins, [False]], 0), tf.concat([jump, [count]], 0))[:-1]
        torn = tf.math.segment_max(tf.cast(seen & (length == 0), tf.int32), word) > 0
        result = tf.where(seen, tf.gather(self.token_id, nodes), -1)
        result = tf.where(tf.gather(torn, word), tf.where(begins, self.unknown, -1), result)
        return tf.tensor_scatter_nd_update(ids, positions, result)

    def _walk(self, letters, roots, ends):
        """The deepest node reached from each position [P] inside its word; only the A positions still alive stay in the
        loop.
        """

        def some_alive(depth, positions, nodes, deepest):
            return tf.size(positions) > 0

        def deeper(depth, positions, nodes, deepest):
            key = tf.cast(nodes, tf.int64) * self.base + tf.cast(tf.gather(letters, positions + depth), tf.int64)
            at = tf.searchsorted(self.keys, key)
            alive = tf.where(tf.gather(self.keys, at) == key)
            positions, nodes = tf.gather_nd(positions, alive), tf.gather_nd(at + 2, alive)
            deepest = tf.tensor_scatter_nd_update(deepest, positions[:, None], nodes)
            inside = tf.where(positions + depth + 1 < tf.gather(ends, positions))
            return depth + 1, tf.gather_nd(positions, inside), tf.gather_nd(nodes, inside), deepest

        start = (0, tf.range(tf.size(letters)), roots, roots)
        shapes = (tf.TensorShape([]), *[tf.TensorShape([None])] * 3)
        return tf.while_loop(some_alive, deeper, start, shape_invariants=shapes, parallel_iterations=1)[3]
