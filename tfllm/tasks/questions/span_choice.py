"""Logits of answer starts and ends, in windows of a context -> the best spans of the context.

A span of tokens k .. k + l scores the logit of its start plus that of its end, the maximum over all windows that
contain it; "no answer" scores the sum of both logits at the first position, the minimum over all windows (Devlin et
al. 2019, sec. 4.3, and their code). Core operations only.

Axes:  B questions  W windows  T positions of a window  N tokens of a context  L tokens of an answer
"""

from typing import NamedTuple

import tensorflow as tf

NEVER = -1e30  # the score of a span outside the context
POSSIBLE = -1e8  # spans of the context score more; hidden positions have -1e9


class Spans(NamedTuple):
    """The best K spans of each context, best first.

    i, j         int64 [B, K], tokens i .. j;  there bool [B, K], False beyond the number of spans
    score        [B, K], logits;  none [B], the logit of no answer
    log_total    [B], log Σ exp of the scores of all spans
    """

    i: tf.Tensor
    j: tf.Tensor
    there: tf.Tensor
    score: tf.Tensor
    none: tf.Tensor
    log_total: tf.Tensor


def best_spans(logits, windows, answer_length, most):
    """logits float32 [W, 2, T], their Windows -> the `most` best Spans of at most `answer_length` tokens."""
    rows = windows.starts.nrows()
    tokens = tf.maximum(windows.starts.bounding_shape(axis=1), 1)  # N
    width = tf.reduce_max(tf.concat([windows.sizes, [1]], 0))  # maximum context tokens in a window
    position = tf.range(width)
    inside = position[None] < windows.sizes[:, None]  # [W, width]
    where = tf.minimum(windows.offset[:, None] + position[None], tf.shape(logits, tf.int64)[2] - 1)
    begin, end = (tf.where(inside, tf.gather(logits[:, side], where, batch_dims=1), NEVER) for side in (0, 1))
    end = tf.pad(end, [[0, 0], [0, answer_length - 1]], constant_values=NEVER)
    ends = tf.stack([end[:, step : width + step] for step in range(answer_length)], axis=2)  # [W, width, L]
    scores = begin[:, :, None] + ends
    at = windows.owner[:, None] * tokens + windows.first[:, None] + position[None]
    at = tf.where(inside, at, -1)  # ignored
    scores = tf.math.unsorted_segment_max(
        tf.reshape(scores, [-1, answer_length]), tf.reshape(at, [-1]), rows * tokens
    )  # [B N, L]
    scores = tf.reshape(tf.maximum(scores, NEVER), tf.stack([rows, tokens * answer_length]))
    none = tf.math.unsorted_segment_min(tf.reduce_sum(logits[:, :, 0], axis=1), windows.owner, rows)
    lacking = tf.maximum(most - tf.shape(scores)[1], 0)
    score, index = tf.math.top_k(tf.pad(scores, [[0, 0], [0, lacking]], constant_values=NEVER), most)
    index = tf.cast(index, tf.int64)
    i, step = index // answer_length, index % answer_length
    return Spans(i, i + step, score > POSSIBLE, score, none, tf.reduce_logsumexp(scores, axis=1))
