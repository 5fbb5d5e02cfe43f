"""Blocks against lists, one document and one place at a time."""

import numpy as np
import pytest
import tensorflow as tf

from tfllm.data.blocks import packed, windows

SIZES = [1, 7, 8, 9, 3, 16, 21, 4]


def documents(sizes=SIZES):
    """(inputs, targets): document i of n places has inputs 100 i .. 100 i + n - 1, targets one more each."""
    inputs = [[100 * i + t for t in range(n)] for i, n in enumerate(sizes)]
    return tuple(tf.ragged.constant([[x + more for x in row] for row in inputs], tf.int32) for more in (0, 1))


def by_hand(sizes, length, stride):
    """[(inputs, targets, weights)] of every window."""
    result = []
    for i, n in enumerate(sizes):
        seen = 0
        for begin in range(0, n, stride):
            positions = range(begin, min(begin + length, n))
            weights = [float(t >= seen) for t in positions]
            result.append(([100 * i + t for t in positions], [100 * i + t + 1 for t in positions], weights))
            seen = max(positions) + 1
            if seen == n:
                break
    return result


@pytest.mark.parametrize("length, stride", [(8, None), (8, 8), (8, 3), (8, 1), (5, 4), (1, 1), (100, 7)])
def test_windows_are_those_made_by_hand(length, stride):
    result = [part.to_list() for part in windows(*documents(), length, stride)]
    assert list(zip(*result, strict=True)) == by_hand(SIZES, length, stride or length)


@pytest.mark.parametrize("length, stride", [(8, None), (8, 3), (5, 1)])
def test_every_target_counts_once_and_sees_enough(length, stride):
    inputs, targets, weights = (part.to_list() for part in windows(*documents(), length, stride))
    counted, seen = [], {}
    for row, (targets_of, weights_of) in enumerate(zip(targets, weights, strict=True)):
        for position, (target, weight) in enumerate(zip(targets_of, weights_of, strict=True)):
            if weight:
                counted.append(target)
                seen[target] = position + 1
                assert inputs[row][: position + 1] == list(range(target - position - 1, target))
    assert sorted(counted) == sorted(documents()[1].flat_values.numpy())
    for target, known in seen.items():
        position = (target - 1) % 100  # of its document
        assert known >= min(position + 1, length - (stride or length) + 1)


def test_windows_run_in_a_graph():
    run = tf.function(
        lambda *rows: windows(*rows, 8, 3), input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)] * 2
    )
    for result, expected in zip(run(*documents()), windows(*documents(), 8, 3), strict=True):
        assert result.to_list() == expected.to_list()


@pytest.mark.parametrize("length", [1, 4, 10, 68, 69, 70, 1000])
def test_packed_blocks_hold_every_place_once_and_no_padding(length):
    inputs, targets = documents()
    total = int(tf.size(inputs.flat_values))
    assert total == 69
    result = [part.to_list() for part in packed((inputs, targets, tf.ones_like(targets, tf.float32)), length)]
    assert {len(row) for part in result for row in part} == {min(length, total)}
    kept = [[x for row, weights in zip(part, result[2], strict=True) for x, w in zip(row, weights, strict=True) if w]
            for part in result]  # fmt: skip
    assert kept[:2] == [inputs.flat_values.numpy().tolist(), targets.flat_values.numpy().tolist()]
    for row in range(len(result[0])):  # a place of weight 0 is a place of the text too
        at = inputs.flat_values.numpy().tolist().index(result[0][row][0])
        np.testing.assert_array_equal(result[0][row], inputs.flat_values[at : at + min(length, total)])


@pytest.mark.parametrize("stride", [0, 9, -1])
def test_an_impossible_stride_is_refused(stride):
    with pytest.raises(ValueError, match=f"between 1 and the length of a window, 8; got {stride}"):
        windows(*documents(), 8, stride)
