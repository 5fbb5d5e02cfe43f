"""Attention against loops, against Keras' own layer with the same weights, and by its laws."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.parts import attention as numbers
from tests.layers.parts import normal, scatter
from tests.reference import attention as reference
from tests.reference import positions
from tfllm.layers import MultiHeadAttention, masks, scaled_dot_product_attention

B, T, S, H, K = 2, 3, 4, 2, 5  # all different, so that no two axes can be mixed up
D = H * K
MASKS = {
    "none": None,
    "any": np.random.default_rng(0).random((B, T, S)) < 0.6,
    "same for the batch": np.random.default_rng(1).random((1, T, S)) < 0.6,
    "same for the queries": np.array([[[True, True, False, True]], [[True, False, False, False]]]),
}


def of_sentence(mask, b):
    return None if mask is None else np.broadcast_to(mask, (B, T, S))[b]


@pytest.fixture(scope="module")
def attend():
    layer = MultiHeadAttention(D, H)
    layer(normal(0, B, T, D), memory=normal(1, B, S, D))
    return scatter(layer)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_dot_products_are_the_loops(mask):
    q, k, v = normal(1, B, T, H, K), normal(2, B, S, H, K), normal(3, B, S, H, K)
    out, weights = scaled_dot_product_attention(q, k, v, mask)
    assert out.shape == (B, T, H, K) and weights.shape == (B, H, T, S)
    for b in range(B):
        for h in range(H):
            expected = reference.attention(q[b, :, h], k[b, :, h], v[b, :, h], of_sentence(mask, b))
            np.testing.assert_allclose(out[b, :, h], expected[0], atol=1e-6)
            np.testing.assert_allclose(weights[b, h], expected[1], atol=1e-6)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_heads_are_the_loops(attend, mask):
    x, memory = normal(4, B, T, D), normal(5, B, S, D)
    out, weights, cache = attend(x, memory=memory, attention_mask=mask)
    assert cache == ()
    for b in range(B):
        expected = reference.multi_head(x[b], memory[b], numbers(attend), H, of_sentence(mask, b))
        np.testing.assert_allclose(out[b], expected[0], atol=1e-5)
        np.testing.assert_allclose(weights[b], expected[1], atol=1e-6)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_keras_own_layer_gives_the_same(attend, mask):
    x, memory = normal(4, B, T, D), normal(5, B, S, D)
    peer = keras.layers.MultiHeadAttention(H, K)
    peer.build(x.shape, memory.shape)
    ours = numbers(attend)
    peer.set_weights(
        [part.reshape(D, H, K) if part.ndim == 2 else part.reshape(H, K)
         for name in ("query", "key", "value") for part in ours[name]]
        + [ours["output"][0].reshape(H, K, D), ours["output"][1]]
    )  # fmt: skip
    expected, scores = peer(x, memory, attention_mask=mask, return_attention_scores=True)
    out, weights, _ = attend(x, memory=memory, attention_mask=mask)
    some = np.ones((B, T), bool) if mask is None else np.broadcast_to(mask, (B, T, S)).any(-1)  # Keras: no zeros
    np.testing.assert_allclose(out.numpy()[some], expected.numpy()[some], atol=1e-5)
    np.testing.assert_allclose(np.swapaxes(weights, 1, 2)[some], np.swapaxes(scores, 1, 2)[some], atol=1e-6)


def test_who_may_look_nowhere_gets_zeros():
    mask = np.zeros((1, T, S), bool)
    mask[0, 0, 1] = True
    q, k, v = (tf.constant(normal(i, 1, n, H, K)) for i, n in [(1, T), (2, S), (3, S)])
    with tf.GradientTape() as tape:
        tape.watch([q, k, v])
        out, weights = scaled_dot_product_attention(q, k, v, mask)
    assert not out[:, 1:].numpy().any() and not weights[:, :, 1:].numpy().any()
    np.testing.assert_array_equal(out[:, 0], v[:, 1])
    for gradient in tape.gradient(out, [q, k, v]):
        assert np.isfinite(gradient).all()


def test_rows_of_weights_sum_to_one(attend):
    mask = masks.combined(masks.causal(T, T), masks.padding(np.array([[5, 0, 7], [5, 6, 0]])))
    x = normal(6, B, T, D)
    _, weights, _ = attend(x, memory=x, attention_mask=mask)
    np.testing.assert_allclose(weights.numpy().sum(-1), 1.0, atol=1e-6)
    assert not weights.numpy()[~np.broadcast_to(mask[:, None], weights.shape)].any()


def test_what_is_hidden_changes_nothing_at_all(attend):
    x, memory, mask = normal(7, B, T, D), normal(8, B, S, D), MASKS["same for the queries"]
    changed = np.where(mask[:, 0, :, None], memory, memory + 1000)
    before, after = (attend(x, memory=m, attention_mask=mask)[0] for m in (memory, changed))
    np.testing.assert_array_equal(before, after)


def test_order_means_nothing(attend):
    """Queries permuted: answers permuted. Keys permuted: the same answers."""
    x, memory = normal(9, B, T, D), normal(10, B, S, D)
    out, weights, _ = attend(x, memory=memory)
    turned, swapped = [2, 0, 1], [3, 1, 0, 2]
    np.testing.assert_allclose(attend(x[:, turned], memory=memory)[0], out.numpy()[:, turned], atol=1e-5)
    again, shuffled, _ = attend(x, memory=memory[:, swapped])
    np.testing.assert_allclose(again, out, atol=1e-5)
    np.testing.assert_allclose(shuffled, weights.numpy()[..., swapped], atol=1e-6)


@pytest.mark.parametrize("cut", [[1, 1, 1, 1, 1], [3, 1, 1], [2, 2, 1], [5]], ids=str)
def test_piece_by_piece_is_all_at_once(attend, cut):
    """With a cache longer than the text: what it holds in places to come is never seen."""
    x, positions, length = normal(11, B, 5, D), 5, 7
    expected, weights, _ = attend(x, memory=x, attention_mask=masks.causal(positions, positions))
    cache, position = (normal(12, B, H, length, K), normal(13, B, H, length, K)), 0
    for size in cut:
        piece = x[:, position : position + size]
        mask = masks.causal(size, length, position)
        out, seen, cache = attend(piece, memory=piece, attention_mask=mask, cache=cache, position=position)
        np.testing.assert_allclose(out, expected[:, position : position + size], atol=1e-5)
        np.testing.assert_allclose(seen[..., :positions], weights[:, :, position : position + size], atol=1e-5)
        position += size
    for part, direct in zip(cache, attend.project(x), strict=True):
        np.testing.assert_allclose(part[:, :, :positions], direct, atol=1e-6)
    np.testing.assert_array_equal(cache[0][:, :, positions:], normal(12, B, H, length, K)[:, :, positions:])


def test_memory_projected_once_is_memory(attend):
    x, memory, mask = normal(14, B, T, D), normal(15, B, S, D), MASKS["any"]
    expected = attend(x, memory=memory, attention_mask=mask)
    result = attend(x, attention_mask=mask, cache=attend.project(memory))
    np.testing.assert_array_equal(result[0], expected[0])
    np.testing.assert_array_equal(result[1], expected[1])


@pytest.fixture(scope="module", params=[1, 2])
def shared(request):
    """Four heads of queries on one or two of keys and values, and rotary positions."""
    layer = MultiHeadAttention(4 * 6, 4, num_kv_heads=request.param, rotary=100.0)
    layer.build((None, None, 4 * 6))
    return scatter(layer)


def turned(x, width=6):
    """Rotations in our order of a head's numbers: pair i is (x_i, x_{i + K/2})."""
    order = np.arange(width).reshape(2, -1).T.ravel()
    return positions.rotary(x[:, order], base=100.0)[:, np.argsort(order)]


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_shared_heads_and_rotations_are_the_loops(shared, mask):
    x, memory = normal(20, B, T, 24), normal(21, B, S, 24)
    out, weights, _ = shared(x, memory=memory, attention_mask=mask)
    assert shared.to_key.kernel.shape == shared.to_value.kernel.shape == (24, 6 * shared.num_kv_heads)
    for b in range(B):
        mine = of_sentence(mask, b)
        expected = reference.multi_head(x[b], memory[b], numbers(shared), 4, mine, shared.num_kv_heads, turned)
        np.testing.assert_allclose(out[b], expected[0], atol=2e-5)
        np.testing.assert_allclose(weights[b], expected[1], atol=1e-5)


