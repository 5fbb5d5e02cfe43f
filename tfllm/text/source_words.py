"""Temporary ids for the unknown words of a source text, so that a model can copy them.

A source word that is not in the vocabulary gets the id V + the position of its first token in the source (V is the size
of the vocabulary); it is valid for that text alone. See et al. 2017, sec. 2.2: the extended vocabulary.
Differs: ids by position, not by a count of the unknown words, so any number of unknown words fits.
"""

import tensorflow as tf

from tfllm.ragged import rows_of
from tfllm.text.cleaning import lower, replace_invalid
from tfllm.text.tokenizer import CPU


def spelt(tokenizer, texts):
    """string [B] -> ragged string [B, None]: the text behind each id, also for unknown words.

    Empty for a tokenizer without unknown words, such as Subwords, since nothing needs to be copied.
    """
    if not hasattr(tokenizer, "_cut"):
        ids = tokenizer.encode(texts)
        return ids.with_flat_values(tf.fill(tf.shape(ids.flat_values), ""))
    with tf.device(CPU):
        return tokenizer._cut(lower(texts) if tokenizer.lowercase else texts)


def extended(tokenizer, ids, words, source_ids=None, source_words=None):
    """ids and words, ragged [B, None] -> the ids, with unknown words replaced by their extended ids.

    source_ids, source_words: of the source text, ragged [B, None]; None if these are the source. Unknown words that the
    source does not contain stay UNKNOWN.
    """
    alone = source_words is None
    source_ids, source_words = (ids, words) if alone else (source_ids, source_words)
    with tf.device(CPU):
        strange = source_ids.flat_values == tokenizer.unknown
        at = tf.where(strange)[:, 0]
        positions = tf.gather(tf.ragged.range(source_ids.row_lengths()).flat_values, at)
        known = tf.gather(keys(source_words), at)  # of the source words, whether they are in the vocabulary
        unknown = tf.where(ids.flat_values == tokenizer.unknown)[:, 0]
        both = tf.concat([known, tf.gather(keys(words), unknown)], axis=0)
        _, kinds = tf.unique(both)
        count = tf.reduce_max(tf.concat([kinds, [-1]], axis=0)) + 1
        # the largest int for a word without a position
        first = tf.math.unsorted_segment_min(positions, kinds[: tf.size(known)], count)
        result = tf.cast(tf.gather(first, kinds[tf.size(known) :]), tf.int64)
        inside = result < tf.constant(2**31 - 1, tf.int64)
        result = tf.where(inside, tf.cast(tokenizer.vocab_size, tf.int64) + result, tokenizer.unknown)
        flat = tf.tensor_scatter_nd_update(ids.flat_values, unknown[:, None], tf.cast(result, ids.dtype))
        return ids.with_flat_values(flat)


def keys(words):
    """ragged string [B, None] -> string [N]: each word prefixed by the number of its row."""
    return tf.strings.join([tf.strings.as_string(rows_of(words)), words.flat_values], " ")


def decode(tokenizer, token_ids, words):
    """Extended ids int [R, T], the source words of each row string [R, S] -> string [R], valid UTF-8.

    A source position without a word, which a model rarely generates, becomes U+FFFD, like an unknown word.
    """
    size = tokenizer.vocab_size
    with tf.device(CPU):
        silent = [i for i in (tokenizer.pad, tokenizer.start, tokenizer.end) if i is not None]
        visible = tf.reduce_all(token_ids[..., None] != tf.constant(silent, token_ids.dtype), axis=-1)
        ids = tf.ragged.boolean_mask(token_ids, visible)
        flat, rows = ids.flat_values, rows_of(ids)
        words = tf.pad(words, [[0, 0], [0, 1]])  # an empty word after the last
        position = tf.clip_by_value(flat - size, 0, tf.shape(words)[1] - 1)
        of_source = tf.gather_nd(words, tf.stack([rows, tf.cast(position, tf.int64)], axis=1))
        of_source = tf.where(of_source == "", "\ufffd", of_source)
        known = tf.gather(tf.constant(tokenizer.tokens), tf.minimum(flat, size - 1))
        if tokenizer.unknown is not None:
            known = tf.where(flat == tokenizer.unknown, "\ufffd", known)
        tokens = tf.where(flat < size, known, of_source)
        return replace_invalid(tokenizer._join(ids.with_flat_values(tokens)))
