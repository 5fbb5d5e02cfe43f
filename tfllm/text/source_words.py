"""Words that the vocabulary has not, by their places in a source text: they have ids of their own for one text alone.

A word of the source that the tokenizer does not know has the id V + the place of its first token there (V is the size
of the vocabulary), so that a model which copies can say it. See et al. 2017, sec. 2.2: the extended vocabulary.
Differs: by places, not by a count of the unknown words, so that no number of them is too large.
"""

import tensorflow as tf

from tfllm.ragged import rows_of
from tfllm.text.cleaning import lower, replace_invalid
from tfllm.text.tokenizer import CPU


def spelt(tokenizer, texts):
    """string [B] -> ragged string [B, None]: what stands in the text for each id, for unknown ones too.

    Of a tokenizer that knows everything, such as Subwords, nothing is needed: all are empty.
    """
    if not hasattr(tokenizer, "_cut"):
        ids = tokenizer.encode(texts)
        return ids.with_flat_values(tf.fill(tf.shape(ids.flat_values), ""))
    with tf.device(CPU):
        return tokenizer._cut(lower(texts) if tokenizer.lowercase else texts)


def extended(tokenizer, ids, words, source_ids=None, source_words=None):
    """ids and words, ragged [B, None] -> the ids, where unknown words have those of their places in the source.

    source_ids, source_words: of the source text, ragged [B, None]; None: these are the source. An unknown word that is
    none of the source stays unknown.
    """
    alone = source_words is None
    source_ids, source_words = (ids, words) if alone else (source_ids, source_words)
    with tf.device(CPU):
        strange = source_ids.flat_values == tokenizer.unknown
        at = tf.where(strange)[:, 0]
        places = tf.gather(tf.ragged.range(source_ids.row_lengths()).flat_values, at)
        known = tf.gather(keys(source_words), at)  # of the unknown words of the source, though
        wanted = tf.where(ids.flat_values == tokenizer.unknown)[:, 0]
        both = tf.concat([known, tf.gather(keys(words), wanted)], axis=0)
        _, kinds = tf.unique(both)
        count = tf.reduce_max(tf.concat([kinds, [-1]], axis=0)) + 1
        first = tf.math.unsorted_segment_min(places, kinds[: tf.size(known)], count)  # the largest int where none is
        result = tf.cast(tf.gather(first, kinds[tf.size(known) :]), tf.int64)
        inside = result < tf.constant(2**31 - 1, tf.int64)
        result = tf.where(inside, tf.cast(tokenizer.vocab_size, tf.int64) + result, tokenizer.unknown)
        flat = tf.tensor_scatter_nd_update(ids.flat_values, wanted[:, None], tf.cast(result, ids.dtype))
        return ids.with_flat_values(flat)


def keys(words):
    """ragged string [B, None] -> string [N]: each word behind the number of its row."""
    return tf.strings.join([tf.strings.as_string(rows_of(words)), words.flat_values], " ")


def decode(tokenizer, token_ids, words):
    """int [R, T], extended; the words of the source of each row, string [R, S] -> string [R], valid UTF-8.

    The place of a source without a word there, which a model hardly says, becomes U+FFFD, as what is unknown.
    """
    size = tokenizer.vocab_size
    with tf.device(CPU):
        silent = [i for i in (tokenizer.pad, tokenizer.start, tokenizer.end) if i is not None]
        said = tf.reduce_all(token_ids[..., None] != tf.constant(silent, token_ids.dtype), axis=-1)
        ids = tf.ragged.boolean_mask(token_ids, said)
        flat, rows = ids.flat_values, rows_of(ids)
        words = tf.pad(words, [[0, 0], [0, 1]])  # an empty one behind the last
        place = tf.clip_by_value(flat - size, 0, tf.shape(words)[1] - 1)
        of_source = tf.gather_nd(words, tf.stack([rows, tf.cast(place, tf.int64)], axis=1))
        of_source = tf.where(of_source == "", "\ufffd", of_source)
        known = tf.gather(tf.constant(tokenizer.tokens), tf.minimum(flat, size - 1))
        if tokenizer.unknown is not None:
            known = tf.where(flat == tokenizer.unknown, "\ufffd", known)
        pieces = tf.where(flat < size, known, of_source)
        return replace_invalid(tokenizer._join(ids.with_flat_values(pieces)))
