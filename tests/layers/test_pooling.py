"""Pooling against loops, and by its laws."""

import numpy as np
import pytest

from tests.layers.parts import normal, scatter
from tests.reference import pooling as reference
from tfllm.layers import AttentionWeightedAverage, Pooling
from tfllm.layers.pooling import KINDS

B, T, D = 2, 4, 3
X = normal(0, B, T, D)


def built():
    layer = AttentionWeightedAverage()
    layer.build((None, None, D))
    return scatter(layer)


def test_it_is_the_loop():
    layer = built()
    average, weights = layer(X)
    for b in range(B):
        scores = [np.exp(row @ layer.kernel.numpy()) for row in X[b]]
        np.testing.assert_allclose(weights[b], np.array(scores) / sum(scores), atol=1e-6)
        np.testing.assert_allclose(
            average[b], sum(s * x for s, x in zip(scores, X[b], strict=True)) / sum(scores), atol=1e-6
        )


def test_padding_weighs_nothing():
    layer, real = built(), np.array([[True] * 4, [True, True, False, False]])
    average, weights = layer(X, padding_mask=real)
    np.testing.assert_allclose(average[1:], layer(X[1:, :2])[0], atol=1e-6)
    np.testing.assert_array_equal(np.asarray(weights)[1, 2:], 0.0)
    np.testing.assert_allclose(np.sum(weights, axis=-1), 1.0, atol=1e-6)


def test_order_does_not_matter():
    layer = built()
    np.testing.assert_allclose(layer(X[:, ::-1])[0], layer(X)[0], atol=1e-6)


def test_without_weights_it_is_the_mean():
    layer = built()
    layer.kernel.assign(np.zeros(D))
    np.testing.assert_allclose(layer(X)[0], X.mean(1), atol=1e-6)
    np.testing.assert_allclose(layer(X, padding_mask=np.zeros((B, T), bool))[0], X.mean(1), atol=1e-6)


def test_half_precision_keeps_the_weights_whole():
    layer = AttentionWeightedAverage(dtype="mixed_bfloat16")
    average, weights = layer(X)
    assert average.dtype == "bfloat16" and weights.dtype == "float32"


REAL = np.array([[True, True, True, False], [True, False, False, False]])


@pytest.fixture(scope="module", params=KINDS)
def pooling(request):
    layer = Pooling(request.param)
    layer.build((None, None, D))
    return scatter(layer)


def test_each_kind_is_its_loop(pooling):
    kernel = pooling.average.kernel.numpy() if pooling.kind == "attention" else None
    for mask, sizes in ((REAL, (3, 1)), (None, (T, T))):
        result = pooling(X, padding_mask=mask)
        for b, size in enumerate(sizes):
            np.testing.assert_allclose(result[b], reference.pooled(X[b, :size], pooling.kind, kernel), atol=1e-6)


def test_what_stands_in_the_padding_changes_nothing(pooling):
    other = np.concatenate([np.where(REAL[..., None], X, 1e4), np.full((B, 2, D), -1e4)], 1).astype("float32")
    result = pooling(other, padding_mask=np.pad(REAL, [[0, 0], [0, 2]]))
    np.testing.assert_allclose(result, pooling(X, padding_mask=REAL), atol=1e-6)


def test_padding_may_stand_before_a_text(pooling):
    result = pooling(X[:, ::-1], padding_mask=REAL[:, ::-1])
    turned = np.where(REAL[..., None], 0, X)
    for b, size in enumerate((3, 1)):
        turned[b, :size] = X[b, :size][::-1]
    np.testing.assert_allclose(result, pooling(turned, padding_mask=REAL), atol=1e-6)


def test_a_text_of_nothing_is_zeros(pooling):
    np.testing.assert_array_equal(pooling(X, padding_mask=np.zeros((B, T), bool)), np.zeros((B, D)))


def test_half_precision_sums_in_full(pooling):
    """4,000 ones make no 4,000 in bfloat16, nor in float16's sums of 100."""
    half = Pooling(pooling.kind, dtype="mixed_bfloat16")
    result = half(np.ones((1, 4000, D)))
    assert result.dtype == "bfloat16"
    np.testing.assert_allclose(np.float32(result), 1.0, atol=0.01)


def test_the_config_makes_it_again(pooling):
    assert Pooling.from_config(pooling.get_config()).kind == pooling.kind
    assert pooling.compute_output_shape((B, T, D)) == (B, D)


def test_another_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be one of .*got 'sum'"):
        Pooling("sum")
