"""How likely a task finds the tokens it is to predict: the sums that a perplexity is made of."""

import tensorflow as tf

from tfllm.losses import smoothed_cross_entropy


def summed(task, inputs, targets, weights):
    """targets, weights [B, T] -> float64 [3]: log-probability, tokens, UNKNOWN ones, weighted."""
    losses = smoothed_cross_entropy(targets, task(inputs, training=False))
    unknown = tf.cast(targets == (-1 if task.tokenizer.unknown is None else task.tokenizer.unknown), tf.float32)
    parts = tf.stack([-losses, tf.ones_like(weights), unknown])  # [3, B, T]
    return tf.reduce_sum(tf.cast(parts * weights, tf.float64), axis=[1, 2])
