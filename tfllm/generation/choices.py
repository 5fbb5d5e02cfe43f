"""How one token is chosen: pure functions (logits [B, V], place) -> ids [B]. No loop, no hidden state.

Randomness is a function of (seed, place, row) alone: the same text comes from eager code, a tf.function, XLA and a
SavedModel, and a row's text does not depend on the rows beside it.
"""

import tensorflow as tf

from tfllm.generation.blocks import BLOCK, in_blocks

PHILOX = 1  # tf.random.Algorithm.PHILOX: the one generator that every device has
LARGEST = 0x7F7FFFFF  # the bits of the largest float32


def greedy(logits, position):
    """The likeliest id; the lowest of equals."""
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


def sampling(seed, temperature=1.0, top_k=None, top_p=None):
    """A `choose` that draws from softmax(logits / temperature), cut to the `top_k` likeliest ids (Fan et al. 2018),
    then to the smallest set whose mass reaches `top_p` (nucleus: Holtzman et al. 2020, eq. 2 and 3).

    `seed`: an int or an int scalar tensor. ValueError for a temperature, top_k or top_p that means nothing.
    """
    if not tf.is_tensor(temperature) and not temperature > 0:
        raise ValueError(f"temperature must be above 0, not {temperature}; the likeliest id: `greedy`.")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}. None keeps every id.")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p must be above 0 and at most 1, not {top_p}. None keeps every id.")

    def choose(logits, position):
        logits = tf.cast(logits, tf.float32) / temperature
        if top_k is not None:
            logits = keep_top_k(logits, top_k)
        if top_p is not None and top_p < 1:
            logits = keep_top_mass(logits, top_p)
        return draw(logits, seed, position)

    return choose


def keep_top_k(logits, k):
    """[B, V] -> [B, V]: -inf except at the k likeliest ids; equals of the last of them stay too."""
    return keep_likeliest(logits, tf.ones_like(logits), min(k, logits.shape[-1]))


def keep_top_mass(logits, p):
    """[B, V] -> [B, V]: -inf outside the smallest set of likeliest ids whose mass reaches p; equals stay together."""
    mass = tf.exp(logits - tf.reduce_max(logits, axis=-1, keepdims=True))
    return keep_likeliest(logits, mass, p * tf.reduce_sum(mass, axis=-1, keepdims=True))


def keep_likeliest(logits, weights, goal):
    """-inf outside the smallest set of likeliest ids whose `weights` [B, V] sum to `goal` ([B, 1] or a number).

    Finds the threshold by bisection of float32's bits, which are ordered like the numbers they stand for where
    these are not negative. At V = 8,000 a sort takes twice as long, and in XLA 20 times.
    """
    behind = tf.reduce_max(logits, axis=-1, keepdims=True) - logits  # 0 at the likeliest

    def halve(low, high):
        middle = low + (high - low) // 2
        within = tf.where(behind <= tf.bitcast(middle, tf.float32), weights, 0.0)
        enough = tf.reduce_sum(within, axis=-1, keepdims=True) >= goal
        return tf.where(enough, low, middle + 1), tf.where(enough, middle, high)

    low = tf.zeros_like(behind[:, :1], tf.int32)
    high = tf.zeros_like(low) + LARGEST
    _, high = tf.while_loop(lambda low, high: tf.reduce_any(low < high), halve, (low, high))
    return tf.where(behind <= tf.bitcast(high, tf.float32), logits, -float("inf"))


def draw(logits, seed, position):
    """One id a row from softmax(logits): first its block, then itself. [B, V] -> int32 [B]."""
    x = in_blocks(logits)
    blocks = x.shape[1]
    noise = gumbel(tf.shape(x)[0], blocks + BLOCK, seed, position)
    top = tf.reduce_max(logits, axis=-1)[:, None, None]
    masses = tf.math.log(tf.reduce_sum(tf.exp(x - top), axis=-1))  # [B, blocks]
    block = tf.argmax(masses + noise[:, :blocks], axis=-1, output_type=tf.int32)
    inside = tf.gather(x, block, batch_dims=1) + noise[:, blocks:]
    return block * BLOCK + tf.argmax(inside, axis=-1, output_type=tf.int32)


def gumbel(rows, size, seed, position):
    """Noise float32 [rows, size]: the argmax of logits + noise is a draw from their softmax (the Gumbel-max trick).

    The raw 32-bit op is used because XLA and TensorFlow's own kernel agree on its bits, but not on those of
    tf.random.stateless_uniform and stateless_categorical.
    """
    key = tf.cast(tf.cast(seed, tf.int64), tf.uint64)[None]
    counter = tf.stack([tf.zeros([], tf.uint64), tf.cast(position, tf.uint64)])
    bits = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[rows, size], key=key, counter=counter, alg=PHILOX, dtype=tf.uint32
    )
    u = (tf.cast(bits, tf.float32) + 0.5) * 2.0**-32
    u = tf.minimum(u, 1 - 2.0**-24)  # float32 rounds the last 128 of 2**32 up to 1
    return -tf.math.log(-tf.math.log1p(-u))
