"""The LSTM language model against loops, and by the laws of every causal model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tests.models import laws
from tests.reference import language_models as reference
from tfllm.models import LSTMLanguageModel, LSTMLanguageModelConfig

V, D, U, LAYERS = 11, 5, 6, 2
IDS = np.array([[2, 5, 7, 4, 6], [2, 8, 3, 0, 0]])  # [B, T]
VARIANTS = {
    "lstm": {},
    "gru tied, narrowed": {"cell": "gru", "tied": True, "num_layers": 1},
    "lstm tied": {"tied": True, "num_units": D},
}


def build(**options):
    return parts.scatter(
        LSTMLanguageModel(**{"vocab_size": V, "embedding_dim": D, "num_units": U, "num_layers": LAYERS} | options)
    )


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS)
def model(request):
    return build(**request.param)


def numbers(model):
    table = np.float64(model.embed.embeddings.numpy())
    p = {"embed": table, "layers": [parts.recurrent(part) for part in model.recur.parts]}
    if model.narrows:
        p["narrow"] = np.float64(model.narrow.kernel.numpy())
    p["to_logits"] = (table.T, np.float64(model.bias.numpy())) if model.tied else parts.dense(model.to_logits)
    return p


def test_it_is_the_loops(model):
    logits = model(IDS)
    assert logits.shape == (*IDS.shape, V)
    for b in range(len(IDS)):
        expected = reference.lstm_language_model(IDS[b], numbers(model), model.numbers["cell"])
        np.testing.assert_allclose(logits[b], expected, atol=1e-5)


def test_the_arguments_of_the_document_come_by_place():
    model = LSTMLanguageModel(V, D, U)
    assert (model.embed.input_dim, model.embed.output_dim) == (V, D)
    assert [part.num_units for part in model.recur.parts] == [U] and model.max_length is None


def test_it_learns_one_batch():
    """Without XLA; with it in tests/documents."""
    keras.utils.set_random_seed(0)
    laws.assert_learns_one_batch(LSTMLanguageModel(V, 16, 48), np.arange(24).reshape(3, 8) ** 2 % 11, jit_compile=False)


def test_a_loss_reaches_every_weight(model):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(IDS, training=True) * parts.normal(0, *IDS.shape, V))
    for weight, gradient in zip(model.weights, tape.gradient(loss, model.weights), strict=True):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 1e-4, weight.path


def test_every_dropout_acts():
    """Each alone, the other set to 0: on the embeddings, and after the layers."""
    model = build(rate=0.5)
    calm = model(IDS).numpy()
    drops = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dropout)]
    assert len(drops) == 2
    for chosen in drops:
        for layer in drops:
            layer.rate = 0.5 if layer is chosen else 0
        assert np.abs(model(IDS, training=True) - calm).max() > 1e-3, chosen.path
        assert np.abs(model.logits(model.features(IDS, training=True)[0]) - calm).max() > 1e-3, chosen.path
    np.testing.assert_array_equal(model(IDS, training=False), calm)


def test_tied_weights_are_one_matrix():
    loose, tied = build(num_units=D), build(num_units=D, tied=True)
    assert loose.count_params() - tied.count_params() == V * D
    x = parts.normal(0, 1, 1, D)
    one = tied.logits(x) - tied.bias
    tied.embed.embeddings.assign(2 * tied.embed.embeddings)
    np.testing.assert_allclose(tied.logits(x) - tied.bias, 2 * one, rtol=1e-5)


def test_half_precision_is_near_the_whole(model):
    half = LSTMLanguageModel.from_config(model.get_config() | {"dtype": "mixed_bfloat16"})
    half.set_weights(model.get_weights())
    logits, expected = half(IDS), model(IDS).numpy()
    assert logits.dtype == "bfloat16" and half.weights[0].dtype == "float32"
    assert {part.dtype.name for part in keras.tree.flatten(half.start(1, 1))} == {"bfloat16"}
    np.testing.assert_allclose(np.float32(logits), expected, atol=0.1 * expected.std())


def test_another_cell_is_refused():
    with pytest.raises(ValueError, match="cell must be one of"):
        LSTMLanguageModel(V, D, U, cell="rnn")


def test_the_config_has_the_arguments():
    assert set(LSTMLanguageModelConfig.__dataclass_fields__) | {"vocab_size"} == set(build().numbers)
