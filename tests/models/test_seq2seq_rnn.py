"""The recurrent encoder-decoder against loops, and by its laws, in the shapes of both papers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tests.reference import seq2seq as reference
from tfllm.losses import smoothed_cross_entropy
from tfllm.models import Seq2SeqRNN, Seq2SeqRNNConfig

E, U, V = 5, 6, 17
INP = np.array([[5, 6, 7, 8], [9, 3, 0, 0]])  # [B, S]
TAR = np.array([[2, 5, 11, 4, 6], [2, 8, 3, 0, 0]])  # [B, T]
(B, S), T = INP.shape, TAR.shape[1]
SIZES = dict(num_layers=1, embedding_dim=E, num_units=U, input_vocab_size=V, target_vocab_size=V)
VARIANTS = {
    "bahdanau": {"attention": "bahdanau", "cell": "gru", "shared": "nothing"},
    "bahdanau-stacked": {"attention": "bahdanau", "num_layers": 3, "shared": "all"},
    "luong": {"attention": "luong", "num_layers": 2, "shared": "all"},
    "luong-dot": {"attention": "luong", "cell": "gru", "score": "dot", "shared": "nothing"},
    "luong-without-feeding": {"attention": "luong", "num_layers": 2, "input_feeding": False, "shared": "output"},
}


def build(**options):
    return parts.scatter(Seq2SeqRNN(**SIZES | options))


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS)
def model(request):
    return build(**request.param)


def test_it_is_the_paper(model):
    logits, weights = model(INP, TAR)
    assert tuple(weights) == model.source_attention == ("attention",)
    chosen = [model.numbers[name] for name in ("cell", "attention", "input_feeding")]
    for b in range(B):
        expected, looks = reference.seq2seq(INP[b], TAR[b], parts.seq2seq(model), *chosen)
        real = looks.shape[1]
        np.testing.assert_allclose(logits[b], expected, atol=1e-4)
        np.testing.assert_allclose(weights["attention"][b, :, :real], looks, atol=1e-5)
        assert not weights["attention"].numpy()[b, :, real:].any()


def test_every_source_token_counts(model):
    """Row s has another source token at place s: all logits change."""
    inps = np.repeat(INP[:1], S + 1, axis=0)
    inps[range(S), range(S)] = 13
    logits = model(inps, np.repeat(TAR[:1], S + 1, axis=0))[0].numpy()
    assert (np.abs(logits[:S] - logits[S]).max(axis=-1) > 1e-5).all()


def test_any_cut_of_the_target_is_all_at_once(model):
    expected, weights = model(INP, TAR)
    seen, state = model.encode(INP)
    for begin, end in ((0, 3), (3, 4), (4, 5)):
        logits, looks, state = model.decode(TAR[:, begin:end], seen, state)
        np.testing.assert_allclose(logits, expected[:, begin:end], atol=1e-5)
        np.testing.assert_allclose(looks, weights["attention"][:, begin:end], atol=1e-5)


def gradients(model, jit_compile):
    """Logits, and the gradient of the loss by every weight, by a graph with a loop."""

    @tf.function(jit_compile=jit_compile)
    def run(inp, tar):
        with tf.GradientTape() as tape:
            logits, _ = model(inp, tar, training=jit_compile)  # XLA needs the gradient that training has
            loss = tf.reduce_sum(smoothed_cross_entropy(tar, logits))
        return logits, tape.gradient(loss, [weight.value for weight in model.trainable_weights])

    return run(tf.constant(INP), tf.constant(TAR))


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"attention": "luong"}], ids=["bahdanau", "luong"])
def test_compiled_is_as_plain_and_the_loss_reaches_every_weight(options):
    model = build(rate=0.0, **options)
    logits, plain = gradients(model, False)
    compiled_logits, compiled = gradients(model, True)
    np.testing.assert_allclose(logits, model(INP, TAR)[0], atol=1e-5)
    np.testing.assert_allclose(compiled_logits, logits, atol=1e-5)
    for weight, one, other in zip(model.trainable_weights, plain, compiled, strict=True):
        one, other = (tf.convert_to_tensor(part).numpy() for part in (one, other))
        assert np.abs(one).max() > 1e-4, weight.path
        np.testing.assert_allclose(other, one, atol=1e-4, err_msg=weight.path)


def test_the_gradient_is_the_slope():
    """Along one direction through all weights, by central differences; the softmax over the keys is in float32."""
    for options in ({"attention": "bahdanau"}, {"attention": "luong", "num_layers": 2}):
        model = parts.scatter(Seq2SeqRNN(**SIZES | options, dtype="float64"))
        weights = [weight.value for weight in model.trainable_weights]
        steps = [tf.constant(parts.normal(i, *weight.shape), "float64") for i, weight in enumerate(weights)]

        def loss(model=model):
            return tf.reduce_sum(model(INP, TAR)[0] * parts.normal(99, B, T, V))

        with tf.GradientTape() as tape:
            value = loss()
        slope = sum(tf.reduce_sum(a * b) for a, b in zip(tape.gradient(value, weights), steps, strict=True))
        ends = []
        for sign in (1e-3, -2e-3):
            for weight, step in zip(weights, steps, strict=True):
                weight.assign_add(sign * step)
            ends.append(loss())
        np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-3, rtol=1e-3)


def test_every_dropout_acts():
    """Each alone, the others set to 0: of embeddings and features, of the encoder, between the decoder's layers."""
    for attention, feeding in (("bahdanau", True), ("luong", True), ("luong", False)):
        model = build(num_layers=2, rate=0.5, attention=attention, input_feeding=feeding)
        drops = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dropout)]
        calm = model(INP, TAR)[0].numpy()
        np.testing.assert_array_equal(calm, model(INP, TAR, training=False)[0])
        assert len(drops) == 3
        for chosen in drops:
            for layer in drops:
                layer.rate = 0.5 if layer is chosen else 0
            assert np.abs(model(INP, TAR, training=True)[0] - calm).max() > 1e-3, chosen.path


