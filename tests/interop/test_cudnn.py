"""cuDNN's layout of LSTM and GRU against its own definition, in loops and on numbers that can be read."""

import numpy as np
import pytest

from tests.layers.parts import normal
from tests.reference import recurrent, textgenrnn
from tfllm.interop.cudnn import keras_layout

T, D, U = 4, 3, 2


def test_numbers_that_can_be_read():
    """Of each gate: what lies in memory as rows of units becomes columns of units."""
    kernel = np.hstack([np.array([[1, 2], [3, 4], [5, 6]]) + 10 * gate for gate in range(4)])  # [D, 4U]
    ours, recurrent, bias = keras_layout(kernel, np.arange(16).reshape(2, 8), np.arange(16))
    np.testing.assert_array_equal(ours[:, :2], [[1, 4], [2, 5], [3, 6]])  # unit 0: 1 2 3, unit 1: 4 5 6
    np.testing.assert_array_equal(ours[:, 6:], [[31, 34], [32, 35], [33, 36]])
    np.testing.assert_array_equal(recurrent[:, 2:4], [[2, 10], [3, 11]])
    np.testing.assert_array_equal(bias, np.arange(8) * 2 + 8)


def test_an_lstm_is_the_one_of_cudnn():
    weights = normal(0, D, 4 * U), normal(1, U, 4 * U), normal(2, 8 * U)
    x = normal(3, T, D)
    expected = textgenrnn.cudnn_lstm(x, *weights)
    np.testing.assert_allclose(recurrent.lstm(x, keras_layout(*weights))[0], expected, atol=1e-6)


def test_a_gru_is_the_one_of_cudnn():
    kernel, matrix, bias = normal(0, D, 3 * U), normal(1, U, 3 * U), normal(2, 6 * U)
    W = [kernel[:, k * U : (k + 1) * U].flatten().reshape(U, D) for k in range(3)]
    R = [matrix[:, k * U : (k + 1) * U] for k in range(3)]
    b = bias.reshape(2, 3, U)
    h, expected, x = np.zeros(U), [], normal(3, T, D)
    for row in x:
        outer, inner = ([M[k] @ v + b[i, k] for k in range(3)] for i, (M, v) in enumerate([(W, row), (R, h)]))
        update, reset = recurrent.sigmoid(outer[0] + inner[0]), recurrent.sigmoid(outer[1] + inner[1])
        h = update * h + (1 - update) * np.tanh(outer[2] + reset * inner[2])
        expected.append(h)
    np.testing.assert_allclose(recurrent.gru(x, keras_layout(kernel, matrix, bias))[0], expected, atol=1e-6)


@pytest.mark.parametrize(("gates", "bias"), [(4, (4 * U,)), (3, (2, 3 * U))])
def test_the_layout_of_keras_stays(gates, bias):
    weights = normal(0, D, gates * U), normal(1, U, gates * U), normal(2, *bias)
    for after, before in zip(keras_layout(*weights), weights, strict=True):
        np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(("gates", "bias"), [(3, 3 * U), (4, 5 * U), (1, U)])
def test_another_layer_is_refused(gates, bias):
    with pytest.raises(ValueError, match="do not belong to a supported LSTM or GRU"):
        keras_layout(normal(0, D, gates * U), normal(1, U, gates * U), normal(2, bias))
