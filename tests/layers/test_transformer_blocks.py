"""The blocks against loops, against keras-nlp's layers with the same weights, and by their laws."""

import math

import keras
import numpy as np
import pytest

from tests.layers import parts
from tests.layers.parts import normal, scatter
from tests.reference import transformer as reference
from tfllm.layers import DecoderBlock, EncoderBlock, FeedForward, Residual, masks

B, T, S, D, H, F = 2, 5, 4, 6, 2, 7
TOKENS = np.array([[4, 5, 6, 7, 8], [4, 9, 3, 0, 0]])  # B sentences of T, the second with padding
SOURCE = np.array([[5, 6, 7, 8], [5, 6, 0, 0]])
X, MEMORY = normal(1, B, T, D), normal(2, B, S, D)
SELF_MASK = masks.combined(masks.padding(TOKENS), masks.causal(T, T))
CROSS_MASK = masks.padding(SOURCE)


@pytest.fixture(scope="module", params=[False, True], ids=["post-norm", "pre-norm"])
def encoder(request):
    block = EncoderBlock(D, H, F, pre_norm=request.param)
    block(X)
    return scatter(block)


@pytest.fixture(scope="module", params=[False, True], ids=["post-norm", "pre-norm"])
def decoder(request):
    block = DecoderBlock(D, H, F, pre_norm=request.param)
    block(X, memory=MEMORY)
    return scatter(block)


def decode(decoder, x, memory=MEMORY, self_mask=SELF_MASK, cross_mask=CROSS_MASK):
    return decoder(x, memory=memory, self_mask=self_mask, cross_mask=cross_mask)


def for_queries(mask, count):
    """[B or 1, T or 1, S] -> [B, count, S], as the loops want it."""
    return np.broadcast_to(mask, (B, count, mask.shape[-1]))


