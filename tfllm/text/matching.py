"""Greedy longest match of tokens over the bytes of many texts at once.

Every place of every text walks down a trie of the tokens, in step with all the others, to the longest token that
could begin there. Then each text is followed from token to token; where that takes long, the jumps are doubled, so
that N bytes cost N log N whatever they are. It works on bytes: a token of valid UTF-8 begins with a lead byte, so
inside a character only single bytes match.
Leaves out: the most probable cut (Viterbi), which goes byte after byte and saves less than 1 % of the tokens.
"""

import numpy as np
import tensorflow as tf

from tfllm.text.trie import double_array

BARRIER = b"\xff"  # stands after each text; never part of a longer token, since UTF-8 does not have it
STEPS, UNROLLED = 128, 4  # tokens of a text that are followed one by one, and how many in a turn of the loop


class LongestMatch:
    """tokens: UTF-8 byte strings, no two equal, and all 256 single bytes. first: the id of the first token."""

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
        lengths = tf.strings.length(texts) + 1  # with the barrier
        ends = tf.cumsum(lengths)  # [B]
        symbols = tf.io.decode_raw(tf.strings.reduce_join(texts + BARRIER), tf.uint8)  # [N] the bytes of all texts
        nodes = self._walk(tf.cast(symbols, tf.int32))
        jump = tf.range(tf.size(nodes)) + tf.gather(self.length, nodes)  # [N] where the next token begins
        jump = tf.minimum(jump, tf.size(nodes) - 1)
        places = tf.where(_begins(ends - lengths, ends - 1, jump))[:, 0]  # of the tokens
        ids = tf.gather(self.token_id, tf.gather(nodes, places))
        row_splits = tf.searchsorted(places, tf.cast(tf.concat([[0], ends], 0), tf.int64), out_type=tf.int64)
        return tf.RaggedTensor.from_row_splits(ids, row_splits, validate=False)

    def _walk(self, symbols):
        """The deepest trie node reached from each place [N]; only the A places still alive go on."""
        total = tf.size(symbols)
        ahead = tf.concat([symbols, tf.zeros([self.depth], tf.int32)], 0)

        def some_alive(depth, places, nodes, deepest):
            return tf.size(places) > 0

        def deeper(depth, places, nodes, deepest):
            child = tf.gather(self.base, nodes) + tf.gather(ahead, places + depth)  # [A]
            alive = tf.where(tf.gather(self.owner, child) == nodes)[:, 0]
            places, nodes = tf.gather(places, alive), tf.gather(child, alive)
            return depth + 1, places, nodes, tf.maximum(deepest, tf.math.unsorted_segment_max(nodes, places, total))

        second = tf.gather(self.pairs, 256 * symbols + ahead[1 : total + 1])  # [N] 0 where no token has both bytes
        places = tf.cast(tf.where(second > 0)[:, 0], tf.int32)
        start = (2, places, tf.gather(second, places), tf.maximum(second, self.base[0] + symbols))
        shapes = (tf.TensorShape([]), *[tf.TensorShape([None])] * 3)
        return tf.while_loop(some_alive, deeper, start, shape_invariants=shapes, parallel_iterations=1)[3]


def _begins(starts, barriers, jump):
    """bool [N]: the places where jumps lead from the starts [B] of the texts; barriers [B] left out."""
    visited = tf.TensorArray(tf.int32, STEPS + 1, element_shape=[None], clear_after_read=False)

    def under_way(step, places, visited):
        return (step < STEPS) & tf.reduce_any(places < barriers)

    def follow(step, places, visited):
        for _ in range(UNROLLED):
            step += 1
            places = tf.minimum(tf.gather(jump, places), barriers)  # a text that is through waits at its barrier
            visited = visited.write(step, places)
        return step, places, visited

    start = (0, starts, visited.write(0, starts))
    steps, places, visited = tf.while_loop(under_way, follow, start, parallel_iterations=1)
    begins = marks(visited.gather(tf.range(steps + 1)), tf.size(jump))
    begins = tf.cond(tf.reduce_any(places < barriers), lambda: doubled(begins, jump), lambda: begins)
    return begins & ~marks(barriers, tf.size(jump))


def doubled(begins, jump):
    """`begins` and all places that jumps lead to from there. Pass k follows 2**k jumps at once."""

    def some_new(begins, jump, before, now):
        return now > before

    def further(begins, jump, before, now):
        places = tf.where(begins)[:, 0]
        begins = begins | marks(tf.gather(jump, places), tf.size(jump))
        return begins, tf.gather(jump, jump), now, tf.size(places)

    return tf.while_loop(some_new, further, (begins, jump, -1, 0), parallel_iterations=1)[0]


def marks(places, size):
    """bool [size], True at the places."""
    return tf.math.unsorted_segment_sum(tf.ones_like(places), places, size) > 0
