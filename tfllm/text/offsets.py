"""Maps between the characters, bytes and tokens of a text, for answers that are spans of a text.

A tokenizer with `encode_with_offsets` (WordPieces, Words) returns the characters of each token. Characters are code
points, as in Python; an invalid byte counts as one character, read as U+FFFD, and is returned unchanged.
"""

import tensorflow as tf


def substrings(texts, starts, ends):
    """texts [B], characters starts .. ends - 1, dense int [B, K] -> strings [B, K], exactly as in the text.

    Positions past the end of the text mean its end.
    """
    texts = tf.convert_to_tensor(texts)
    _, offsets = tf.strings.unicode_decode_with_offsets(texts, "UTF-8", errors="replace")  # [B, N]
    positions = tf.concat([offsets, tf.cast(tf.strings.length(texts), tf.int64)[:, None]], axis=1)  # [B, N + 1]
    last = positions.row_lengths()[:, None] - 1
    begin, end = (
        tf.gather(
            positions.flat_values, positions.row_starts()[:, None] + tf.clip_by_value(tf.cast(part, tf.int64), 0, last)
        )
        for part in (starts, ends)
    )
    size = tf.maximum(end - begin, 0)
    whole = tf.broadcast_to(texts[:, None], tf.shape(size))
    return tf.strings.substr(whole, begin, size)


def covering(starts, ends, first, behind):
    """The tokens that overlap the characters first .. behind - 1 of their text.

    starts, ends: of the tokens, ragged [B, None]. first, behind: int [B]. -> (i, j) int64 [B], the first and last such
    token; j < i if there is none.
    """
    before = tf.cast(ends <= tf.cast(first, ends.dtype)[:, None], tf.int64)
    until = tf.cast(starts < tf.cast(behind, starts.dtype)[:, None], tf.int64)
    return tf.reduce_sum(before, axis=1), tf.reduce_sum(until, axis=1) - 1


def at_tokens(values, tokens):
    """values ragged [B, N], tokens int64 [B, K] -> [B, K]; 0 for tokens that do not exist."""
    positions = values.row_starts()[:, None] + tokens
    inside = (tokens >= 0) & (tokens < values.row_lengths()[:, None])
    flat = tf.concat([values.flat_values, [0]], 0)
    return tf.where(inside, tf.gather(flat, tf.where(inside, positions, 0)), 0)