ACTIVATIONS = {
    "relu": lambda z: max(z, 0.0),
    "gelu": lambda z: z * (1 + math.erf(z / 2**0.5)) / 2,
    "gelu_tanh": lambda z: z / 2 * (1 + math.tanh((2 / math.pi) ** 0.5 * (z + 0.044715 * z**3))),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_feed_forward_is_the_loop(name):
    feed = FeedForward(D, F, name)
    feed(X)
    widen, narrow = parts.dense(scatter(feed).widen), parts.dense(feed.narrow)
    expected = reference.feed_forward(X[0], widen, narrow, ACTIVATIONS[name])
    np.testing.assert_allclose(feed(X)[0], expected, atol=5e-6)


def test_encoder_is_the_figure(encoder):
    mask = masks.padding(TOKENS)
    x, weights, cache = encoder(X, attention_mask=mask)
    assert weights.shape == (B, H, T, T) and cache == ()
    for b in range(B):
        p = parts.block(encoder)
        expected = reference.encoder_block(X[b], p, H, for_queries(mask, T)[b], encoder.add_feed.pre_norm)
        np.testing.assert_allclose(x[b], expected, atol=2e-5)


def test_decoder_is_the_figure(decoder):
    x, own, across, cache = decode(decoder, X)
    assert cache == ()
    for b in range(B):
        p, mask = parts.block(decoder), (for_queries(SELF_MASK, T)[b], for_queries(CROSS_MASK, T)[b])
        expected = reference.decoder_block(X[b], MEMORY[b], p, H, *mask, decoder.add_feed.pre_norm)
        for result, right in zip((x[b], own[b], across[b]), expected, strict=True):
            np.testing.assert_allclose(result, right, atol=2e-5)


def copied(peer, ours, pairs):
    """keras-nlp's layer with the numbers of our block; attention keeps its heads on an axis of their own."""
    for name, layer in pairs.items():
        target = getattr(peer, name)
        if isinstance(target, keras.layers.MultiHeadAttention):
            p = parts.attention(layer)
            values = [part for side in ("query", "key", "value", "output") for part in p[side]]
        else:
            values = parts.norm(layer) if name.endswith("norm") else parts.dense(layer)
        target.set_weights(
            [np.reshape(value, weight.shape) for value, weight in zip(values, target.weights, strict=True)]
        )
    return peer


def shared_names(block):
    return {
        "_self_attention_layer": block.look, "_self_attention_layer_norm": block.add_look.norm,
        "_feedforward_intermediate_dense": block.feed.widen, "_feedforward_output_dense": block.feed.narrow,
        "_feedforward_layer_norm": block.add_feed.norm,
    }  # fmt: skip


@pytest.mark.peers
def test_keras_nlp_encoder_gives_the_same(encoder):
    kind = pytest.importorskip("keras_hub").layers.TransformerEncoder
    peer = kind(F, H, layer_norm_epsilon=1e-6, normalize_first=encoder.add_feed.pre_norm)
    peer.build(X.shape)
    copied(peer, encoder, shared_names(encoder))
    expected = peer(X, padding_mask=TOKENS != 0)
    np.testing.assert_allclose(encoder(X, attention_mask=masks.padding(TOKENS))[0], expected, atol=2e-5)


@pytest.mark.peers
def test_keras_nlp_decoder_gives_the_same(decoder):
    kind = pytest.importorskip("keras_hub").layers.TransformerDecoder
    peer = kind(F, H, layer_norm_epsilon=1e-6, normalize_first=decoder.add_feed.pre_norm)
    peer.build(X.shape, MEMORY.shape)
    pairs = shared_names(decoder)
    pairs |= {"_cross_attention_layer": decoder.cross, "_cross_attention_layer_norm": decoder.add_cross.norm}
    copied(peer, decoder, pairs)
    expected = peer(X, MEMORY, decoder_padding_mask=TOKENS != 0, encoder_padding_mask=SOURCE != 0)
    np.testing.assert_allclose(decode(decoder, X)[0], expected, atol=2e-5)


def test_a_future_token_changes_nothing_before_it(decoder):
    before = decode(decoder, X)[0].numpy()
    for t in range(1, 3):
        x = X.copy()
        x[:, t] += 10
        after = decode(decoder, x)[0].numpy()
        np.testing.assert_array_equal(after[:, :t], before[:, :t])
        assert np.abs(after[:, t] - before[:, t]).max() > 0.1


def test_padding_changes_nothing(encoder, decoder):
    """Three places more, full of anything: the real places stay as they are."""
    more = [np.concatenate([x, 100 * normal(3, B, 3, D)], axis=1) for x in (X, MEMORY)]
    tokens, source = (np.pad(ids, [[0, 0], [0, 3]]) for ids in (TOKENS, SOURCE))
    expected = encoder(X, attention_mask=masks.padding(TOKENS))[0].numpy()
    result = encoder(more[0], attention_mask=masks.padding(tokens))[0].numpy()[:, :T]
    np.testing.assert_allclose(result[TOKENS != 0], expected[TOKENS != 0], atol=1e-5)
    look_ahead = masks.combined(masks.padding(tokens), masks.causal(T + 3, T + 3))
    expected = decode(decoder, X)[0].numpy()
    result = decode(decoder, *more, look_ahead, masks.padding(source))[0].numpy()[:, :T]
    np.testing.assert_allclose(result[TOKENS != 0], expected[TOKENS != 0], atol=1e-5)


def test_order_means_nothing_to_an_encoder(encoder):
    turned = [3, 0, 4, 1, 2]
    np.testing.assert_allclose(encoder(X[:, turned])[0], encoder(X)[0].numpy()[:, turned], atol=1e-5)


def test_step_by_step_is_all_at_once(decoder):
    expected, own, across, _ = decode(decoder, X, self_mask=masks.causal(T, T))
    length, seen = T + 2, decoder.cross.project(MEMORY)
    cache = tuple(np.zeros((B, H, length, D // H), "float32") for _ in range(2))
    for t in range(T):
        mask = masks.causal(1, length, t)
        x, one, to_source, cache = decoder(
            X[:, t : t + 1], self_mask=mask, cross_mask=CROSS_MASK, cache=cache, seen=seen, position=t
        )
        np.testing.assert_allclose(x[:, 0], expected[:, t], atol=1e-5)
        np.testing.assert_allclose(one[:, :, 0, :T], own[:, :, t], atol=1e-5)
        np.testing.assert_allclose(to_source[:, :, 0], across[:, :, t], atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"num_kv_heads": 1, "rotary": 10000.0, "use_bias": False}], ids=str)
@pytest.mark.parametrize("cut", [[1] * 5, [3, 2], [5]], ids=str)
def test_an_encoder_block_with_a_causal_mask_goes_piece_by_piece_too(options, cut):
    block = EncoderBlock(6, 3, F, pre_norm=True, **options)
    block.build(X.shape)
    scatter(block)
    expected, weights, _ = block(X, attention_mask=masks.causal(T, T))
    cache, position = tuple(np.zeros((B, block.look.num_kv_heads, T + 1, 2), "float32") for _ in range(2)), 0
    for size in cut:
        piece, mask = X[:, position : position + size], masks.causal(size, T + 1, position)
        x, seen, cache = block(piece, attention_mask=mask, cache=cache, position=position)
        np.testing.assert_allclose(x, expected[:, position : position + size], atol=1e-5)
        np.testing.assert_allclose(seen[..., :T], weights[:, :, position : position + size], atol=1e-5)
        position += size


def test_without_biases_there_are_none():
    block = EncoderBlock(D, H, F, use_bias=False)
    block.build(X.shape)
    assert sorted(weight.name for weight in block.weights) == ["gamma"] * 2 + ["kernel"] * 6


def test_epsilon_is_that_of_every_norm():
    block = DecoderBlock(D, H, F, epsilon=0.3)
    assert {part.norm.epsilon for part in (block.add_look, block.add_cross, block.add_feed)} == {0.3}


def test_a_source_without_a_token_is_finite(decoder):
    x, _, across, _ = decode(decoder, X, cross_mask=np.zeros((B, 1, S), bool))
    assert np.isfinite(x).all() and not across.numpy().any()


@pytest.mark.parametrize("pre_norm", [False, True])
def test_every_weight_has_its_own_name(pre_norm):
    block = DecoderBlock(D, H, F, pre_norm=pre_norm, name="block")
    block(X, memory=MEMORY)
    paths = [weight.path for weight in block.weights]
    assert len(paths) == len(set(paths)) == 2 * (4 + 4 + 2 + 3)  # two attentions, feed-forward, three norms
    assert {"block/add_look/norm/gamma", "block/cross/query/kernel", "block/feed/narrow/bias"} <= set(paths)


@pytest.mark.parametrize(
    "layer",
    [
        FeedForward(D, F, "gelu", name="feed"),
        FeedForward(D, F, "gelu_tanh", False),
        Residual(0.3, True, 1e-5, False, name="add"),
        EncoderBlock(D, H, F, 0.2, True, "gelu", name="encode", dtype="mixed_bfloat16"),
        EncoderBlock(D, H, F, 0.2, True, "gelu_tanh", 1e-5, False, 1, 10000.0),
        DecoderBlock(D, H, F, 0.2, False, "relu", 1e-5, False, name="decode"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_config_makes_the_same_layer(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer) and again.get_config() == layer.get_config()


def test_the_compute_type_reaches_every_part():
    block = EncoderBlock(D, H, F, dtype="mixed_bfloat16")
    x, weights, _ = block(X)
    assert x.dtype.name == "bfloat16" and weights.dtype.name == "float32"
    assert {weight.dtype for weight in block.weights} == {"float32"}


def test_blocks_in_a_sequential_say_what_to_write():
    """A block gives three values, and a keras.Sequential hands on what a layer gives."""
    with pytest.raises(ValueError, match=r"^EncoderBlock reads one tensor; got 3 values: .*x = block\(x\)\[0\]"):
        keras.Sequential([keras.Input((3, 4)), EncoderBlock(4, 2, 8), EncoderBlock(4, 2, 8)])
