"""Packing against the loop of the paper's code, which takes tokens away one by one."""

import numpy as np
import pytest
import tensorflow as tf

from tfllm.tasks.text_inputs import packed

START, END = 101, 102


def loop(a, b, length):
    """`_truncate_seq_pair` and its context in create_pretraining_data.py of Devlin et al. 2019."""
    a, b = list(a), None if b is None else list(b)
    while len(a) + len(b or []) > length - (2 if b is None else 3):
        longer = a if b is None or len(a) > len(b) else b
        longer.pop()
    first = [START, *a, END]
    second = [] if b is None else [*b, END]
    return first + second, [0] * len(first) + [1] * len(second)


def ragged(sizes, seed):
    draw = np.random.default_rng(seed)
    return tf.ragged.constant([draw.integers(1, 99, size).tolist() for size in sizes], tf.int32, 1)


@pytest.mark.parametrize("length", [3, 4, 8, 9, 40, None])
@pytest.mark.parametrize("pair", [False, True], ids=["one text", "pair"])
def test_it_is_the_loop(length, pair):
    sizes = np.array([(x, y) for x in (0, 1, 2, 3, 4, 9, 10) for y in (0, 1, 3, 4, 10)])
    a, b = ragged(sizes[:, 0], 0), ragged(sizes[:, 1], 1) if pair else None
    result = tf.function(packed)(a, b, start=START, end=END, length=length)
    for row in range(len(sizes)):
        expected = loop(a[row].numpy(), b[row].numpy() if pair else None, length or 99)
        assert tuple(part[row].numpy().tolist() for part in result) == expected
    assert {part.dtype for part in result} == {tf.int32}


def test_marks_that_a_tokenizer_does_not_have_are_left_out():
    a, b = tf.ragged.constant([[5, 6, 7]]), tf.ragged.constant([[8, 9]])
    token_ids, segments = packed(a, b, start=None, end=END, length=6)
    assert (token_ids.to_list(), segments.to_list()) == ([[5, 6, END, 8, 9, END]], [[0, 0, 0, 1, 1, 1]])
    assert packed(a, start=None, end=None)[0].to_list() == [[5, 6, 7]]


def test_no_row_gives_no_row():
    none = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int32), tf.zeros([0], tf.int64))
    assert [part.nrows() for part in packed(none, none, start=1, end=2, length=5)] == [0, 0]


def test_a_length_below_the_special_tokens_is_refused():
    a = tf.ragged.constant([[5]])
    with pytest.raises(ValueError, match="length must be 3 or more"):
        packed(a, a, start=1, end=2, length=2)
