"""LSTM and GRU against loops, their gradient against Keras' own layers, and by the laws of a state."""

import gc

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

from tests.layers import parts
from tests.reference import recurrent as reference
from tfllm.layers.recurrent import Recurrent, RecurrentStack

B, T, D, U, LAYERS = 2, 5, 3, 4, 2
CELLS = ["lstm", "gru"]
KERAS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
X = parts.normal(0, B, T, D)


@pytest.fixture(scope="module", params=CELLS)
def layer(request):
    layer = Recurrent(U, request.param)
    layer.build((None, None, D))
    return parts.scatter(layer)


@pytest.fixture(scope="module", params=CELLS)
def stack(request):
    stack = RecurrentStack(LAYERS, U, request.param, rate=0.5)
    stack.build((None, None, D))
    return parts.scatter(stack)


def begun(layer, seed=1):
    """A state in the middle of a text."""
    return tuple(parts.normal(seed + i, B, U) for i in range(len(layer.start(B))))


@pytest.mark.parametrize("given", [False, True], ids=["from the beginning", "from a state"])
def test_it_is_the_loops(layer, given):
    before = begun(layer) if given else None
    out, state = layer(X, state=before)
    assert out.shape == (B, T, U)
    for b in range(B):
        own = None if before is None else [part[b] for part in before]
        expected, last = reference.CELLS[layer.cell.name](X[b], parts.recurrent(layer), own)
        np.testing.assert_allclose(out[b], expected, atol=1e-5)
        for part, right in zip(state, last, strict=True):
            np.testing.assert_allclose(part[b], right, atol=1e-5)


def gradients(outputs, x, before, weights):
    """By every output: all places, and each part of the last state."""
    pull = [parts.normal(5, B, T, U), *(parts.normal(6 + i, B, U) for i in range(len(before)))]
    with tf.GradientTape() as tape:
        tape.watch([x, *before])
        loss = sum(tf.reduce_sum(out * one) for out, one in zip(outputs(), pull, strict=True))
    return tape.gradient(loss, [x, *before, *(weight.value for weight in weights)])


@pytest.fixture(scope="module")
def of_keras(layer):
    """What Keras' own layer has for gradients, by automatic differentiation."""
    own = KERAS[layer.cell.name](U, return_sequences=True, return_state=True)
    own.build((None, None, D))
    own.set_weights(layer.get_weights())
    x, before = tf.constant(X), [tf.constant(part) for part in begun(layer)]
    return gradients(lambda: own(x, initial_state=before), x, before, own.weights)


@pytest.mark.parametrize(
    ("training", "compiled"), [(True, False), (True, True), (False, False)], ids=["eager", "xla", "out of training"]
)
def test_its_gradient_is_that_of_keras(layer, of_keras, training, compiled):
    x, before = tf.constant(X), [tf.constant(part) for part in begun(layer)]

    def ours():
        out, state = layer(x, state=tuple(before), training=training)
        return out, *state

    run = tf.function(lambda: gradients(ours, x, before, layer.weights), jit_compile=True, autograph=False)
    result = run() if compiled else run.python_function()
    assert len(result) == 1 + len(before) + 3
    for one, right in zip(result, of_keras, strict=True):
        np.testing.assert_allclose(one, right, atol=1e-5)


def test_its_first_weights_are_those_of_keras():
    """Forget gates begin open: a bias of one (Jozefowicz et al. 2015)."""
    layer = Recurrent(U)
    layer.build((None, None, D))
    np.testing.assert_array_equal(layer.cell.bias, np.repeat([0, 1, 0, 0], U))
    r = layer.cell.recurrent_kernel.numpy()
    np.testing.assert_allclose(r @ r.T, np.eye(U), atol=1e-5)
    assert [weight.path for weight in layer.weights] == [
        f"{layer.name}/lstm/{name}" for name in ("kernel", "recurrent_kernel", "bias")
    ]


