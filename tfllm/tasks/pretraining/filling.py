"""Texts with [MASK] in them -> token ids; and the texts with something in its place. Core ops: this is served."""

import tensorflow as tf

from tfllm import ragged

MASK = "[MASK]"


def parts(texts):
    """string [B] -> ragged string [B, None]: what stands before, between and behind the masks."""
    return tf.strings.split(texts, MASK)


def marked(tokenizer, parts, mask):
    """Parts of texts -> ragged token_ids [B, None], the id `mask` between the parts."""
    token_ids = tokenizer.encode(parts.flat_values)  # [of all parts, None]
    return ragged.merged(ragged.joined(token_ids, mask), parts)[:, :-1]  # no mask behind the last


def joined(parts, fillings):
    """Parts, and strings [B, M] to stand between them -> texts [B]. "##s" goes on with the word before it.

    Masks without a filling, behind the M-th or where it is empty, stay masks.
    """
    count = parts.row_lengths() - 1  # [B], masks
    place = tf.ragged.range(count)
    short = tf.RaggedTensor.from_tensor(fillings, tf.minimum(count, tf.shape(fillings, tf.int64)[1]))
    rest = tf.ragged.boolean_mask(place, place >= short.row_lengths()[:, None])
    short = short.with_flat_values(tf.where(short.flat_values == "", MASK, short.flat_values))
    between = tf.concat([short, rest.with_flat_values(tf.fill(tf.shape(rest.flat_values), MASK))], axis=1)
    between = between.with_flat_values(tf.strings.regex_replace(between.flat_values, "^##", ""))
    behind = tf.concat([between, tf.fill([parts.nrows(), 1], "")], axis=1)
    pairs = tf.strings.join([parts.flat_values, behind.flat_values])
    return tf.strings.reduce_join(parts.with_flat_values(pairs), axis=-1)
