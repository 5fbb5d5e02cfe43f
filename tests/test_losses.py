"""The loss against loops in float64, its gradient against central differences, both against Keras' own loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.reference.losses import smoothed_cross_entropy as reference
from tfllm.losses import TokenCrossEntropy, smoothed_cross_entropy

B, T, V = 2, 3, 7
DRAW = np.random.default_rng(0)
LOGITS = DRAW.normal(0, 3, (B, T, V)).astype("float32")
TARGETS = DRAW.integers(0, V, (B, T)).astype("int32")
WEIGHTS = np.array([[1, 1, 0], [1, 0, 0]], "float32")
SMOOTHINGS = (0.0, 0.1, 0.6)


def by_loops(logits, smoothing):
    """[B, T] float64."""
    return np.array([[reference(TARGETS[b, t], logits[b, t], smoothing) for t in range(T)] for b in range(B)])


def gradient(loss, logits):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(logits)
    return tape.gradient(value, logits).numpy()


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_values_are_the_loops(smoothing):
    result = smoothed_cross_entropy(TARGETS, LOGITS, smoothing)
    assert result.shape == (B, T) and result.dtype == "float32"
    np.testing.assert_allclose(result, by_loops(LOGITS, smoothing), rtol=1e-5)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_gradient_is_the_slope(smoothing):
    """Central differences of the loops in float64, each place with a weight of its own."""
    scale, step = np.array([[1, -2, 3], [0, 0.5, 1]], "float32"), 1e-5
    slopes = np.zeros((B, T, V))
    for position in np.ndindex(B, T, V):
        up, down = (np.float64(LOGITS) for _ in range(2))
        up[position] += step
        down[position] -= step
        change = by_loops(up, smoothing) - by_loops(down, smoothing)
        slopes[position] = (scale * change).sum() / (2 * step)
    result = gradient(lambda z: tf.reduce_sum(scale * smoothed_cross_entropy(TARGETS, z, smoothing)), LOGITS)
    np.testing.assert_allclose(result, slopes, atol=1e-6)
    assert not result[scale == 0].any()


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_keras_on_one_hot_targets_gives_the_same(smoothing):
    keras_loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing, reduction="mean_with_sample_weight"
    )
    one_hot, ours = np.eye(V, dtype="float32")[TARGETS], TokenCrossEntropy(smoothing)
    assert float(ours(TARGETS, LOGITS, WEIGHTS)) == pytest.approx(float(keras_loss(one_hot, LOGITS, WEIGHTS)), rel=1e-5)
    np.testing.assert_allclose(
        gradient(lambda z: ours(TARGETS, z, WEIGHTS), LOGITS),
        gradient(lambda z: keras_loss(one_hot, z, WEIGHTS), LOGITS),
        atol=1e-6,
    )


def test_the_mean_is_over_real_tokens():
    loss, values = TokenCrossEntropy(0.1), by_loops(LOGITS, 0.1)
    assert float(loss(TARGETS, LOGITS, WEIGHTS)) == pytest.approx(values[WEIGHTS == 1].mean(), rel=1e-5)
    assert float(loss(TARGETS, LOGITS)) == pytest.approx(values.mean(), rel=1e-5)
    assert not gradient(lambda z: loss(TARGETS, z, WEIGHTS), LOGITS)[WEIGHTS == 0].any()


def test_padding_changes_neither_loss_nor_gradient():
    loss = TokenCrossEntropy(0.1)
    longer = np.pad(TARGETS, [[0, 1], [0, 2]]), np.pad(LOGITS, [[0, 1], [0, 2], [0, 0]], constant_values=9)
    weights = np.pad(WEIGHTS, [[0, 1], [0, 2]])
    assert float(loss(*longer, weights)) == pytest.approx(float(loss(TARGETS, LOGITS, WEIGHTS)), rel=1e-6)
    slope = gradient(lambda z: loss(longer[0], z, weights), longer[1])
    np.testing.assert_allclose(slope[:B, :T], gradient(lambda z: loss(TARGETS, z, WEIGHTS), LOGITS), atol=1e-7)


def test_a_batch_without_a_token_costs_nothing():
    loss, nothing = TokenCrossEntropy(0.1), np.zeros((B, T), "float32")
    assert float(loss(TARGETS, LOGITS, nothing)) == 0
    assert not gradient(lambda z: loss(TARGETS, z, nothing), LOGITS).any()


def test_compiled_is_eager():
    def both(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = smoothed_cross_entropy(TARGETS, z, 0.1)
        return value, tape.gradient(value, z)

    for compiled, eager in zip(tf.function(both, jit_compile=True)(LOGITS), both(tf.constant(LOGITS)), strict=True):
        np.testing.assert_allclose(compiled, eager, atol=1e-6)


def test_large_logits_overflow_nowhere():
    large = 1e4 * LOGITS
    np.testing.assert_allclose(smoothed_cross_entropy(TARGETS, large), by_loops(large, 0.0), rtol=1e-5, atol=1e-2)
    assert np.isfinite(gradient(lambda z: smoothed_cross_entropy(TARGETS, z, 0.1), large)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32(dtype):
    half = tf.cast(LOGITS, dtype)
    with tf.GradientTape() as tape:
        tape.watch(half)
        values = smoothed_cross_entropy(TARGETS, half, 0.1)
    assert values.dtype == "float32" and tape.gradient(values, half).dtype == dtype
    np.testing.assert_allclose(values, by_loops(tf.cast(half, "float64").numpy(), 0.1), rtol=1e-5)


def test_no_model_is_better_than_the_smoothed_targets_themselves():
    """The least value is the entropy of q, reached where softmax(z) = q; without smoothing it is 0."""
    q = 0.9 * np.eye(V)[TARGETS] + 0.1 / V
    least = smoothed_cross_entropy(TARGETS, np.log(q).astype("float32"), 0.1)
    np.testing.assert_allclose(least, -(q * np.log(q)).sum(-1), rtol=1e-5)
    assert (by_loops(LOGITS, 0.1) > least.numpy()).all()


@pytest.mark.parametrize("smoothing", [-0.1, 1, 1.5])
def test_smoothing_is_a_probability(smoothing):
    with pytest.raises(ValueError, match=f"label_smoothing is a probability below 1; got {smoothing}"):
        TokenCrossEntropy(smoothing)


def test_config_makes_the_same_loss():
    loss = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(TokenCrossEntropy(0.2, "mine")))
    assert (loss.label_smoothing, loss.name, loss.reduction) == (0.2, "mine", "mean_with_sample_weight")
