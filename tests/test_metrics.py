"""Metrics over batches of different numbers of tokens, against NumPy over all of them at once."""

import keras
import numpy as np
import pytest

from tests.reference.losses import smoothed_cross_entropy as reference
from tfllm.losses import RealMean, TokenCrossEntropy
from tfllm.metrics import RealOnly, TokenAccuracy, TokenMean

V = 5
DRAW = np.random.default_rng(0)


def batch(rows, length):
    """(targets, logits, weights); every row has one real token or more."""
    targets, logits = DRAW.integers(0, V, (rows, length)), DRAW.normal(0, 2, (rows, length, V))
    real = DRAW.integers(1, length + 1, rows)
    return targets.astype("int32"), logits.astype("float32"), np.float32(np.arange(length) < real[:, None])


BATCHES = [batch(2, 7), batch(5, 3), batch(1, 1)]


def over_all(metric):
    for targets, logits, weights in BATCHES:
        metric.update_state(targets, logits, weights)
    return float(metric.result())


def test_the_mean_is_over_all_tokens():
    losses = [
        reference(target, z, 0.1)
        for targets, logits, weights in BATCHES
        for target, z in zip(targets[weights == 1], logits[weights == 1], strict=True)
    ]
    metric = TokenMean(TokenCrossEntropy(0.1))
    assert metric.name == "loss" and over_all(metric) == pytest.approx(np.mean(losses), rel=1e-5)
    by_batch = [float(TokenCrossEntropy(0.1)(*part)) for part in BATCHES]
    assert over_all(metric) != pytest.approx(np.mean(by_batch), rel=1e-2)
    metric.reset_state()
    assert over_all(metric) == pytest.approx(np.mean(losses), rel=1e-5)


def test_accuracy_is_the_share_of_tokens():
    right = [hit for targets, logits, weights in BATCHES for hit in (logits.argmax(-1) == targets)[weights == 1]]
    assert 0 < np.mean(right) < 1
    assert over_all(TokenAccuracy()) == pytest.approx(np.mean(right))


def test_a_tie_counts_as_right():
    logits = np.array([[[1, 2, 2, 0, 0], [0, 0, 0, 0, 0], [-3, -1, -2, -4, -5]]], "float32")
    for target, expected in [(1, [1, 1, 1]), (2, [1, 1, 0]), (0, [0, 1, 0])]:
        metric = TokenAccuracy()
        metric.update_state(np.full((1, 3), target), logits, np.ones((1, 3)))
        assert float(metric.result()) == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_logits_are_compared_as_they_are(dtype):
    targets, logits, weights = BATCHES[0]
    half = keras.ops.cast(logits, dtype)
    metric = TokenAccuracy()
    metric.update_state(targets, half, weights)
    best = keras.ops.convert_to_numpy(keras.ops.cast(half, "float32")).argmax(-1)
    assert float(metric.result()) == pytest.approx((best == targets)[weights == 1].mean())


def test_configs_make_the_same_metrics():
    for metric in (TokenAccuracy("right"), TokenMean(TokenCrossEntropy(0.2), "cost")):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
        assert type(again) is type(metric) and again.name == metric.name
        assert over_all(again) == over_all(metric)


def test_fit_shows_token_means():
    """In `fit` and `evaluate`, the metric named "loss" stands where Keras would show a mean over rows."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((None,), dtype="int32"), keras.layers.Embedding(V, V)])
    loss = TokenCrossEntropy(0.1)
    model.compile("sgd", loss, weighted_metrics=[TokenMean(loss), TokenAccuracy()], run_eagerly=True)
    parts = [(targets, targets, weights) for targets, _, weights in BATCHES]
    result = model.evaluate((part for part in parts), steps=len(parts), verbose=0, return_dict=True)
    losses = [(loss.call(x, model(x)).numpy() * w).sum() for x, _, w in parts]
    tokens = sum(w.sum() for _, _, w in parts)
    assert set(result) == {"loss", "accuracy"} and result["loss"] == pytest.approx(sum(losses) / tokens, rel=1e-5)


def logits_loss(targets, logits):
    return keras.losses.sparse_categorical_crossentropy(targets, logits, from_logits=True)


def real():
    """Targets and logits of all real tokens, [M] and [M, V]."""
    parts = [(targets[weights > 0], logits[weights > 0]) for targets, logits, weights in BATCHES]
    return map(np.concatenate, zip(*parts, strict=True))


@pytest.mark.parametrize(
    "name", ["SparseCategoricalAccuracy", "CategoricalAccuracy", "F1Score", "OneHotMeanIoU", "function"]
)
def test_metrics_of_keras_see_real_tokens_alone(name):
    """Whatever the weights are of: they say which tokens are real."""
    options = {"num_classes": V, "dtype": "float32"} if name == "OneHotMeanIoU" else {}
    metric = logits_loss if name == "function" else getattr(keras.metrics, name)(**options)
    result = RealOnly(metric)
    for targets, logits, weights in BATCHES:
        result.update_state(targets, logits, 7 * weights)
    targets, logits = real()
    chosen = logits.argmax(-1)
    if name == "function":
        expected = -np.take_along_axis(
            logits - np.log(np.exp(logits).sum(-1, keepdims=True)), targets[:, None], 1
        ).mean()
    elif name in ("F1Score", "OneHotMeanIoU"):
        both = [((chosen == v) & (targets == v)).sum() for v in range(V)]
        either = [(chosen == v).sum() + (targets == v).sum() for v in range(V)]
        if name == "F1Score":
            expected = [2 * hit / max(size, 1) for hit, size in zip(both, either, strict=True)]
        else:
            expected = np.mean([hit / (size - hit) for hit, size in zip(both, either, strict=True) if size])
    else:
        expected = (chosen == targets).mean()
    np.testing.assert_allclose(result.result(), expected, rtol=1e-5)
    assert result.name == getattr(metric, "name", "logits_loss")
    if name != "function":
        again = RealOnly.from_config(result.get_config())
        again.update_state(*BATCHES[0])
        again.reset_state()
        for part in BATCHES:
            again.update_state(*part)
        np.testing.assert_allclose(again.result(), expected, rtol=1e-5)


@pytest.mark.parametrize("loss", [
    logits_loss, *(getattr(keras.losses, f"{kind}Crossentropy")(from_logits=True) for kind in (
        "SparseCategorical", "Categorical")), keras.losses.CategoricalFocalCrossentropy(1.0, 0.0, from_logits=True),
])  # fmt: skip
def test_losses_of_keras_are_means_over_real_tokens(loss):
    targets, logits, weights = BATCHES[0]
    chosen = zip(targets[weights > 0], logits[weights > 0], strict=True)
    expected = np.mean([reference(target, row, 0.0) for target, row in chosen])
    np.testing.assert_allclose(RealMean(loss)(targets, logits, weights), expected, rtol=1e-5)


def test_one_number_for_a_padded_batch_is_refused():
    def whole(targets, logits):
        return keras.ops.mean(logits_loss(targets, logits))

    with pytest.raises(ValueError, match="the metric 'whole' returns 0 axes .* one value for each token"):
        RealOnly(whole).update_state(*BATCHES[0])
    with pytest.raises(ValueError, match="the loss 'whole' has 0 axes .* one value for each token"):
        RealMean(whole)(*BATCHES[0])
    targets, logits = np.int32([[1], [3]]), DRAW.normal(size=(2, V)).astype("float32")  # a class each: no padding
    np.testing.assert_allclose(RealMean(whole)(targets, logits, np.ones([2, 1], "float32")), whole(targets, logits))
