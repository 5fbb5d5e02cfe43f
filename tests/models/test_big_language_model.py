"""The documents' BigLanguageModel against loops, and by the laws of every causal model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tests.models import laws
from tests.reference import language_models as reference
from tfllm.models import BigLanguageModel, BigLanguageModelConfig

V, D, U, H, LAYERS = 11, 5, 6, 2, 2
IDS = np.array([[2, 5, 7, 4, 6], [2, 8, 3, 0, 0]])  # [B, T]
VARIANTS = {
    "lstm": {},
    "gru": {"cell": "gru", "num_layers": 1},
    "cnn": {"encoder": "cnn", "kernel_size": 2},
}


def build(**options):
    sizes = {"vocab_size": V, "embedding_dim": D, "hidden_dim": U, "num_layers": LAYERS, "num_heads": H}
    return parts.scatter(BigLanguageModel(**sizes | options))


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS)
def model(request):
    return build(**request.param)


def numbers(model):
    p = {"embed": np.float64(model.embed.embeddings.numpy()), "attend": parts.attention(model.attend)}
    if model.numbers["encoder"] == "rnn":
        p["layers"] = [parts.recurrent(part) for part in model.encode.parts]
    else:
        p["cnn"] = parts.convolutions(model.encode)
    return p | {"norm": parts.norm(model.add.norm), "to_logits": parts.dense(model.to_logits)}


def test_it_is_the_loops(model):
    logits, weights = model(IDS), model.attention(IDS)
    assert logits.shape == (*IDS.shape, V)
    for b in range(len(IDS)):
        expected, look = reference.big_language_model(IDS[b], numbers(model), H, model.numbers["cell"])
        np.testing.assert_allclose(logits[b], expected, atol=1e-4)
        np.testing.assert_allclose(weights[b], look, atol=1e-5)


@pytest.mark.slow
def test_it_learns_one_batch():
    """A cnn, compiled by XLA; an rnn learns in tests/documents."""
    keras.utils.set_random_seed(0)
    model = BigLanguageModel(V, 16, 32, 1, encoder="cnn", rate=0.0)
    laws.assert_learns_one_batch(model, np.arange(24).reshape(3, 8) ** 2 % 11, jit_compile=True)


def test_a_loss_reaches_every_weight(model):
    """All but the keys' bias: it moves every score of a query alike, and softmax does not see that."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(IDS, training=True) * parts.normal(0, *IDS.shape, V))
    for weight, gradient in zip(model.weights, tape.gradient(loss, model.weights), strict=True):
        size = np.abs(tf.convert_to_tensor(gradient)).max()
        assert size < 1e-4 if weight.path.endswith("key/bias") else size > 1e-4, weight.path


@pytest.mark.parametrize(("encoder", "expected"), [("rnn", 4), ("cnn", 5)])
def test_every_dropout_acts(encoder, expected):
    """Each alone, the others set to 0: embeddings, layers of the encoder, attention weights, sum."""
    model = build(rate=0.5, encoder=encoder)
    calm = model(IDS).numpy()
    drops = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dropout)]
    assert len(drops) == expected
    for chosen in drops:
        for layer in drops:
            layer.rate = 0.5 if layer is chosen else 0
        assert np.abs(model(IDS, training=True) - calm).max() > 1e-3, chosen.path
        assert np.abs(model.logits(model.features(IDS, training=True)[0]) - calm).max() > 1e-3, chosen.path
    np.testing.assert_array_equal(model(IDS, training=False), calm)


def test_num_layers_are_used():
    """The document's sample takes the argument and forgets it."""
    for encoder in ("rnn", "cnn"):
        one, three = (build(num_layers=n, encoder=encoder) for n in (1, 3))
        assert [len(model.encode.parts) for model in (one, three)] == [1, 3]
        assert three.count_params() > one.count_params()


def test_half_precision_is_near_the_whole(model):
    half = BigLanguageModel.from_config(model.get_config() | {"dtype": "mixed_bfloat16"})
    half.set_weights(model.get_weights())
    logits, expected = half(IDS), model(IDS).numpy()
    assert logits.dtype == "bfloat16" and half.weights[0].dtype == "float32"
    assert {part.dtype.name for part in keras.tree.flatten(half.start(1, 1))} == {"bfloat16"}
    np.testing.assert_allclose(np.float32(logits), expected, atol=0.1 * expected.std())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "lstm"}, "encoder must be one of .*'cnn'.* got 'lstm'"),
        ({"cell": "rnn"}, "cell must be one of"),
        ({"num_heads": 4}, "d_model must be a multiple of num_heads; got 6 and 4"),
    ],
)
def test_impossible_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_the_config_has_the_arguments():
    assert set(BigLanguageModelConfig.__dataclass_fields__) | {"vocab_size"} == set(build().numbers)
