"""A stream against the records it was made of, and by its laws: order, resume, constant memory."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfllm.data import streams
from tfllm.data.batches import plan
from tfllm.data.streams import Stream, shuffled

SIZES = [3, 1, 7, 7, 2, 6, 4, 4, 4, 1, 7, 2, 5, 5, 3] * 20  # 300 documents


def example(record):
    """A document "3 5" is the number 3, five times; its targets are the number itself, its inputs one less."""
    numbers = tf.strings.to_number(tf.strings.split(record["text"]).to_tensor(), tf.int32)
    number, size = numbers[:, 0], numbers[:, 1]
    targets = tf.RaggedTensor.from_row_lengths(tf.repeat(number, size), tf.cast(size, tf.int64))
    return targets - 1, targets, tf.ones_like(targets, tf.float32)


def records(sizes=SIZES):
    return tf.data.Dataset.from_tensor_slices({"text": [f"{i + 1} {n}" for i, n in enumerate(sizes)]})


def epoch(stream, number=0, count=None):
    stream.epoch = number
    return [tuple(map(np.asarray, batch)) for batch in itertools.islice(stream.dataset, count)]


def tokens(batches):
    """The targets of all batches, padding left out, in their order."""
    return [int(x) for _, targets, weights in batches for x in targets[weights > 0]]


EVERYTHING = sorted(i + 1 for i, n in enumerate(SIZES) for _ in range(n))


@pytest.mark.parametrize("seed", [None, 3])
def test_every_row_once_an_epoch_in_the_shapes_of_the_plan(seed):
    stream = Stream(records(), example, 8, tokens=64, shapes=3, buffer=40, seed=seed)
    result = epoch(stream)
    planned = {(rows, edge) for k, edge in enumerate(stream.plan.edges) for rows in stream.plan.sizes(k)}
    assert stream.plan == plan(np.array(SIZES), 64, shapes=3)
    assert {part.shape for batch in result for part in batch} == planned and len(stream.plan.edges) == 3
    assert sorted(tokens(result)) == EVERYTHING and len(result) == stream.plan.batches == len(stream.dataset)
    for inputs, targets, weights in result:
        np.testing.assert_array_equal(inputs[weights > 0], targets[weights > 0] - 1)
        assert not targets[weights == 0].any() and not inputs[weights == 0].any()


def test_packed_rows_have_no_padding_and_run_over_documents():
    stream = Stream(records(), example, 8, tokens=64, pack=True)
    result = epoch(stream)
    assert stream.plan.edges == (8,) and stream.plan.rows == (8,)
    assert all(weights.all() for _, _, weights in result)
    assert tokens(result) == EVERYTHING[: len(EVERYTHING) // 8 * 8]


def test_the_order_depends_on_seed_and_epoch_only():
    def made(seed=1, **options):
        return Stream(records(), example, 8, tokens=64, buffer=40, seed=seed, **options)

    tf.random.set_seed(1)
    first, second = tokens(epoch(made())), tokens(epoch(made(), 1))
    tf.random.set_seed(2)  # the seed of the program is of no matter
    assert first == tokens(epoch(made())) and second == tokens(epoch(made(), 1))
    assert len({tuple(order) for order in (first, second, tokens(epoch(made(2))))}) == 3


def test_epochs_of_steps_go_on_where_the_last_one_ended():
    def made():
        return Stream(records(), example, 7, tokens=64, buffer=40, seed=1, steps=7)

    together = epoch(made(), 0, 60)  # more than one pass over the text
    for number in (1, 4, 8):
        for result, expected in zip(epoch(made(), number, 7), together[7 * number :][:7], strict=False):
            for part, whole in zip(result, expected, strict=True):
                np.testing.assert_array_equal(part, whole)
    result, size = tokens(together), len(EVERYTHING)
    assert sorted(result[:size]) == sorted(result[size : 2 * size]) == EVERYTHING


def test_shuffling_reaches_as_far_as_the_buffer_and_loses_nothing():
    result = list(shuffled(iter(range(1000)), 50, np.random.default_rng(0)))
    assert sorted(result) == list(range(1000)) and result != sorted(result)
    assert all(x < position + 50 for position, x in enumerate(result))  # nothing comes before it was read
    assert list(shuffled(iter(range(9)), 1, np.random.default_rng(0))) == list(range(9))


def test_no_more_is_read_than_is_needed():
    """Endless records: whoever kept them all would never come to an end."""
    endless = tf.data.Dataset.from_tensors({"text": "7 5"}).repeat()
    stream = Stream(endless, example, 8, tokens=64, seed=1, steps=2)
    assert len(epoch(stream, 0, 5)) == 5


def test_text_shorter_than_a_block_and_no_text_are_refused():
    for steps in (None, 2):
        with pytest.raises(ValueError, match="nothing to make batches of: no text, or less than one block"):
            Stream(records([3]), example, 8, pack=True, steps=steps)
        with pytest.raises(ValueError, match="nothing to make batches of"):
            Stream(records([3]).take(0), example, 8, steps=steps)


def test_chunks_do_not_show():
    assert len(SIZES) > 2 * streams.CHUNK
    assert tokens(epoch(Stream(records(), example, 8, batch_size=1, shapes=1))) == EVERYTHING
