"""Rows of ragged tensors against Python lists, in graphs too; and how few operations they make."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfllm import ragged

ROWS = st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=5)


def of(rows, dtype=tf.int32):
    return tf.ragged.constant(rows, dtype, ragged_rank=1, row_splits_dtype=tf.int64)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_pieces_of_rows(rows):
    it = of(rows)
    halves = [len(row) // 2 for row in rows]
    assert ragged.prefixes(it, tf.constant(halves, tf.int64)).to_list() == [
        row[:half] for row, half in zip(rows, halves, strict=True)
    ]
    assert ragged.rows_of(it).numpy().tolist() == [i for i, row in enumerate(rows) for _ in row]
    odd = [[value for value in row if value % 2] for row in rows]
    assert ragged.chosen(it, it.flat_values % 2 == 1).to_list() == odd


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_parts_of_rows_joined(rows):
    other = [[value + 10, *row[:1]] for value, row in enumerate(rows)]
    expected = [[7, *a, *b, 8, *a] for a, b in zip(rows, other, strict=True)]
    parts = 7, of(rows), of(other), 8, of(rows)
    assert ragged.joined(*parts).to_list() == expected
    compiled = tf.function(lambda a, b: ragged.joined(7, a, b, 8, a), autograph=False)
    assert compiled(*parts[1:3]).to_list() == expected
    words = of([[str(value) for value in row] for row in rows], tf.string)
    assert ragged.joined(words, "end").to_list() == [[*(str(v).encode() for v in row), b"end"] for row in rows]


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, max_size=4))
def test_rows_of_rows_end_to_end(groups):
    inner = of([row for rows in groups for row in rows])
    outer = of([[0] * len(rows) for rows in groups])
    assert ragged.merged(inner, outer).to_list() == [[value for row in rows for value in row] for rows in groups]


def test_a_column():
    assert ragged.column(tf.constant(["a", "b"])).to_list() == [[b"a"], [b"b"]]
    assert ragged.column(tf.zeros([0])).to_list() == []
    np.testing.assert_array_equal(ragged.column(tf.zeros([2])).row_splits, [0, 1, 2])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda a: ragged.joined(1, a, 2), lambda a: tf.concat([tf.fill([a.nrows(), 1], v) for v in (1, 2)] + [a], 1)),
        (
            lambda a: ragged.chosen(a, a.flat_values > 1),
            lambda a: tf.ragged.boolean_mask(a, a.with_flat_values(a.flat_values > 1)),
        ),
    ],
)
def test_they_are_less_than_half_of_tensorflows_operations(ours, theirs):
    spec = tf.RaggedTensorSpec([None, None], tf.int32)

    def operations(function):
        graph = tf.function(function, input_signature=[spec], autograph=False).get_concrete_function().graph
        return len(graph.get_operations())

    assert 2 * operations(ours) < operations(theirs)
