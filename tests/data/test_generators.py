"""A generator as a dataset: its items, each pass anew, and the memory of the program."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfllm.data.generators import from_generator

ONE = tf.TensorSpec([], tf.int64)
SPEC = (tf.TensorSpec([None], tf.string), tf.TensorSpec([None, 2], tf.float32), tf.TensorSpec([], tf.int64))


def items():
    for i in range(3):
        yield [b"a"] * i, np.full([i, 2], i, "float32"), i


def plain(dataset):
    return [tuple(part.tolist() for part in item) for item in dataset.as_numpy_iterator()]


def test_each_pass_has_the_items_anew():
    made = from_generator(items, SPEC)
    assert made.element_spec == SPEC
    expected = [([], [], 0), ([b"a"], [[1, 1]], 1), ([b"a"] * 2, [[2, 2]] * 2, 2)]
    assert plain(made) == plain(made) == expected
    assert plain(from_generator(lambda: iter(()), SPEC)) == []


def test_passes_do_not_meet_and_endless_ones_are_left():
    made = from_generator(itertools.count, tf.TensorSpec([], tf.int64))
    one, two = iter(made), iter(made.prefetch(2))
    assert [[int(next(one)), int(next(one)), int(next(two))] for _ in range(2)] == [[0, 1, 0], [2, 3, 1]]


def test_a_fault_of_the_generator_is_told():
    def faulty():
        yield 1
        raise ValueError("line 7 is broken")

    with pytest.raises(tf.errors.InvalidArgumentError, match="line 7 is broken"):
        list(from_generator(faulty, tf.TensorSpec([], tf.int64)))


def test_freed_memory_is_used_again():
    """It is TensorFlow's operation for generators that changes that, when it is first run in a program."""
    assert b"GeneratorDataset" in graph_of(tf.data.Dataset.from_generator(lambda: iter([1]), output_signature=ONE))
    assert b"GeneratorDataset" not in graph_of(from_generator(lambda: iter([1]), ONE))


def graph_of(dataset):
    return tf.raw_ops.DatasetToGraphV2(input_dataset=tf.data.experimental.to_variant(dataset)).numpy()
