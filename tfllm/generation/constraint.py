"""Answers that an automaton accepts: one of some choices, a match of a pattern, JSON of a schema.

An automaton over bytes (byte_automata.py) becomes one over tokens, whose state the loop keeps for each row. A token is
allowed if the answer can still be completed within the row's limit: so every answer is accepted, unless its limit is
below the shortest one.
"""

import numpy as np
import tensorflow as tf

from tfllm.generation.rules import NEVER
from tfllm.generation.stops import token_table

LARGEST = 2**27  # states times tokens: the table takes 4 bytes for each while it is made
ENDLESS = 2**30  # distance of states from which no text is accepted


class Constraint:
    """automaton: (after int32 [S, 256], final bool [S]). pieces: the bytes of each of V token ids; b"" of special ones,
    which are not allowed; end: the id of END, allowed in final states.

    Raises ValueError if no text is accepted, and if S V is too large.
    """

    def __init__(self, automaton, pieces, end):
        after, final = automaton
        if len(after) * len(pieces) > LARGEST:
            raise ValueError(
                f"the choices, pattern or schema need {len(after):,} states; with {len(pieces):,} tokens at most "
                f"{LARGEST // len(pieces):,} are possible: limit repetitions and lengths"
            )
        dead, final = len(after), np.append(final, False)
        after = np.concatenate([np.where(after < 0, dead, after), np.full((1, 256), dead)]).astype("int32")
        table = token_table(after, pieces)  # [S + 1, V]
        table[:, [not piece for piece in pieces]] = dead
        columns, kinds = np.unique(table, axis=1, return_inverse=True)
        distance, before = np.where(final, 0, ENDLESS), None  # tokens of the shortest completion
        while not np.array_equal(distance, before):
            before, distance = distance, np.minimum(distance, 1 + distance[columns].min(axis=1))
        if distance[0] >= ENDLESS:
            raise ValueError("the tokenizer has no tokens for any text that the choices, pattern or schema accept")
        past = np.full((dead + 1, 1), dead)  # the column of ids past the vocabulary
        self.after = np.concatenate([columns, past], axis=1).astype("int32")
        self.kinds = np.append(kinds, columns.shape[1]).astype("int32")
        self.final, self.distance, self.end = final, distance.astype("int32"), end

    def allow(self, logits, state, free):
        """logits [R, V] -> [R, V], -inf at tokens that are not allowed. state [R]; free [R]: tokens left in each row.

        If other rules forbid all allowed tokens, these are equally probable.
        """
        after = tf.gather(self.after, state)  # [R, C]
        distance = tf.gather(self.distance, after)
        near = distance < free[:, None]
        ended = tf.gather(self.final, state)[:, None]
        reachable = tf.logical_or(tf.reduce_any(near, axis=1, keepdims=True), ended)
        kinds = self.kinds[np.minimum(np.arange(logits.shape[-1]), len(self.kinds) - 1)]
        allowed = tf.gather(tf.where(reachable, near, distance < ENDLESS), kinds, axis=1)  # [R, V]
        allowed = tf.where(tf.range(logits.shape[-1]) == self.end, ended, allowed)
        result = tf.where(allowed, logits, NEVER)
        none = tf.reduce_max(result, axis=1, keepdims=True) == NEVER
        return tf.where(tf.logical_and(none, allowed), 0.0, result)

    def follow(self, state, ids):
        """The states [R] behind the tokens [R]."""
        kinds = tf.gather(self.kinds, tf.minimum(ids, len(self.kinds) - 1))
        return tf.gather_nd(self.after, tf.stack([state, kinds], axis=1))
