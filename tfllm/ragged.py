"""Slicing, joining and filtering the rows of ragged tensors, each by a few operations on the flat values.

TensorFlow's own `concat`, masks and arithmetic of ragged tensors create some hundred operations each, which took most
of the time until a first batch (docs/decisions.md). All splits here are int64, and every tensor has one ragged axis.
"""

import tensorflow as tf


def between(flat, begin, end):
    """Slices of `flat` [M]: begin .. end - 1, each [N] -> ragged [N, None]."""
    index = tf.ragged.range(begin, end, row_splits_dtype=tf.int64)
    return index.with_flat_values(tf.gather(flat, index.flat_values))


def prefixes(ragged, sizes):
    """The first `sizes` [N] values of each row, at most as many as it has."""
    return between(ragged.flat_values, ragged.row_starts(), ragged.row_starts() + sizes)


def joined(*parts):
    """The parts of each row, concatenated -> ragged [N, None]. A part: ragged [N, None], or one value for all rows."""
    values = [part for part in parts if not isinstance(part, tf.RaggedTensor)]
    like = next(part for part in parts if isinstance(part, tf.RaggedTensor))
    zeros, size, number = tf.zeros_like(like.row_splits[1:]), len(values), 0
    flats, begin, end = [tf.constant(values, like.dtype)] if values else [], [], []
    for part in parts:
        if isinstance(part, tf.RaggedTensor):
            splits = part.row_splits + size
            begin.append(splits[:-1])
            end.append(splits[1:])
            flats.append(part.flat_values)
            size += tf.size(part.flat_values, tf.int64)
        else:
            begin.append(zeros + number)
            end.append(zeros + (number := number + 1))
    begin, end = (tf.reshape(tf.stack(edges, axis=1), [-1]) for edges in (begin, end))
    rows = between(tf.concat(flats, axis=0), begin, end)
    return tf.RaggedTensor.from_row_splits(rows.flat_values, rows.row_splits[:: len(parts)], validate=False)


def chosen(ragged, keep):
    """The values where `keep`, bool [M] over the flat values, is True; empty rows are kept."""
    positions = tf.where(keep)[:, 0]
    splits = tf.searchsorted(positions, ragged.row_splits, out_type=tf.int64)
    return tf.RaggedTensor.from_row_splits(tf.gather(ragged.flat_values, positions), splits, validate=False)


def merged(inner, outer):
    """inner [M, None], whose rows are the values of `outer` [N, None] -> ragged [N, None]: concatenated per outer
    row.
    """
    splits = tf.gather(inner.row_splits, outer.row_splits)
    return tf.RaggedTensor.from_row_splits(inner.flat_values, splits, validate=False)


def column(values):
    """[N] -> ragged [N, 1]."""
    return tf.RaggedTensor.from_uniform_row_length(values, 1, validate=False)


def rows_of(ragged):
    """The index of the row of each flat value: int64 [M]."""
    positions = tf.range(tf.size(ragged.flat_values, tf.int64))
    return tf.searchsorted(ragged.row_splits, positions, side="right", out_type=tf.int64) - 1