def test_a_source_of_padding_alone_is_finite(model):
    """Batches are filled up with such rows."""
    logits, weights = model(np.zeros((1, 3), int), np.zeros((1, 2), int))
    assert np.isfinite(logits).all() and not weights["attention"].numpy().any()


def test_an_empty_batch_step_by_step(model):
    """One place, so that no loop hides the cells of Keras, which fail with it."""
    nothing = np.zeros((0, 1), int)
    logits, weights = model(nothing, nothing)
    assert logits.shape[:2] == (0, 1) and weights["attention"].shape[0] == 0


def test_shared_embeddings_are_one_matrix():
    count = {shared: Seq2SeqRNN(**SIZES | {"shared": shared}) for shared in ("nothing", "output", "all")}
    nothing, output, everything = (model.count_params() for model in count.values())
    assert nothing - output == E * V + V  # the softmax's own matrix and bias
    assert output - everything == E * V
    assert count["all"].embed_input is count["all"].embed_target


def test_saved_and_loaded_it_is_the_same(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded(INP, TAR)[0], model(INP, TAR)[0])
    paths = [weight.path.split("/", 1)[1] for weight in loaded.weights]
    assert paths == [weight.path.split("/", 1)[1] for weight in model.weights]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_is_near_the_whole(model, policy):
    half = Seq2SeqRNN.from_config(model.get_config() | {"dtype": policy})
    half.set_weights(model.get_weights())
    expected = model(INP, TAR)[0].numpy()
    logits, _ = half(INP, TAR)
    assert logits.dtype.name == policy.removeprefix("mixed_") and half.weights[0].dtype == "float32"
    np.testing.assert_allclose(np.float32(logits), expected, atol=0.1 * expected.std())
    fixed, state = half.start(INP, 2)
    assert half.step(np.full((2 * B, 1), 2), fixed, state, 0)[0].dtype == logits.dtype


def test_a_functional_model_may_hold_it():
    model = build()
    inp, tar = (keras.Input((None,), dtype="int32") for _ in range(2))
    outer = keras.Model([inp, tar], model(inp, tar)[0])
    np.testing.assert_allclose(outer([INP, TAR]), model(INP, TAR)[0], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shared": "some"}, "shared must be one of .*'output'.* got 'some'"),
        ({"shared": "all", "input_vocab_size": 18}, "needs one vocabulary for both sides; got 18 and 17"),
        ({"attention": "general"}, "attention must be one of .*'luong'.* got 'general'"),
        ({"num_units": 7}, "num_units must be even"),
        ({"cell": "rnn"}, "cell must be one of .*'gru'.* got 'rnn'"),
        ({"attention": "luong", "score": "sum"}, "score must be 'general' or 'dot'; got 'sum'"),
    ],
)
def test_impossible_sizes_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Seq2SeqRNN(**SIZES | options)


def test_the_config_has_the_arguments():
    names = set(Seq2SeqRNNConfig.__dataclass_fields__)
    assert names | {"input_vocab_size", "target_vocab_size"} == set(build().numbers)
