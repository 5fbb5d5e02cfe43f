"""Choosing one token: pure functions (logits [B, V], position) -> ids [B], without a loop and without hidden state.

Random numbers depend only on (seed, position, row): eager code, a tf.function, XLA and a SavedModel give the same text,
and a row does not depend on the other rows. `row` keeps the numbers of rows that come in parts or in another order.
"""

from numbers import Integral, Real

import tensorflow as tf

from tfllm.generation.blockwise import BLOCK, in_blocks
from tfllm.generation.steps import finite, numbers

PHILOX = 1  # tf.random.Algorithm.PHILOX, which every device supports
LARGEST = 0x7F7FFFFF  # the bits of the largest float32
EDGE = 2e-6  # relative tolerance of probability sums: in float32 .3 + .5 of .3 + .5 + .1 + .1 is 1.5999999 / 2
COLDEST, HOTTEST = 1e-30, 1e30  # temperatures are clipped to this range, so that logits stay finite


def greedy(logits, position):
    """The id with the highest logit, the lowest among ties. In eager mode raises ValueError for NaN; in a graph the
    loop does.
    """
    return tf.argmax(known(logits), axis=-1, output_type=tf.int32)


def sampling(seed, temperature=1.0, top_k=None, top_p=None, min_p=None, typical_p=None, row=0):
    """A `choose` that samples from softmax(logits / temperature), filtered in Hugging Face's order:

    `top_k`: the k most probable ids (Fan et al. 2018); `top_p`: the smallest set of most probable ids whose total
    probability reaches p (nucleus: Holtzman et al. 2020, eq. 2 and 3); `min_p`: ids with at least p times the highest
    probability (Nguyen et al. 2024); `typical_p`: the most typical ids whose total probability reaches p (Meister et
    al. 2023).

    Each is a number, or a scalar tensor (an input of a served graph) with the same samples. Temperature 0 is `greedy`;
    None, top_k 0 or at least V, top_p 1, min_p 0 and typical_p 1 keep every id (tensors: also values beyond these).
    `seed`: an int or int scalar tensor. `row`: the index of the first row, or of all rows, int [B].
    Raises ValueError for invalid numbers.
    """
    check_sampling(temperature, top_k, top_p, min_p, typical_p)

    def choose(logits, position):
        logits = tf.cast(known(logits), tf.float32)
        heat = tf.cast(temperature, tf.float32)
        filtered = logits / tf.clip_by_value(heat, COLDEST, HOTTEST)
        for keep, limit in ((keep_top_k, top_k), (keep_top_mass, top_p), (keep_min, min_p), (keep_typical, typical_p)):
            filtered = filtered if limit is None else keep(filtered, limit)
        drawn = draw(filtered, seed, position, row)
        likeliest = tf.is_tensor(temperature) or temperature == 0
        return tf.where(heat > 0, drawn, greedy(logits, position)) if likeliest else drawn

    return choose


def check_sampling(temperature=None, top_k=None, top_p=None, min_p=None, typical_p=None):
    """Raise ValueError for invalid arguments of `sampling`. Tensors are not checked."""

    def wrong(value, kind, means):
        return value is not None and not tf.is_tensor(value) and not (isinstance(value, kind) and means(value))

    if wrong(temperature, Real, lambda value: 0 <= value < float("inf")):
        raise ValueError(f"temperature must be a number, 0 (greedy) or more, got {temperature!r}")
    if wrong(top_k, Integral, lambda value: value >= 0):
        raise ValueError(f"top_k must be a whole number, 0 (every token) or more, got {top_k!r}")
    for name, mass in (("top_p", top_p), ("typical_p", typical_p)):
        if wrong(mass, Real, lambda value: 0 < value <= 1):
            raise ValueError(f"{name} must be above 0 and at most 1 (every token), got {mass!r}")
    if wrong(min_p, Real, lambda value: 0 <= value <= 1):
        raise ValueError(f"min_p must be from 0 (every token) to 1, got {min_p!r}")


def known(logits):
    """The logits unchanged; in eager mode raises ValueError for NaN."""
    return numbers(logits) if tf.executing_eagerly() else logits


def keep_top_k(logits, k):
    """[B, V] -> [B, V]: -inf except at the k highest logits; ties with the k-th are kept. k <= 0 keeps all."""
    k = tf.cast(k, tf.float32)
    goal = tf.where(tf.logical_or(k <= 0, k >= logits.shape[-1]), float("inf"), k)
    return keep_nearest(logits, behind(logits), tf.ones_like(logits), goal)


def keep_top_mass(logits, p):
    """-inf outside the smallest set of most probable ids whose total probability reaches p; ties stay together.

    p >= 1 keeps all. A total within the float32 tolerance (EDGE) of p has reached it.
    """
    away = behind(logits)
    mass = tf.exp(-away)
    return keep_nearest(logits, away, mass, share(mass, p))


