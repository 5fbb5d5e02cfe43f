"""Documents -> rows of pre-training: pairs of segments of which half follow on, or blocks of one document each.

Cut and laid out in NumPy, for this is no part of what is served, and tracing as many ragged operations takes seconds.
"""

import zlib

import numpy as np
import tensorflow as tf

from tfllm.data import sentence_pairs


def pairs(tokenizer, texts, length):
    """documents, string [B] -> (token_ids, segment_ids, labels), ragged int32 [N, None], of at most `length` tokens.

    START a END b END; segments 0 and 1; labels, the same in all of a row: 0, b follows a, 1, it does not. Pairs are
    drawn (data/sentence_pairs.py) from a seed that the text gives: the same documents together, the same pairs. One
    document alone gives none, for a second text that does not follow is of another.
    """
    found = sentence_pairs.sentences(texts)
    token_ids = tokenizer.encode(found.flat_values)  # [sentences, None]

    def rows(flat, sizes, documents):
        draw = np.random.default_rng(zlib.crc32(np.ascontiguousarray(sizes).tobytes()))
        first, second, follows = sentence_pairs.pairs(sizes, documents, length - 3, draw)
        return laid_out(flat, [first, second], np.where(follows, 0, 1), tokenizer.start, tokenizer.end)

    return ragged(rows, token_ids.flat_values, token_ids.row_lengths(), found.value_rowids())


def blocks(tokenizer, texts, length, marks=True):
    """As `pairs`: START a END, what a document has for it. Segments and labels are 0. marks=False: a alone."""
    start, end = (tokenizer.start, tokenizer.end) if marks else (None, None)
    capacity = length - 2 * marks
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
    """Tokens, for each segment the places [begin, end) of each row [N, 2], labels [N] -> three flat parts, splits."""
    ids, numbers, sizes = [np.zeros(0, "int32")], [np.zeros(0, "int32")], np.zeros(len(labels), "int64")
    for row in range(len(labels)):
        for number, places in enumerate(segments):
            begin, last = places[row]
            marks = [[mark] for mark in (start if number == 0 else None, end) if mark is not None]
            first = number == 0 and start is not None
            ids += [*marks[:first], flat[begin:last], *marks[first:]]
            size = last - begin + len(marks)
            numbers.append(np.full(size, number))
            sizes[row] += size
    ids, numbers = (np.concatenate(part).astype("int32") for part in (ids, numbers))
    return ids, numbers, np.repeat(labels, sizes).astype("int32"), np.concatenate([[0], np.cumsum(sizes)])


def ragged(rows, *inputs):
    """A function of NumPy arrays that gives flat parts and splits -> the parts as ragged int32 [N, None]."""
    *parts, splits = tf.numpy_function(rows, inputs, [tf.int32, tf.int32, tf.int32, tf.int64])
    splits = tf.ensure_shape(splits, [None])
    return tuple(tf.RaggedTensor.from_row_splits(tf.ensure_shape(part, [None]), splits, validate=False)
                 for part in parts)  # fmt: skip
