"""Scores of where an answer begins and ends, in windows of a context -> the best parts of the context.

A part of the context, tokens k .. k + l, scores the logit of its begin plus that of its end, the better one where two
windows have it; "no answer" scores the sum of both logits at the first place, the least of all windows (Devlin et al.
2019, sec. 4.3, and their code). Core operations only.

Axes:  B questions  W windows  T places of a window  N tokens of a context  L tokens of an answer
"""

from typing import NamedTuple

import tensorflow as tf

NEVER = -1e30  # the score of what is no part of the context
POSSIBLE = -1e8  # spans of the context score more; hidden positions have -1e9


class Spans(NamedTuple):
    """The best K parts of each context, best first.

    i, j         int64 [B, K], tokens i .. j;  there bool [B, K], whether there are so many
    score        [B, K], logits;  none [B], that of no answer
    log_total    [B], log Σ exp of the scores of all parts
    """

    i: tf.Tensor
    j: tf.Tensor
    there: tf.Tensor
    score: tf.Tensor
    none: tf.Tensor
    log_total: tf.Tensor


def best_spans(logits, found, answer_length, most):
    """logits float32 [W, 2, T], their Windows -> Spans of at most `answer_length` tokens, `most` of them."""
    rows = found.starts.nrows()
    tokens = tf.maximum(found.starts.bounding_shape(axis=1), 1)  # N
    width = tf.reduce_max(tf.concat([found.sizes, [1]], 0))  # the context's tokens in a window, at most
    place = tf.range(width)
    inside = place[None] < found.sizes[:, None]  # [W, width]
    where = tf.minimum(found.offset[:, None] + place[None], tf.shape(logits, tf.int64)[2] - 1)
    begin, end = (tf.where(inside, tf.gather(logits[:, side], where, batch_dims=1), NEVER) for side in (0, 1))
    end = tf.pad(end, [[0, 0], [0, answer_length - 1]], constant_values=NEVER)
    ends = tf.stack([end[:, step : width + step] for step in range(answer_length)], axis=2)  # [W, width, L]
    scores = begin[:, :, None] + ends
    at = found.owner[:, None] * tokens + found.first[:, None] + place[None]
    at = tf.where(inside, at, -1)  # left out
    scores = tf.math.unsorted_segment_max(
        tf.reshape(scores, [-1, answer_length]), tf.reshape(at, [-1]), rows * tokens
    )  # [B N, L]
    scores = tf.reshape(tf.maximum(scores, NEVER), tf.stack([rows, tokens * answer_length]))
    none = tf.math.unsorted_segment_min(tf.reduce_sum(logits[:, :, 0], axis=1), found.owner, rows)
    lacking = tf.maximum(most - tf.shape(scores)[1], 0)
    score, index = tf.math.top_k(tf.pad(scores, [[0, 0], [0, lacking]], constant_values=NEVER), most)
    index = tf.cast(index, tf.int64)
    i, step = index // answer_length, index % answer_length
    return Spans(i, i + step, score > POSSIBLE, score, none, tf.reduce_logsumexp(scores, axis=1))
