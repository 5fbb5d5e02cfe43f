"""Documents -> pretraining rows: pairs of segments, half of them consecutive, or blocks of one document each.

This runs in NumPy, since it is not part of a SavedModel, and tracing the ragged operations would take seconds.
"""

import zlib

import numpy as np
import tensorflow as tf

from tfllm.data import sentence_pairs


def pairs(tokenizer, texts, length):
    """documents, string [B] -> (token_ids, segment_ids, labels), ragged int32 [N, None], of at most `length` tokens.

    A row is START a END b END, with segments 0 and 1. The label, repeated over the row, is 0 if b follows a and 1
    otherwise. Pairs are drawn (data/sentence_pairs.py) from a seed that depends on the text, so the same documents
    always give the same pairs. One document alone gives none: a text that does not follow comes from another document.
    """
    result = sentence_pairs.sentences(texts)
    token_ids = tokenizer.encode(result.flat_values)  # [sentences, None]

    def rows(flat, sizes, documents):
        draw = np.random.default_rng(zlib.crc32(np.ascontiguousarray(sizes).tobytes()))
        first, second, follows = sentence_pairs.pairs(sizes, documents, length - 3, draw)
        return laid_out(flat, [first, second], np.where(follows, 0, 1), tokenizer.start, tokenizer.end)

    return ragged(rows, token_ids.flat_values, token_ids.row_lengths(), result.value_rowids())


def blocks(tokenizer, texts, length, special_tokens=True):
    """As `pairs`, but rows are START a END, consecutive blocks of a document. Segments and labels are 0.

    special_tokens: whether rows have START and END.
    """
    start, end = (tokenizer.start, tokenizer.end) if special_tokens else (None, None)
    capacity = length - 2 * special_tokens
    token_ids = tokenizer.encode(texts)

    def rows(flat, sizes):
        ends = np.cumsum(sizes)
        starts = [np.arange(last - size, last, capacity) for last, size in zip(ends, sizes, strict=True)]
        begin = np.concatenate([*starts, np.zeros(0, "int64")]).astype("int64")
        last = np.minimum(begin + capacity, np.repeat(ends, [len(part) for part in starts]))
        labels = np.zeros(len(begin), "int32")
        return laid_out(flat, [np.stack([begin, last], axis=1)], labels, start, end)

    return ragged(rows, token_ids.flat_values, token_ids.row_lengths())


def laid_out(flat, segments, labels, start, end):
    """Tokens, positions [begin, end) of each segment of each row [N, 2], labels [N] -> three flat parts and splits."""
    ids, numbers, sizes = [np.zeros(0, "int32")], [np.zeros(0, "int32")], np.zeros(len(labels), "int64")
    for row in range(len(labels)):
        for number, positions in enumerate(segments):
            begin, last = positions[row]
            special_tokens = [[token] for token in (start if number == 0 else None, end) if token is not None]
            first = number == 0 and start is not None
            ids += [*special_tokens[:first], flat[begin:last], *special_tokens[first:]]
            size = last - begin + len(special_tokens)
            numbers.append(np.full(size, number))
            sizes[row] += size
    ids, numbers = (np.concatenate(part).astype("int32") for part in (ids, numbers))
    return ids, numbers, np.repeat(labels, sizes).astype("int32"), np.concatenate([[0], np.cumsum(sizes)])


def ragged(rows, *inputs):
    """Run a NumPy function that returns flat parts and splits -> the parts as ragged int32 [N, None]."""
    *parts, splits = tf.numpy_function(rows, inputs, [tf.int32, tf.int32, tf.int32, tf.int64])
    splits = tf.ensure_shape(splits, [None])
    return tuple(tf.RaggedTensor.from_row_splits(tf.ensure_shape(part, [None]), splits, validate=False)
                 for part in parts)  # fmt: skip
