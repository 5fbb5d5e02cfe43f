"""Greedy longest match of tokens over the bytes of many texts at once.

All positions of all texts walk down a trie of the tokens in parallel, to the longest token that could begin there. Then
each text is followed from token to token; where that takes many steps, jumps are doubled, so that N bytes cost at most
N log N. Matching works on bytes: a token of valid UTF-8 begins with a lead byte, so inside a character only
single-byte tokens match.
Not included: the most probable segmentation (Viterbi), which needs a step per byte and saves less than 1 % of the
tokens.
"""

import numpy as np
import tensorflow as tf

from tfllm.text.trie import double_array

BARRIER = b"\xff"  # separates texts; never part of a longer token, since UTF-8 does not contain it
STEPS, UNROLLED = 128, 4  # tokens of a text followed one by one, and how many per iteration of the loop


class LongestMatch:
    """tokens: unique UTF-8 byte strings, including all 256 single bytes. first: the id of the first token."""

    def __init__(self, tokens, first):
        base, owner, longest = double_array(tokens)
        lengths = np.array([len(token) for token in tokens], np.int32)
        heads = base[0] + np.arange(256)[:, None]  # nodes of single bytes
        children = base[heads] + np.arange(256)  # [256, 256]
        pairs = np.where(owner[children] == heads, children, 0).astype(np.int32).ravel()  # nodes of two bytes
        self.depth = lengths.max()
        self.base, self.owner, self.pairs = tf.constant(base), tf.constant(owner), tf.constant(pairs)
        self.token_id, self.length = tf.constant(longest + first), tf.constant(lengths[longest])

    def __call__(self, texts):
        """string [B] -> ragged int32 [B, None]."""
        lengths = tf.strings.length(texts) + 1  # with the separator
        ends = tf.cumsum(lengths)  # [B]
        symbols = tf.io.decode_raw(tf.strings.reduce_join(texts + BARRIER), tf.uint8)  # [N] the bytes of all texts
        nodes = self._walk(tf.cast(symbols, tf.int32))
        jump = tf.range(tf.size(nodes)) + tf.gather(self.length, nodes)  # [N] where the next token begins
        jump = tf.minimum(jump, tf.size(nodes) - 1)
        positions = tf.where(_begins(ends - lengths, ends - 1, jump))[:, 0]  # where tokens begin
        ids = tf.gather(self.token_id, tf.gather(nodes, positions))
        row_splits = tf.searchsorted(positions, tf.cast(tf.concat([[0], ends], 0), tf.int64), out_type=tf.int64)
        return tf.RaggedTensor.from_row_splits(ids, row_splits, validate=False)

    def _walk(self, symbols):
        """The deepest trie node reached from each position [N]; only the A positions still alive stay in the loop."""
        total = tf.size(symbols)
        ahead = tf.concat([symbols, tf.zeros([self.depth], tf.int32)], 0)

        def some_alive(depth, positions, nodes, deepest):
            return tf.size(positions) > 0

        def deeper(depth, positions, nodes, deepest):
            child = tf.gather(self.base, nodes) + tf.gather(ahead, positions + depth)  # [A]
            alive = tf.where(tf.gather(self.owner, child) == nodes)[:, 0]
            positions, nodes = tf.gather(positions, alive), tf.gather(child, alive)
            return (
                depth + 1,
                positions,
                nodes,
                tf.maximum(deepest, tf.math.unsorted_segment_max(nodes, positions, total)),
            )

        second = tf.gather(self.pairs, 256 * symbols + ahead[1 : total + 1])  # [N] 0 where no token has both bytes
        positions = tf.cast(tf.where(second > 0)[:, 0], tf.int32)
        start = (2, positions, tf.gather(second, positions), tf.maximum(second, self.base[0] + symbols))
        shapes = (tf.TensorShape([]), *[tf.TensorShape([None])] * 3)
        return tf.while_loop(some_alive, deeper, start, shape_invariants=shapes, parallel_iterations=1)[3]


def _begins(starts, barriers, jump):
    """bool [N]: the positions reached by jumps from the starts [B] of the texts, without the separators [B]."""
    visited = tf.TensorArray(tf.int32, STEPS + 1, element_shape=[None], clear_after_read=False)

    def under_way(step, positions, visited):
        return (step < STEPS) & tf.reduce_any(positions < barriers)

    def follow(step, positions, visited):
        for _ in range(UNROLLED):
            step += 1
            positions = tf.minimum(tf.gather(jump, positions), barriers)  # a finished text waits at its separator
            visited = visited.write(step, positions)
        return step, positions, visited

    start = (0, starts, visited.write(0, starts))
    steps, positions, visited = tf.while_loop(under_way, follow, start, parallel_iterations=1)
    begins = as_mask(visited.gather(tf.range(steps + 1)), tf.size(jump))
    begins = tf.cond(tf.reduce_any(positions < barriers), lambda: doubled(begins, jump), lambda: begins)
    return begins & ~as_mask(barriers, tf.size(jump))


def doubled(begins, jump):
    """`begins` and all positions reached by jumps from there. Pass k follows 2**k jumps at once."""

    def some_new(begins, jump, before, now):
        return now > before

    def further(begins, jump, before, now):
        positions = tf.where(begins)[:, 0]
        begins = begins | as_mask(tf.gather(jump, positions), tf.size(jump))
        return begins, tf.gather(jump, jump), now, tf.size(positions)

    return tf.while_loop(some_new, further, (begins, jump, -1, 0), parallel_iterations=1)[0]


def as_mask(positions, size):
    """bool [size], True at the positions."""
    return tf.math.unsorted_segment_sum(tf.ones_like(positions), positions, size) > 0
