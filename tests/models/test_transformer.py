"""The whole encoder-decoder against loops, as the document's sample calls it, and by its laws."""

from dataclasses import asdict

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tests.reference import transformer as reference
from tfllm.layers import masks
from tfllm.losses import smoothed_cross_entropy
from tfllm.models import GPTConfig, Seq2SeqRNNConfig, Transformer, TransformerConfig, student_config

LAYERS, D, H, F, V = 2, 12, 3, 7, 17
INP = np.array([[5, 6, 7, 8], [9, 3, 0, 0]])  # [B, S]
TAR = np.array([[2, 5, 11, 4, 6], [2, 8, 3, 0, 0]])  # [B, T]
(B, S), T = INP.shape, TAR.shape[1]
SIZES = dict(num_layers=LAYERS, d_model=D, num_heads=H, dff=F, input_vocab_size=V, target_vocab_size=V,
             pe_input=9, pe_target=8)  # fmt: skip


def build(**options):
    return parts.scatter(Transformer(**SIZES | options))


@pytest.fixture(scope="module")
def model():
    return build()


VARIANTS = {"nothing-pre": ("nothing", True), "output-post": ("output", False), "all-pre": ("all", True)}


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS)
def any_model(request):
    shared, pre_norm = request.param
    return build(shared=shared, pre_norm=pre_norm)


def assert_is_the_figure(model):
    logits, weights = model(INP, TAR)
    for b in range(B):
        expected, blocks = reference.transformer(INP[b], TAR[b], parts.transformer(model), H, model.pre_norm)
        np.testing.assert_allclose(logits[b], expected, atol=1e-4)
        for i, pair in enumerate(blocks, start=1):
            for block, right in enumerate(pair, start=1):
                np.testing.assert_allclose(weights[f"decoder_layer{i}_block{block}"][b], right, atol=1e-5)


def test_it_is_the_figure_of_the_paper(model):
    assert_is_the_figure(model)


def test_with_shared_embeddings_and_norms_before_too(any_model):
    assert_is_the_figure(any_model)


def test_so_it_is_with_a_shallow_decoder():
    model = build(num_decoder_layers=1)
    assert len(model.encoder) == 2 and model.source_attention == ["decoder_layer1_block2"]
    assert_is_the_figure(model)


def test_a_student_has_a_third_of_the_weights():
    for config, size in ((TransformerConfig(), 8000), (TransformerConfig(6, 512, 8, 2048), 32000)):
        whole, part = (
            Transformer(**asdict(one), input_vocab_size=size, target_vocab_size=size).count_params()
            for one in (config, student_config(config))
        )
        assert 0.3 < part / whole < 0.4
    assert student_config(Seq2SeqRNNConfig(2, 10, 20)) == Seq2SeqRNNConfig(1, 6, 12)
    with pytest.raises(ValueError, match="expected the config of an encoder-decoder; got a GPTConfig"):
        student_config(GPTConfig())


def test_it_names_the_weights_that_look_at_the_source(model):
    weights = model(INP, TAR)[1]
    assert model.source_attention == [name for name, part in weights.items() if part.shape == (B, H, T, S)]


def test_the_sample_of_the_document():
    transformer = Transformer(2, 12, 3, 7, 18, 19, 10, 11, rate=0.1)
    enc_padding_mask = dec_padding_mask = INP[:, None, :] != 0
    look_ahead_mask = (TAR[:, None, :] != 0) & np.tri(T, dtype=bool)
    final_output, attention_weights = transformer(INP, TAR, True, enc_padding_mask, look_ahead_mask, dec_padding_mask)
    assert final_output.shape == (B, T, 19)
    shapes = {"block1": (B, H, T, T), "block2": (B, H, T, S)}
    assert {name: weights.shape for name, weights in attention_weights.items()} == {
        f"decoder_layer{i}_{block}": shape for i in (1, 2) for block, shape in shapes.items()
    }


def test_masks_given_are_the_masks_made(model):
    look_ahead = masks.combined(masks.padding(TAR), masks.causal(T, T))
    given, weights = model(INP, TAR, False, masks.padding(INP), look_ahead, masks.padding(INP))
    made, own = model(INP, TAR)
    np.testing.assert_array_equal(given, made)
    for name in own:
        np.testing.assert_array_equal(weights[name], own[name])


@pytest.mark.parametrize("mask", range(3))
def test_each_mask_is_obeyed(model, mask):
    """Hiding the first token there changes the logits, and only what it should."""
    given = [masks.padding(INP), masks.combined(masks.padding(TAR), masks.causal(T, T)), masks.padding(INP)]
    hidden = given[mask].numpy()
    hidden[:, :, 0] = False
    given[mask] = hidden
    logits, weights = model(INP, TAR, False, *given)
    assert np.abs(logits - model(INP, TAR)[0]).max() > 1e-3
    name = {1: "decoder_layer1_block1", 2: "decoder_layer1_block2"}.get(mask)
    assert name is None or not weights[name].numpy()[..., 0].any()


def test_attention_weights_sum_to_one_over_what_is_seen(model):
    for name, weights in model(INP, TAR)[1].items():
        np.testing.assert_allclose(weights.numpy().sum(-1), 1.0, atol=1e-6)
        unseen = (INP if name.endswith("block2") else TAR) == 0
        assert not weights.numpy()[np.broadcast_to(unseen[:, None, None], weights.shape)].any()


def test_dropout_is_of_training_only(model):
    np.testing.assert_array_equal(model(INP, TAR)[0], model(INP, TAR, False)[0])
    first, second = (model(INP, TAR, training=True)[0].numpy() for _ in range(2))
    assert np.abs(first - second).max() > 1e-3


