"""Token ids -> source with gaps, target with the missing text: span corruption. Raffel et al. 2020, sec. 3.1.4, 3.3.4.

"Thank you <X> me to your party <Y> week" -> "<X> for inviting <Y> last". The spans are drawn for a padded batch when it
is made, from a seed alone. The lengths of source and target depend only on the length of the row.

Axes:  B batch  T tokens
"""

import tensorflow as tf

from tfllm.data.masking import choose


def corrupted(token_ids, sizes, seed, sentinel, rate=0.15, span=3.0):
    """-> (sources, targets), ragged int32 [B, None].

    token_ids [B, T], of which row b has `sizes` [B];  seed  int [2]
    sentinel  the id of the first sentinel, <X>; gap i has the id sentinel + i
    rate      share of the tokens to remove;  span  mean number of tokens in a gap

    Differs from the paper's fig. 2, as its code does: no sentinel at the end of the target.
    """
    noise = gaps(sizes, tf.shape(token_ids)[1], seed, rate, span)  # [B, T]
    real = tf.sequence_mask(sizes, tf.shape(token_ids)[1])
    before = tf.concat([tf.zeros_like(noise[:, :1]), noise[:, :-1]], axis=1)
    begins = tf.logical_and(noise, tf.logical_not(before))
    sentinels = tf.cast(sentinel - 1 + tf.cumsum(tf.cast(begins, tf.int32), axis=1), token_ids.dtype)
    sources = tf.ragged.boolean_mask(
        tf.where(begins, sentinels, token_ids), tf.logical_and(real, tf.logical_or(begins, tf.logical_not(noise)))
    )
    both, keep = tf.stack([sentinels, token_ids], axis=2), tf.stack([begins, noise], axis=2)  # [B, T, 2]
    flat = [tf.shape(token_ids)[0], -1]
    return sources, tf.ragged.boolean_mask(tf.reshape(both, flat), tf.reshape(keep, flat))


def gaps(sizes, length, seed, rate=0.15, span=3.0):
    """-> [B, T] bool, True in the gaps of each row: uniform over all ways to place them, no two gaps adjacent.

    A row of one token has no gap. Differs: in the authors' code (`random_spans_noise_mask`) the last gap ends the text,
    so that in short texts only the end is removed.
    """
    noise, count = numbers(sizes, rate, span)  # [B] each
    text, seeds = sizes - noise, tf.random.split(seed, 2)
    # the text between has an extra item at both ends, so that a gap may be there too
    of_text = dealt(text + 2, count + 1, length + 2, seeds[0])[:, 1:-1]
    of_text = tf.where(tf.range(length) < text[:, None], of_text, length)
    of_gaps = dealt(noise, count, length, seeds[1])
    # both in one order: stretch 0 of the text, gap 0, stretch 1, gap 1, ...; padding comes last
    order = tf.argsort(tf.concat([2 * of_text, 2 * of_gaps + 1], axis=1), axis=1, stable=True)[:, :length]
    return tf.logical_and(order >= length, tf.sequence_mask(sizes, length))


def numbers(sizes, rate, span):
    """Lengths of rows -> (tokens to remove, gaps), int32 of the same shape."""
    wide = tf.cast(sizes, tf.float32)
    noise = tf.cast(tf.round(wide * rate), tf.int32)
    noise = tf.minimum(tf.maximum(noise, 1), sizes - 1)
    noise = tf.maximum(noise, 0)
    count = tf.maximum(tf.cast(tf.round(tf.cast(noise, tf.float32) / span), tf.int32), 1)
    return noise, tf.minimum(tf.minimum(count, noise), sizes - noise)


def widths(sizes, rate, span):
    """Lengths of rows -> lengths of (sources, targets)."""
    noise, count = numbers(sizes, rate, span)
    return sizes - noise + count, noise + count


def dealt(sizes, count, length, seed):
    """[B, length]: the group of each of `sizes` [B] items, in order, with none of the `count` groups empty.

    Positions after the items have the number `length`.
    """
    position = tf.range(length)[None]
    may_begin = tf.logical_and(position > 0, position < sizes[:, None])
    group = tf.cumsum(tf.cast(choose(may_begin, count - 1, seed), tf.int32), axis=1)
    return tf.where(position < sizes[:, None], group, length)
