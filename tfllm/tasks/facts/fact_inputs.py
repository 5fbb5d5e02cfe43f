"""Facts and a question as model inputs. Core operations only.

Facts are one text with one fact on each line. Blank lines are ignored, and the punctuation at the end of a sentence is
removed, as in the authors' code of Sukhbaatar et al. 2015.
"""

import tensorflow as tf

from tfllm.ragged import chosen, column, joined, merged
from tfllm.text import END, PAD

ENDS = r"[\s\p{Z}.!?。！？]+$"


def plain(texts):
    """strings -> strings, without surrounding white space and without final punctuation."""
    return tf.strings.regex_replace(tf.strings.strip(texts), ENDS, "")


def lines(texts):
    """strings [B] -> the facts, ragged string [B, None]."""
    result = tf.strings.split(texts, "\n")
    result = result.with_flat_values(plain(result.flat_values))
    return chosen(result, result.flat_values != "")


def memory(tokenizer, facts, most, length):
    """Facts, ragged string [B, None] -> (token_ids, truncated, cut): the last `most` facts, padded to `length`.

    token_ids  ragged [B, F · length]; every row can be folded to [F, length]
    truncated  [B] bool, whether one of these facts is truncated
    cut        int32 [B], number of tokens left out
    """
    every = tokenizer.encode(facts.flat_values)  # [of all facts, None]
    sizes = facts.with_flat_values(every.row_lengths())  # [B, None]
    last = facts.with_flat_values(tf.range(every.nrows()))[:, -most:]
    token_ids, kept_sizes = tf.gather(every, last.flat_values), sizes[:, -most:]
    truncated = tf.reduce_any(kept_sizes.with_flat_values(kept_sizes.flat_values > length), axis=1)
    flat = tf.reshape(token_ids[:, :length].to_tensor(PAD, shape=[None, length]), [-1])
    read = kept_sizes.with_flat_values(tf.minimum(kept_sizes.flat_values, length))
    cut = tf.cast(tf.reduce_sum(sizes, axis=1) - tf.reduce_sum(read, axis=1), tf.int32)
    return tf.RaggedTensor.from_row_lengths(flat, last.row_lengths() * length), truncated, cut


def folded(token_ids, length):
    """[B, F · length] -> [B, F, length]."""
    shape = [-1 if known is None else known for known in token_ids.shape]
    rows, positions = (tf.shape(token_ids)[i] if known == -1 else known for i, known in enumerate(shape))
    return tf.reshape(token_ids, [rows, positions // length, length])


def story(tokenizer, facts, questions):
    """Facts, ragged string [B, None], and questions [B] -> ragged token_ids [B, None]: fact END ... question END."""
    both = joined(facts, column(plain(questions)))
    return merged(joined(tokenizer.encode(both.flat_values), END), both)


def fact_numbers(token_ids, counts):
    """Stories [B, S], number of facts [B] -> [B, S]: the index of the fact at each position, from 0.

    Positions of the question, and padding, have -1.
    """
    ends = tf.cast(token_ids == END, tf.int32)
    still = tf.cumsum(ends, axis=1, reverse=True)  # 1 in the question, 2 in the last fact
    return tf.where(still > 1, tf.cast(counts, tf.int32)[:, None] + 1 - still, -1)
