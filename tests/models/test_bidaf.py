"""BiDAF against loops from the paper over the real tokens alone; padding; saving; gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tests.reference import bidaf as reference
from tfllm.layers.attention_flow import AttentionFlow
from tfllm.models import BiDAF, BiDAFConfig

V, E, U = 11, 5, 4
CONTEXT = np.array([[2, 5, 7, 4, 6, 9], [2, 8, 3, 0, 0, 0], [7, 0, 0, 0, 0, 0]])  # [B, T]
QUESTION = np.array([[4, 4, 10], [9, 0, 0], [3, 8, 0]])  # [B, J]
SIZES = [(6, 3), (3, 1), (1, 2)]


@pytest.fixture(scope="module", params=["lstm", "gru"])
def model(request):
    return parts.scatter(BiDAF(V, E, U, num_layers=2 - (request.param == "gru"), cell=request.param))


def weights(model):
    def both(part):
        layers = zip(part.forwards, part.backwards, strict=True)
        return [(parts.recurrent(ahead), parts.recurrent(back)) for ahead, back in layers]

    highway = zip(model.highway.change, model.highway.gate, strict=True)
    return {
        "embed": parts.number(model.embed.embeddings), "flow": parts.number(model.flow.kernel).ravel(),
        "highway": [(*parts.dense(change), *parts.dense(gate)) for change, gate in highway],
        **{name: both(getattr(model, name)) for name in ("encode", "modelling", "ending")},
        "start": parts.kernel(model.to_start)[:, 0], "end": parts.kernel(model.to_end)[:, 0],
    }  # fmt: skip


def test_attention_flow_is_the_loop():
    layer, h, u = AttentionFlow(), parts.normal(1, 2, 5, 3), parts.normal(2, 2, 4, 3)
    layer.build(h.shape, u.shape)
    parts.scatter(layer)
    seen, asked = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]], bool), np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)
    result = layer(h, u, context_mask=seen, question_mask=asked)
    assert result.shape == (2, 5, 12)
    w = parts.number(layer.kernel).ravel()
    for b in range(2):
        expected = reference.attention_flow(np.float64(h[b][seen[b]]), np.float64(u[b][asked[b]]), w)
        np.testing.assert_allclose(result[b][: seen[b].sum()], expected, atol=1e-5)


def test_it_is_the_loops(model):
    result, p = model(CONTEXT, QUESTION), weights(model)
    assert result.shape == (3, 2, 6)
    for b, (t, j) in enumerate(SIZES):
        expected = reference.bidaf(CONTEXT[b, :t], QUESTION[b, :j], p, model.numbers["cell"])
        np.testing.assert_allclose(result[b, :, :t], expected, atol=1e-5)
        assert (result[b, :, t:].numpy() < -1e8).all()


def test_padding_changes_nothing(model):
    """However much there is, whatever its id, and whatever the other texts are."""
    before = model(CONTEXT, QUESTION).numpy()
    seen, asked = np.pad(CONTEXT != 0, [[0, 0], [0, 4]]), np.pad(QUESTION != 0, [[0, 0], [0, 2]])
    context = np.where(seen, np.pad(CONTEXT, [[0, 0], [0, 4]]), 10)
    question = np.where(asked, np.pad(QUESTION, [[0, 0], [0, 2]]), 10)
    result = model(context, question, context_mask=seen, question_mask=asked)
    np.testing.assert_allclose(result[:, :, :6], before, atol=1e-5)
    for b, (t, j) in enumerate(SIZES):
        alone = model(CONTEXT[b : b + 1, :t], QUESTION[b : b + 1, :j])
        np.testing.assert_allclose(alone[0], before[b, :, :t], atol=1e-5)


def test_saved_and_loaded_it_is_the_same(model, tmp_path):
    model.save(tmp_path / "it.keras")
    again = keras.saving.load_model(tmp_path / "it.keras")
    assert again.get_config() == model.get_config()
    np.testing.assert_array_equal(again(CONTEXT, QUESTION), model(CONTEXT, QUESTION))


def test_a_loss_reaches_every_weight(model):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.nn.log_softmax(model(CONTEXT, QUESTION))[:, :, 0] * parts.normal(0, 3, 2))
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 1e-7, weight.path


def test_dropout_is_of_training_only():
    model = parts.scatter(BiDAF(V, E, U, rate=0.5))
    calm = model(CONTEXT, QUESTION, training=False).numpy()
    np.testing.assert_array_equal(model(CONTEXT, QUESTION).numpy(), calm)
    assert np.abs(model(CONTEXT, QUESTION, training=True).numpy() - calm).max() > 1e-3


def test_half_precision_is_near_the_whole(model):
    half = BiDAF.from_config(model.get_config() | {"dtype": "mixed_bfloat16"})
    half.set_weights(model.get_weights())
    result, whole = half(CONTEXT, QUESTION).numpy()[0], model(CONTEXT, QUESTION).numpy()[0]
    assert result.dtype == "float32" and half.weights[0].dtype == "float32"
    np.testing.assert_allclose(result, whole, atol=0.1 * whole.std() + 0.05)


def test_numbers():
    assert {"vocab_size", *BiDAFConfig.__dataclass_fields__} == set(BiDAF(V, E, U).numbers)
    with pytest.raises(ValueError, match="num_units must be even"):
        BiDAF(V, E, 3)
