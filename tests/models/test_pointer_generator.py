"""The pointer-generator around both kinds of encoder-decoder: its laws, its coverage loss, its files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.parts import scatter
from tests.reference import copying as reference
from tfllm.losses import smoothed_cross_entropy
from tfllm.models import PointerGenerator, Seq2SeqRNN, Transformer

V, PLACES = 17, 9
INP = np.array([[5, 1, 7, 1, 6], [9, 3, 0, 0, 0]])  # [B, S]
OWN = np.array([[5, 18, 7, 20, 6], [9, 3, 0, 0, 0]])  # the unknown ones by their places
TAR = np.array([[2, 5, 18, 4, 20, 3], [2, 8, 3, 0, 0, 0]])  # [B, T]
(B, S), T = INP.shape, TAR.shape[1]
INSIDE = {
    "transformer": lambda: Transformer(2, 12, 3, 7, V, V, PLACES, 8, shared="all", pre_norm=True),
    "bahdanau": lambda: Seq2SeqRNN(1, 5, 6, V, V, PLACES, 8, shared="nothing"),
    "luong": lambda: Seq2SeqRNN(1, 5, 6, V, V, PLACES, 8, "luong", shared="all", input_feeding=False),
}


VARIANTS = [("transformer", 1.0), ("bahdanau", None), ("luong", 0.5)]


def build(inside, coverage):
    return scatter(PointerGenerator(INSIDE[inside](), coverage), seed=2)


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def model(request):
    return build(*request.param)


def test_it_is_a_distribution_over_the_vocabulary_and_the_source(model):
    output, weights = model(INP, TAR, OWN)
    assert output.shape == (B, T, V + PLACES) and tuple(weights) == model.source_attention
    np.testing.assert_allclose(np.exp(output).sum(axis=-1), 1, atol=1e-5)
    assert (np.exp(output)[0, :, [18, 20]] > 1e-4).all() and (output.numpy()[0, :, [17, 19, 21]] < -60).all()
    np.testing.assert_allclose(np.sum(weights["copy"], axis=-1), 1, atol=1e-5)


def test_a_word_without_a_vector_is_read_as_unknown(model):
    plain = np.where(TAR < V, TAR, 1)
    np.testing.assert_array_equal(model(INP, TAR, OWN)[0], model(INP, plain, OWN)[0])


def test_without_ids_of_their_own_unknown_words_are_unknown(model):
    output = np.exp(model(INP, TAR)[0])
    assert (output[..., V:] < 1e-20).all()
    own = np.exp(model(INP, TAR, OWN)[0])
    np.testing.assert_allclose(output[0, :, 1], own[0][:, [1, 18, 20]].sum(axis=-1), atol=1e-6)


def test_the_coverage_loss_is_a_mean_over_real_tokens():
    """λ Σ_t Σ_i min(a_i, c_i) / tokens, and only in training; the number may be changed."""
    model = build("luong", 0.5)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    weights = model(INP, TAR, OWN)[1]["copy"].numpy()
    assert model.losses == []
    model(INP, TAR, OWN, training=True)
    lost = [
        min(weights[b, t, i], weights[b, :t, i].sum()) for b, n in ((0, 6), (1, 3)) for t in range(n) for i in range(S)
    ]
    np.testing.assert_allclose(model.losses, [0.5 * sum(lost) / 9], rtol=1e-3)
    model.coverage = 0.0
    model(INP, TAR, OWN, training=True)
    assert model.losses == []


def test_the_attention_is_the_papers_within_the_model():
    model = build("luong", 1.0)
    weights = model(INP, TAR, OWN)[1]["copy"].numpy()
    fixed, state = model.start(INP, source_ids=OWN)
    states, _ = model.model.features(np.where(TAR < V, TAR, 1), fixed[0], state[0])
    attend, memory = model.attend, np.float64(fixed[1])
    p = {"W_h": attend.to_key.kernel, "W_s": attend.to_query.kernel, "b": attend.to_query.bias}
    p |= {"v": attend.loop.cell.to_score.kernel[:, 0], "w_c": attend.loop.cell.of_coverage}
    p = {name: np.float64(part) for name, part in p.items()}
    expected, _ = reference.copies(np.float64(states)[0], memory[0], p, True)
    np.testing.assert_allclose(weights[0], expected, atol=1e-5)


def test_the_loss_reaches_every_weight(model):
    targets = np.array([[5, 18, 4, 20, 3, 6], [8, 3, 0, 0, 0, 0]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(smoothed_cross_entropy(targets, model(INP, TAR, OWN)[0]))
    for weight, slope in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True):
        slope = tf.convert_to_tensor(slope).numpy()
        if weight.path.endswith("key/bias"):  # a softmax over keys does not know it
            continue
        assert np.isfinite(slope).all() and np.abs(slope).max() > 1e-6, weight.path


def test_saved_and_loaded_it_is_the_same(model, tmp_path):
    model.save(tmp_path / "it.keras")
    loaded = keras.saving.load_model(tmp_path / "it.keras")
    np.testing.assert_array_equal(loaded(INP, TAR, OWN)[0], model(INP, TAR, OWN)[0])
    assert loaded.get_config() == model.get_config()


def test_a_source_of_padding_alone_is_finite(model):
    assert np.isfinite(model(np.zeros((1, 3), int), np.zeros((1, 2), int))[0]).all()


def test_half_precision_is_near_the_whole():
    whole = build("transformer", 1.0)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = PointerGenerator(INSIDE["transformer"](), 1.0)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(whole.get_weights())
    output = half(INP, TAR, OWN)[0]
    assert output.dtype == "float32"
    np.testing.assert_allclose(np.exp(output), np.exp(whole(INP, TAR, OWN)[0]), atol=0.06)


def test_impossible_models_are_refused():
    with pytest.raises(ValueError, match="set pe_input"):
        PointerGenerator(Seq2SeqRNN(1, 5, 6, V, V))
    with pytest.raises(ValueError, match="coverage must be a number, 0 or more; got -1"):
        PointerGenerator(INSIDE["luong"](), -1)
