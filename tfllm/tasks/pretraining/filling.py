"""Texts that contain [MASK] -> token ids, and back with the masks filled. Core operations only, for serving."""

import tensorflow as tf

from tfllm import ragged

MASK = "[MASK]"


def parts(texts):
    """string [B] -> ragged string [B, None]: the parts before, between and after the masks."""
    return tf.strings.split(texts, MASK)


def marked(tokenizer, parts, mask):
    """Parts of texts -> ragged token_ids [B, None], with the id `mask` between the parts."""
    token_ids = tokenizer.encode(parts.flat_values)  # [of all parts, None]
    return ragged.merged(ragged.joined(token_ids, mask), parts)[:, :-1]  # no mask after the last part


def joined(parts, fillings):
    """Parts, and strings [B, M] to insert between them -> texts [B]. "##s" continues the word before it.

    A mask without a filling (after the M-th, or with an empty one) remains a mask.
    """
    count = parts.row_lengths() - 1  # [B], masks
    position = tf.ragged.range(count)
    short = tf.RaggedTensor.from_tensor(fillings, tf.minimum(count, tf.shape(fillings, tf.int64)[1]))
    rest = tf.ragged.boolean_mask(position, position >= short.row_lengths()[:, None])
    short = short.with_flat_values(tf.where(short.flat_values == "", MASK, short.flat_values))
    between = tf.concat([short, rest.with_flat_values(tf.fill(tf.shape(rest.flat_values), MASK))], axis=1)
    between = between.with_flat_values(tf.strings.regex_replace(between.flat_values, "^##", ""))
    behind = tf.concat([between, tf.fill([parts.nrows(), 1], "")], axis=1)
    pairs = tf.strings.join([parts.flat_values, behind.flat_values])
    return tf.strings.reduce_join(parts.with_flat_values(pairs), axis=-1)
