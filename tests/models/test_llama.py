"""Llama against loops, and by the laws of a causal model."""

import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tests.models import laws
from tests.reference import llama as reference
from tfllm.layers.rotary import rotary_speeds
from tfllm.models.configs import LlamaConfig
from tfllm.models.decoder_only import blank
from tfllm.models.llama import Llama

LAYERS, D, H, V = 2, 24, 4, 17
TEXTS = np.array([[2, 5, 11, 4, 6], [2, 8, 3, 9, 5]])  # [B, T]
SIZES = dict(vocab_size=V, max_length=9, num_layers=LAYERS, d_model=D, num_heads=H, dff=10)
LLAMA3 = dict(base=50.0, scaling="llama3", factor=4.0, slow=1.0, fast=3.0, trained_length=40)
FAMILIES = {
    "llama": LLAMA3 | dict(num_kv_heads=2, max_length=None),
    "qwen2": dict(biases="inputs", num_kv_heads=1, tied=True, epsilon=1e-3),
    "qwen3": dict(norm_heads=True, head_width=10, num_kv_heads=2, scaling="linear", factor=3.0, biases="all"),
    "mistral": dict(window=3, base=100.0, activation="silu"),
}
VARIANTS = {"with all parts": FAMILIES["qwen3"] | FAMILIES["mistral"]}  # for tests/test_laws.py


def build(**options):
    return parts.scatter(Llama(**SIZES | options))


def test_a_model_that_is_filled_from_a_file_begins_with_zeros():
    with blank():
        model = Llama(**SIZES)
    matrices = [variable for variable in model.variables if len(variable.shape) > 1]
    assert matrices and not any(variable.numpy().any() for variable in matrices)
    assert all(variable.numpy().any() for variable in Llama(**SIZES).variables if len(variable.shape) > 1)


@pytest.mark.parametrize("options", FAMILIES.values(), ids=FAMILIES)
def test_it_is_the_papers(options):
    model = build(**options)
    logits, weights = model(TEXTS), model.attention(TEXTS)
    assert list(weights) == ["layer1", "layer2"]
    names = {"base": "base", "scaling": "scaling", "factor": "factor", "slow": "slow", "fast": "fast"}
    rotary = {name: model.numbers[ours] for name, ours in (names | {"length": "trained_length"}).items()}
    shared, window, epsilon = (model.numbers[name] for name in ("num_kv_heads", "window", "epsilon"))
    for b, text in enumerate(TEXTS):
        expected, blocks = reference.llama(text, parts.llama(model), H, shared or H, epsilon, rotary, window)
        np.testing.assert_allclose(logits[b], expected, atol=1e-4)
        for result, right in zip(weights.values(), blocks, strict=True):
            np.testing.assert_allclose(result[b], right, atol=1e-5)


@pytest.mark.parametrize("scaling", ["none", "linear", "llama3"])
def test_speeds_are_the_papers(scaling):
    """Llama 3.1's own numbers: pairs that stay, that are scaled, and between the two."""
    options = dict(scaling=scaling, factor=8.0, slow=1.0, fast=4.0, length=8192)
    result = rotary_speeds(128, 500000.0, **options)
    np.testing.assert_allclose(result, [reference.speed(i, 128, 500000.0, **options) for i in range(64)], rtol=1e-12)
    shares = np.divide(result, rotary_speeds(128, 500000.0))
    kinds = {"none": {1.0}, "linear": {0.125}, "llama3": {1.0, 0.125, *shares[np.abs(shares - 0.5) < 0.374]}}
    assert set(np.round(shares, 9)) == set(np.round(list(kinds[scaling]), 9)) and (
        scaling != "llama3" or len(kinds) > 2
    )


def test_it_learns_one_batch():
    laws.assert_learns_one_batch(Llama(**SIZES | {"num_layers": 1}), TEXTS[:, 1:], False, epochs=40, rate=0.02)


def test_a_loss_reaches_every_weight():
    model = build(**FAMILIES["qwen3"])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(TEXTS, training=True)[..., 3] ** 2)
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 1e-3, weight.path


def test_beyond_its_window_a_token_changes_nothing():
    """One block reaches 3 tokens back, two blocks reach 2 x 2."""
    model = build(window=3, num_layers=1)
    other = np.where(np.arange(5) == 0, 13, TEXTS)
    np.testing.assert_allclose(model(other)[:, 3:], model(TEXTS)[:, 3:], atol=1e-6)
    assert np.abs(model(other)[:, 2] - model(TEXTS)[:, 2]).max() > 1e-3


def test_half_precision_is_near_the_whole():
    model = build(**FAMILIES["qwen3"])
    half = Llama.from_config(model.get_config() | {"dtype": "mixed_bfloat16"})
    half.set_weights(model.get_weights())
    logits, expected = half(TEXTS), model(TEXTS).numpy()
    assert logits.dtype.name == "bfloat16" and half.weights[0].dtype == "float32"
    assert np.std(np.float32(logits) - expected) < 0.05 * expected.std()


def test_the_size_of_smollm2():
    """134,515,008 weights: 30 layers, 576, 9 heads, 3 of keys and values, 1536, 49,152 tokens; counted by hand."""

    def count(vocabulary, layers, d, heads, shared, width, inner):
        block = d * width * (heads + 2 * shared) + heads * width * d + 3 * d * inner + 2 * d
        return vocabulary * d + layers * block + d

    assert count(49152, 30, 576, 9, 3, 64, 1536) == 134_515_008
    model = Llama(**SIZES | dict(num_kv_heads=2, tied=True))
    assert model.count_params() == count(V, LAYERS, D, H, 2, D // H, 10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"biases": "some"}, "biases must be one of .*'inputs'.* got 'some'"),
        ({"scaling": "yarn"}, "scaling of rotary positions must be one of none, linear, llama3; got 'yarn'"),
        ({"scaling": "llama3", "slow": 4.0}, "slow < fast; got 1.0, 4.0 and 4.0"),
        ({"head_width": 5}, "even head width; got 5"),
        ({"num_heads": 5}, "d_model must be a multiple of num_heads; got 24 and 5"),
        ({"num_kv_heads": 3}, "num_heads must be a multiple of num_kv_heads; got 4 and 3"),
        ({"window": 0}, "window must be a whole number, 1 or more; got 0"),
        ({"factor": 0.5}, "factor must be a number, 1 or more; got 0.5"),
    ],
)
def test_impossible_sizes_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Llama(**SIZES | options)


def test_more_tokens_than_it_takes_are_refused():
    model = build()
    with pytest.raises(ValueError, match="positions for 9 tokens, got 10"):
        model(np.ones((1, 10), int))
    with pytest.raises(ValueError, match="takes 9 tokens; got a state for 10"):
        model.start(1, 10)


def test_the_config_has_the_arguments():
    assert set(LlamaConfig.__dataclass_fields__) | {"vocab_size"} == set(build().numbers)