def test_a_shared_head_is_the_same_head_several_times(shared):
    whole, x = MultiHeadAttention(24, 4, rotary=100.0), normal(22, B, T, 24)
    whole.build((None, None, 24))
    for name in ("to_query", "to_key", "to_value", "to_output"):
        values = getattr(shared, name).get_weights()
        if name in ("to_key", "to_value"):
            heads = [np.reshape(value, (*value.shape[:-1], -1, 6)) for value in values]
            heads = [np.repeat(value, 4 // shared.num_kv_heads, axis=-2) for value in heads]
            values = [value.reshape(*value.shape[:-2], 24) for value in heads]
        getattr(whole, name).set_weights(values)
    result, expected = (layer(x, memory=x, attention_mask=masks.causal(T, T)) for layer in (shared, whole))
    np.testing.assert_allclose(result[0], expected[0], atol=1e-5)
    np.testing.assert_allclose(result[1], expected[1], atol=1e-6)


@pytest.mark.parametrize("jit", [False, True], ids=["plain", "XLA"])
@pytest.mark.parametrize("cut", [[1, 1, 1, 1, 1], [3, 2], [2, 1, 2]], ids=str)
def test_shared_and_rotated_piece_by_piece_in_a_graph(shared, cut, jit):
    """`position` is a tensor there; without XLA the number of new tokens is unknown too."""
    x, length = normal(23, B, 5, 24), 6
    expected, weights, _ = shared(x, memory=x, attention_mask=masks.causal(5, 5))

    @tf.function(jit_compile=jit, input_signature=None if jit else [
        tf.TensorSpec((None, None, 24)), (tf.TensorSpec((None, shared.num_kv_heads, length, 6)),) * 2,
        tf.TensorSpec((), tf.int32)])  # fmt: skip
    def piece(x, cache, position):
        mask = masks.causal(tf.shape(x)[1], length, position)
        return shared(x, memory=x, attention_mask=mask, cache=cache, position=position)

    cache, position = (tf.fill((B, shared.num_kv_heads, length, 6), 7.0),) * 2, 0
    for size in cut:
        out, seen, cache = piece(x[:, position : position + size], cache, tf.constant(position))
        np.testing.assert_allclose(out, expected[:, position : position + size], atol=2e-5)
        np.testing.assert_allclose(seen[..., :5], weights[:, :, position : position + size], atol=1e-5)
        position += size
    for part, direct in zip(cache, shared.project(x), strict=True):
        np.testing.assert_allclose(part[:, :, :5], direct, atol=1e-5)
        assert (part[:, :, 5:].numpy() == 7).all()


def test_a_cache_that_is_too_short_is_refused(attend):
    x, cache = normal(24, B, 2, D), (np.zeros((B, H, 4, K), "float32"),) * 2
    for size, position in ((1, 4), (2, 3)):
        with pytest.raises(ValueError, match="the cache has 4 positions, and 5 are needed"):
            attend(x[:, :size], memory=x[:, :size], cache=cache, position=position)


def test_without_biases_there_are_none():
    layer = MultiHeadAttention(D, H, use_bias=False)
    layer.build((None, None, D))
    assert [weight.name for weight in layer.weights] == ["kernel"] * 4


def test_dropout_acts_on_the_sum_and_not_on_the_weights_shown():
    layer, x = MultiHeadAttention(D, H, rate=0.5), normal(16, B, T, D)
    calm, dropped = layer(x, memory=x, training=False), layer(x, memory=x, training=True)
    np.testing.assert_array_equal(calm[1], dropped[1])
    assert np.abs(calm[0] - dropped[0]).max() > 0.01


def test_softmax_is_float32_whatever_the_compute_type():
    layer, x = MultiHeadAttention(D, H, dtype="mixed_float16"), normal(17, B, T, D)
    out, weights, _ = layer(x, memory=x)
    assert (out.dtype.name, weights.dtype.name) == ("float16", "float32")
    np.testing.assert_allclose(weights.numpy().sum(-1), 1.0, atol=1e-6)


def test_one_key_is_all_there_is(attend):
    """Keras warns of such a softmax, and warnings are errors here."""
    x, memory = normal(18, B, T, D), normal(19, B, 1, D)
    out, weights, _ = attend(x, memory=memory)
    assert (weights.numpy() == 1).all()
    np.testing.assert_allclose(out[0, 2], reference.multi_head(x[0], memory[0], numbers(attend), H)[0][2], atol=1e-5)


def test_wrong_sizes_and_nothing_to_attend_are_refused():
    with pytest.raises(ValueError, match="d_model must be a multiple of num_heads; got 10 and 4"):
        MultiHeadAttention(10, 4)
    with pytest.raises(ValueError, match="num_heads must be a multiple of num_kv_heads; got 4 and 3"):
        MultiHeadAttention(8, 4, num_kv_heads=3)
    with pytest.raises(ValueError, match="nothing to attend: give memory"):
        MultiHeadAttention(D, H)(normal(0, B, T, D))


@pytest.mark.parametrize("options", [{}, {"num_kv_heads": 1, "rotary": 500.0, "use_bias": False}], ids=str)
def test_config_makes_the_same_layer(options):
    layer = MultiHeadAttention(D, H, rate=0.3, name="look", **options)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    layer.build((None, None, D)), again.build((None, None, D))
    assert again.get_config() == layer.get_config()
    assert [w.shape for w in again.weights] == [w.shape for w in layer.weights] and again.rotary == layer.rotary