@pytest.mark.parametrize("pieces", [(5,), (1,) * 5, (2, 3), (3, 1, 1)], ids=str)
def test_in_pieces_it_is_the_whole(stack, pieces):
    whole, end = stack(X)
    state, at = stack.start(B), 0
    for size in pieces:
        out, state = stack(X[:, at : at + size], state=state)
        np.testing.assert_allclose(out, whole[:, at : at + size], atol=1e-6)
        at += size
    for part, right in zip(keras.tree.flatten(state), keras.tree.flatten(end), strict=True):
        np.testing.assert_allclose(part, right, atol=1e-6)


def test_a_stack_is_the_loops(stack):
    out, state = stack(X)
    for b in range(B):
        layers = [parts.recurrent(part) for part in stack.parts]
        expected, last = reference.stack(X[b], layers, stack.numbers["cell"])
        np.testing.assert_allclose(out[b], expected, atol=1e-5)
        np.testing.assert_allclose(state[-1][0][b], last[-1][0], atol=1e-5)


def test_dropout_is_after_each_layer_and_of_training_only(stack):
    calm = stack(X)[0].numpy()
    np.testing.assert_array_equal(stack(X, training=False)[0], calm)
    dropped = stack(X, training=True)[0].numpy()
    assert (dropped == 0).any() and not (calm == 0).any()
    whole = tf.where(dropped == 0, 0.0, dropped / 2 - calm)  # of the last layer alone, what is kept is doubled
    assert np.abs(whole).max() > 1e-3  # so the layer below was dropped from too


def test_any_length_and_number_of_texts(layer):
    graph = tf.function(layer, input_signature=[tf.TensorSpec([None, None, D])])  # one trace
    for shape in [(1, 1), (3, 1), (2, 7)]:
        x = parts.normal(3, *shape, D)
        np.testing.assert_allclose(graph(x)[0], layer(x)[0], atol=1e-6)


def test_the_gradient_at_any_length(layer):
    """As `fit` compiles it: numbers of texts and of tokens are not known before the graph runs."""

    def slopes(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x, training=True)[0] ** 2)
        return tape.gradient(loss, [weight.value for weight in layer.weights])

    graph = tf.function(slopes, input_signature=[tf.TensorSpec([None, None, D])])
    for one, right in zip(graph(X), slopes(tf.constant(X)), strict=True):
        np.testing.assert_allclose(one, right, atol=1e-5)


@pytest.fixture
def frozen():
    """The garbage collector looks at what comes from now on alone."""
    gc.freeze()
    yield
    gc.unfreeze()


def test_a_graph_that_is_dropped_is_freed(layer, frozen):
    """TensorFlow keeps the functions of a custom gradient for ever, so only training has one."""

    def functions():
        gc.collect()
        return set(context.context().list_function_names())

    def run(training):
        tf.function(lambda x: layer(x, training=training)[0])(X)

    run(False)
    before = functions()
    run(False)
    assert functions() == before
    run(True)
    assert functions() > before


def test_half_precision_is_near_the_whole(layer):
    half = Recurrent(U, layer.cell.name, dtype="mixed_bfloat16")
    half.build((None, None, D))
    half.set_weights(layer.get_weights())
    out, state = half(X)
    assert {part.dtype.name for part in (out, *state)} == {"bfloat16"} and half.weights[0].dtype == "float32"
    np.testing.assert_allclose(np.float32(out), layer(X)[0], atol=0.05)


def test_another_cell_is_refused():
    with pytest.raises(ValueError, match="cell must be one of .*'gru'.* got 'rnn'"):
        Recurrent(U, "rnn")


def test_the_config_makes_it_again(stack):
    again = RecurrentStack.from_config(stack.get_config())
    again.build((None, None, D))
    again.set_weights(stack.get_weights())
    np.testing.assert_array_equal(again(X)[0], stack(X)[0])
    one = Recurrent.from_config(Recurrent(U, "gru").get_config())
    assert (one.num_units, one.cell.name) == (U, "gru")