def test_every_dropout_acts():
    """Each alone, the others set to 0: two on the embeddings, three in an encoder block, five in a decoder block."""
    model = build(num_layers=1, rate=0.5)
    drops = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dropout)]
    calm = model(INP, TAR)[0].numpy()
    assert len(drops) == 2 + 3 + 5
    for chosen in drops:
        for layer in drops:
            layer.rate = 0.5 if layer is chosen else 0
        assert np.abs(model(INP, TAR, True)[0] - calm).max() > 1e-3, chosen.path


def test_a_cache_that_grows_is_a_long_one(any_model):
    tar = np.array([[2, 5, 11, 4, 6], [2, 8, 3, 9, 5]])
    expected = any_model(INP, tar)[0].numpy()
    fixed, state = any_model.start(INP, length=1)
    for t in range(T):
        logits, state = any_model.step(tar[:, t : t + 1], fixed, state, t)
        np.testing.assert_allclose(logits, expected[:, t], atol=1e-5)
        state = any_model.grow(state, t + 2 + t % 2)
    assert {part.shape for pair in state for part in pair} == {(B, H, T + 1, D // H)}


def test_the_cache_holds_the_longest_target_where_nothing_is_said(model):
    _, state = model.start(INP)
    assert {part.shape for pair in state for part in pair} == {(B, H, 8, D // H)}


def test_a_source_of_padding_alone_is_finite(any_model):
    """Batches are filled up with such rows."""
    logits, weights = any_model(np.zeros((1, 3), int), np.zeros((1, 2), int))
    assert np.isfinite(logits).all() and all(np.isfinite(part).all() for part in weights.values())


def test_shared_embeddings_are_one_matrix():
    count = {shared: Transformer(**SIZES | {"shared": shared}) for shared in ("nothing", "output", "all")}
    nothing, output, everything = (count[shared].count_params() for shared in count)
    assert nothing - output == D * V + V  # the softmax's own matrix and bias
    assert output - everything == D * V
    one = count["all"]
    assert one.embed_input is one.embed_target
    memory, logits = one.encode(INP, None), one.logits(parts.normal(0, 1, 1, D))
    one.embed_target.embeddings.assign(2 * one.embed_target.embeddings)
    np.testing.assert_allclose(one.logits(parts.normal(0, 1, 1, D)), 2 * logits, rtol=1e-5)
    assert np.abs(one.encode(INP, None) - memory).max() > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shared": "some"}, "shared must be one of .*'output'.* got 'some'"),
        ({"shared": "all", "input_vocab_size": 18}, "needs one vocabulary for both sides; got 18 and 17"),
        ({"num_heads": 5}, "d_model must be a multiple of num_heads; got 12 and 5"),
    ],
)
def test_impossible_sizes_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Transformer(**SIZES | options)


def test_too_many_tokens_and_other_masks_are_refused(model):
    with pytest.raises(ValueError, match="positions for 9 tokens, got 10"):
        model(np.ones((1, 10), int), TAR[:1])
    with pytest.raises(ValueError, match="positions for 8 tokens, got 9"):
        model(INP[:1], np.ones((1, 9), int))
    with pytest.raises(ValueError, match="look_ahead_mask must be bool .* 1 = hidden"):
        model(INP, TAR, False, None, 1.0 - np.tri(T, dtype="float32")[None], None)


def test_a_loss_reaches_every_weight(any_model):
    """All but the keys' biases: they move every score of a query alike, and softmax does not see that."""
    with tf.GradientTape() as tape:
        logits, _ = any_model(INP, TAR, training=True)
        loss = tf.reduce_sum(smoothed_cross_entropy(tf.constant(TAR), logits))
    for weight, gradient in zip(
        any_model.trainable_weights, tape.gradient(loss, any_model.trainable_weights), strict=True
    ):
        size = np.abs(tf.convert_to_tensor(gradient)).max()
        assert size < 1e-4 if weight.path.endswith("key/bias") else size > 1e-4, weight.path


def test_saved_and_loaded_it_is_the_same(any_model, tmp_path):
    any_model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == any_model.get_config()
    np.testing.assert_array_equal(loaded(INP, TAR)[0], any_model(INP, TAR)[0])
    paths = [weight.path.split("/", 1)[1] for weight in loaded.weights]
    assert paths == [weight.path.split("/", 1)[1] for weight in any_model.weights]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize(("policy", "near"), [("mixed_bfloat16", 0.1), ("mixed_float16", 0.02)])
def test_half_precision_is_near_the_whole(model, policy, near, tmp_path):
    """Logits relative to their spread; saved and loaded, the precision stays."""
    half = Transformer.from_config(model.get_config() | {"dtype": policy})
    half.set_weights(model.get_weights())
    logits, weights = half(INP, TAR)
    expected = model(INP, TAR)[0].numpy()
    assert logits.dtype.name == policy.removeprefix("mixed_") and half.weights[0].dtype == "float32"
    np.testing.assert_allclose(np.float32(logits), expected, atol=near * expected.std())
    np.testing.assert_allclose(weights["decoder_layer2_block1"].numpy().sum(-1), 1.0, atol=1e-6)
    half.save(tmp_path / "half.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "half.keras")(INP, TAR)[0], logits)


def test_a_functional_model_may_hold_it(model):
    inp, tar = (keras.Input((None,), dtype="int32") for _ in range(2))
    outer = keras.Model([inp, tar], model(inp, tar)[0])
    np.testing.assert_allclose(outer([INP, TAR]), model(INP, TAR)[0], atol=1e-6)


def test_the_config_has_the_arguments():
    """All of Transformer's but the vocabularies' sizes, under the same names."""
    names = set(TransformerConfig.__dataclass_fields__)
    assert names | {"input_vocab_size", "target_vocab_size"} == set(build(num_layers=1).numbers)
