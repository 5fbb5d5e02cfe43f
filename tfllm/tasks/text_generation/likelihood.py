"""The log-probability that a task gives to target tokens: the sums behind a perplexity."""

import numpy as np
import tensorflow as tf

from tfllm.generation import NOT_A_NUMBER
from tfllm.losses import smoothed_cross_entropy


def summed(task, inputs, targets, weights):
    """targets, weights [B, T] -> float64 [3]: weighted sums of log-probability, tokens, and UNKNOWN tokens."""
    losses = smoothed_cross_entropy(targets, task(inputs, training=False))
    unknown = tf.cast(targets == (-1 if task.tokenizer.unknown is None else task.tokenizer.unknown), tf.float32)
    parts = tf.stack([-losses, tf.ones_like(weights), unknown])  # [3, B, T]
    return tf.reduce_sum(tf.cast(parts * weights, tf.float64), axis=[1, 2])


def expect_numbers(sums):
    """Raise ValueError if one of the sums is NaN, as those of a model with NaN weights are."""
    if np.isnan(sums).any():
        raise ValueError(NOT_A_NUMBER)