def keep_min(logits, p):
    """-inf at ids with less than p times the highest probability (Nguyen et al. 2024). p <= 0 keeps all."""
    least = tf.math.log(tf.clip_by_value(tf.cast(p, tf.float32), 0.0, 1.0))
    return tf.where(-behind(logits) >= least - EDGE, logits, -float("inf"))


def keep_typical(logits, p):
    """-inf outside the smallest set of total probability p with the information nearest to its mean, the entropy.

    That is, by |log q(y) + H(q)|; Meister et al. 2023. Ties stay together; p >= 1 keeps all.
    """
    log_probs = tf.nn.log_softmax(finite(logits))
    mass = tf.exp(log_probs)
    entropy = -tf.reduce_sum(tf.where(mass > 0, mass * log_probs, 0.0), axis=-1, keepdims=True)
    return keep_nearest(logits, tf.abs(log_probs + entropy), mass, share(mass, p))


def behind(logits):
    """[B, V], the difference to the highest logit: 0 or more."""
    logits = finite(logits)
    return tf.reduce_max(logits, axis=-1, keepdims=True) - logits


def share(mass, p):
    """[B, 1]: p of the total, less the tolerance; infinite for p >= 1."""
    p = tf.cast(p, tf.float32)
    return tf.where(p >= 1, float("inf"), (p - EDGE) * tf.reduce_sum(mass, axis=-1, keepdims=True))


def keep_nearest(logits, away, weights, goal):
    """-inf outside the smallest set, by `away` [B, V] (0 or more), whose `weights` sum to `goal` ([B, 1] or scalar).

    The threshold is found by bisection of the bits of float32, whose order is that of the numbers if these are not
    negative. At V = 8,000 a sort takes twice as long, and in XLA 20 times.
    """

    def halve(low, high):
        middle = low + (high - low) // 2
        within = tf.where(away <= tf.bitcast(middle, tf.float32), weights, 0.0)
        enough = tf.reduce_sum(within, axis=-1, keepdims=True) >= goal
        return tf.where(enough, low, middle + 1), tf.where(enough, middle, high)

    high = tf.fill(tf.shape(away[:, :1]), LARGEST)
    low = tf.where(goal < float("inf"), tf.zeros_like(high), high)  # else keep all, without a search
    _, high = tf.while_loop(lambda low, high: tf.reduce_any(low < high), halve, (low, high))
    return tf.where(away <= tf.bitcast(high, tf.float32), logits, -float("inf"))


def draw(logits, seed, position, row=0):
    """Sample one id per row from softmax(logits): first its block, then the id. [B, V] -> int32 [B]."""
    x = in_blocks(finite(logits))
    blocks = x.shape[1]
    noise = gumbel(tf.shape(x)[0], blocks + BLOCK, seed, position, row)
    top = tf.reduce_max(x, axis=[1, 2], keepdims=True)
    masses = tf.math.log(tf.reduce_sum(tf.exp(x - top), axis=-1))  # [B, blocks]
    block = tf.argmax(masses + noise[:, :blocks], axis=-1, output_type=tf.int32)
    inside = tf.gather(x, block, batch_dims=1) + noise[:, blocks:]
    return block * BLOCK + tf.argmax(inside, axis=-1, output_type=tf.int32)


def gumbel(rows, size, seed, position, row=0):
    """Noise float32 [rows, size]: the argmax of logits + noise is a sample from their softmax (Gumbel-max trick).

    The raw 32-bit op is used because XLA and TensorFlow's own kernel agree on its bits, but not on those of
    tf.random.stateless_uniform and stateless_categorical. Philox counts in groups of four: each row begins at the next
    multiple of four, so that the counter can start at any row. row: the index of the first, or of all, int [R] (not in
    XLA): then the noise of all rows from the lowest to the highest is computed, so these should be close.
    """
    key = tf.cast(tf.cast(seed, tf.int64), tf.uint64)[None]
    fours = -(-size // 4)
    row, order = tf.cast(row, tf.int64), None
    if row.shape.rank:
        first, last = tf.reduce_min(row), tf.reduce_max(row)
        rows = tf.where(tf.size(row) > 0, last - first + 1, 0)
        row, order = first, row - first
    counter = tf.stack([row * fours, tf.cast(position, tf.int64)])
    bits = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[rows, 4 * fours], key=key, counter=tf.cast(counter, tf.uint64), alg=PHILOX, dtype=tf.uint32
    )
    bits = bits if order is None else tf.gather(bits, order)
    u = (tf.cast(bits[:, :size], tf.float32) + 0.5) * 2.0**-32
    u = tf.minimum(u, 1 - 2.0**-24)  # float32 rounds the last 128 of 2**32 up to 1
    return -tf.math.log(-tf.math.log1p(-u))
