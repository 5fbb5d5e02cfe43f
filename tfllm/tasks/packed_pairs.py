"""One text or two as one row of tokens for an encoder. Devlin et al. 2019, sec. 3 and fig. 2."""

import tensorflow as tf

from tfllm.ragged import joined, prefixes


def packed(a, b=None, *, start, end, length=None):
    """-> (token_ids, segment_ids), ragged int32 [B, None]: START a END, or START a END b END, at most `length` tokens.

    a, b        ragged token_ids [B, None]
    start, end  the ids of [CLS] and [SEP]; None leaves the special token out
    length      maximum number of tokens; None: no limit. A text that is too long loses its last tokens; of a pair the
                longer text does (b if both are equally long) until both fit (`_truncate_seq_pair` of the paper's code)

    segment_ids are 0 up to the END of a, and 1 after it. Core operations only. Raises ValueError if `length` is less
    than the number of special tokens.
    """
    texts, count = [part for part in (a, b) if part is not None], num_special_tokens(b, start, end)
    if length is not None and length < count:
        raise ValueError(f"length must be {count} or more, for the special tokens around the text; got {length}")
    if length is not None:
        sizes = truncated_lengths(*(part.row_lengths() for part in texts), capacity=length - count)
        texts = [prefixes(part, size) for part, size in zip(texts, sizes, strict=True)]
    starts, ends = ([] if token is None else [token] for token in (start, end))
    texts = [tf.cast(part, tf.int32) for part in texts]
    token_ids = joined(*starts, *(piece for part in texts for piece in (part, *ends)))
    if b is None:
        return token_ids, tf.zeros_like(token_ids)
    of_a, of_b = [0] * len(ends), [1] * len(ends)
    zeros, ones = tf.zeros_like(texts[0]), tf.ones_like(texts[1])
    return token_ids, joined(*([0] * len(starts)), zeros, *of_a, ones, *of_b)


def num_special_tokens(pair, start, end):
    """The number of special tokens that `packed` adds."""
    return (start is not None) + (end is not None) * (1 if pair is None else 2)


def truncated_lengths(a, b=None, *, capacity):
    """Numbers of tokens [B] of each text -> how many are kept, `capacity` in total: [a] or [a, b]."""
    if b is None:
        return [tf.minimum(a, capacity)]
    first = tf.minimum(a, tf.maximum(capacity - b, (capacity + 1) // 2))
    return [first, tf.minimum(b, capacity - first)]
