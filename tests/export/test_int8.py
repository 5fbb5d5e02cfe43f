"""Weights of 8 bits: the integers by loops, and every kind of task answers as with these weights as floats."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import zoo
from tests.conftest import eagerly
from tfllm import models
from tfllm.export.int8 import Int8, quantised

QUICK = ("classifier", "mean embedder")
KINDS = [pytest.param(kind, marks=[pytest.mark.slow] * (kind not in QUICK)) for kind in zoo.KINDS]


@pytest.mark.parametrize("shape, by_row", [((5, 7), False), ((5, 7), True), ((3, 5, 7), False)])
def test_each_output_has_its_scale(shape, by_row):
    weight = np.random.default_rng(0).normal(size=shape).astype("float32") * np.float32([1, 30, 1e-4, 1, 1, 0, 7])
    weight[0] *= 5
    integers, scale = quantised(weight, by_row)
    assert integers.dtype == np.int8 and scale.dtype == np.float32
    for index in range(shape[0] if by_row else shape[-1]):
        own = weight[index] if by_row else weight[..., index]
        q, s = (integers[index], scale[index]) if by_row else (integers[..., index], scale[..., index])
        np.testing.assert_allclose(s, np.abs(own).max() / 127 or 1, rtol=1e-6)
        assert np.abs(own - s * np.float32(q)).max() <= np.max(s) * 0.50001
        assert np.abs(q).max() == (127 if own.any() else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_the_rounded_weights(kind):
    task, columns = zoo.made(kind), [tf.constant(column[:3]) for column in zoo.columns(kind)]
    signature = zoo.signatures(kind)["serving_default"]
    before, parts = task.get_weights(), Int8(task)
    with eagerly():
        result = parts.reading(signature.function)(*columns)
        try:
            for weight, integers, scale in parts.parts:
                weight.assign(tf.cast(integers, tf.float32) * scale)
            expected = signature.function(*columns)
        finally:
            task.set_weights(before)
    assert len(parts.parts) >= 1
    for name, part in expected.items():
        if part.dtype == tf.string:
            assert result[name].numpy().tolist() == part.numpy().tolist()
        else:
            np.testing.assert_allclose(result[name], part, rtol=1e-5, atol=1e-5)


def test_an_export_is_a_quarter_and_near(tmp_path):
    task, _ = zoo.classifier(model=models.TextCNNConfig(256, (2, 3), 64))
    size, answers = {}, {}
    for weights in ("float", "int8"):
        path = Path(task.export(tmp_path, weights=weights))
        size[weights] = sum(file.stat().st_size for file in path.glob("variables/*.data*"))
        served = tf.saved_model.load(path)
        answers[weights] = served.signatures["serving_default"](tf.constant(zoo.TEXTS))
    assert 0.24 < size["int8"] / size["float"] < 0.28
    shares = answers["int8"]["probabilities"].numpy()
    np.testing.assert_allclose(shares, answers["float"]["probabilities"], atol=5e-3)
    assert not np.array_equal(shares, answers["float"]["probabilities"])
    names = {name for name, _ in tf.train.list_variables(f"{path}/variables/variables")}
    assert any("kernel.Sint8" in name for name in names) and not any("kernel/" in name for name in names)


def test_other_weights(tmp_path):
    with pytest.raises(ValueError, match="weights must be one of float, int8; got 'int4'"):
        zoo.classifier()[0].export(tmp_path, weights="int4")


def test_half_precision_stays():
    layer = keras.layers.Dense(3, dtype="bfloat16")
    layer.build((None, 2))
    result = Int8(layer).reading(lambda: layer(tf.ones([1, 2])))()
    assert result.dtype == tf.bfloat16
