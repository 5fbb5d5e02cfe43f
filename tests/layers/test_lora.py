"""LoRA against the paper's equation in NumPy loops, and what may not change."""

import keras
import numpy as np
import pytest

from tests.reference.lora import low_rank
from tfllm.layers import lora
from tfllm.layers.lora import LowRank
from tfllm.models import LSTMLanguageModel, Transformer
from tfllm.models.gpt import GPT

DRAW = np.random.default_rng(0)


def drawn(*shape):
    return DRAW.normal(size=shape).astype("float32")


def gpt(**options):
    options = {"vocab_size": 11, "max_length": 6, "num_layers": 2, "d_model": 8, "num_heads": 2, "rate": 0.0} | options
    return GPT(**options)


def stirred(model):
    """B is no longer zero."""
    for layer in lora.adapters(model).values():
        layer.b.assign(drawn(*layer.b.shape))
    return model


TOKENS = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]], "int32")


def test_the_equation_of_the_paper():
    dense, x = keras.layers.Dense(4, "tanh"), drawn(2, 3, 5)
    dense.build((None, 5))
    dense.bias.assign(drawn(4))
    layer = LowRank(dense, 2, 6.0)
    layer.build()
    layer.install([])
    layer.b.assign(drawn(2, 4))
    a, b, w = (np.array(part.numpy()) for part in (layer.a, layer.b, dense.kernel))
    expected = np.tanh(low_rank(x.reshape(6, 5), w, a, b, 6.0) + dense.bias.numpy()).reshape(2, 3, 4)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.kernel, w + 6.0 / 2 * a @ b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "equation, x_shape, output_shape, into",
    [
        ("btd,dhk->bthk", (2, 6, 3), (None, 2, 4), [0]),  # queries
        ("btd,dhk->bhtk", (2, 6, 3), (2, None, 4), [0]),
        ("bthk,hkd->btd", (2, 6, 2, 4), (None, 3), [0, 1]),  # heads -> output
        ("bd,cd->bc", (2, 3), (5,), [1]),  # a kernel that stands transposed
        ("...x,xy->...y", (2, 6, 3), (5,), [0]),
    ],
)
def test_einsum_kernels_of_any_axes(equation, x_shape, output_shape, into):
    """into: the kernel's axes of input, as one index of A; the others are one of B."""
    dense, x = keras.layers.EinsumDense(equation, output_shape, bias_axes=equation[-1]), drawn(*x_shape)
    before = dense(x).numpy()
    layer = LowRank(dense, 2, 3.0)
    layer.build()
    layer.install([])
    np.testing.assert_array_equal(layer(x), before)
    layer.b.assign(drawn(*layer.b.shape))
    w, a, b = dense.kernel.numpy(), layer.a.numpy(), layer.b.numpy()
    product = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        left, right = tuple(index[i] for i in into), tuple(index[i] for i in range(w.ndim) if i not in into)
        product[index] = sum(a[(*left, r)] * b[(r, *right)] for r in range(2))
    np.testing.assert_allclose(layer(x) - before, 1.5 * np.einsum(equation, x, product), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.kernel, w + 1.5 * product, rtol=1e-5, atol=1e-6)


def test_refused():
    dense = keras.layers.EinsumDense("ab,b->ab", (3,))
    with pytest.raises(ValueError, match="does not support 'ab,b->ab'"):
        LowRank(dense, 2, 1.0)
    with pytest.raises(ValueError, match="at least 1; got 0"):
        LowRank(keras.layers.Dense(2), 0, 1.0)


def test_nothing_changes_before_training():
    model = gpt()
    before = model(TOKENS).numpy()
    made = lora.attach(model, 2, 4.0, ["*"])
    assert len(made) == 2 * 6  # query, key, value, output, widen, narrow
    np.testing.assert_array_equal(model(TOKENS), before)
    assert np.abs(stirred(model)(TOKENS).numpy() - before).max() > 0.01


def test_names_choose_the_layers():
    model = gpt()
    made = lora.attach(model, 2, 4.0, ["query", "layer2/*/value"])
    assert list(made) == ["layer1/look/query", "layer2/look/query", "layer2/look/value"]
    assert isinstance(model.blocks[0].look.to_query, LowRank)
    assert type(model.blocks[0].look.to_value) is keras.layers.Dense
    with pytest.raises(ValueError, match="no name matches 'queries'; similar names: query"):
        lora.attach(gpt(), 2, 4.0, ["queries"])
    assert sorted(lora.kernels(model)) == [
        "layer1/feed/narrow", "layer1/feed/widen", "layer1/look/key", "layer1/look/output", "layer1/look/value",
        "layer2/feed/narrow", "layer2/feed/widen", "layer2/look/key", "layer2/look/output",
    ]  # fmt: skip


def test_paths_tell_where_a_and_b_stand():
    model = gpt(name="mine")
    made = lora.attach(model, 2, 4.0, ["layer2/look/query"])
    assert made["layer2/look/query"].a.path == "mine/layer2/look/query/lora_a"


def test_merged_is_the_same_function_and_leaves_no_trace():
    model = gpt(activation="relu")
    lora.attach(model, 2, 4.0, ["*"])
    stirred(model)
    weights = [weight.numpy().copy() for weight in model.weights]
    outputs = model(TOKENS).numpy()
    with lora.merged(model):
        assert not lora.adapters(model)
        assert len(model.weights) == len(gpt().weights)
        np.testing.assert_allclose(model(TOKENS), outputs, rtol=1e-4, atol=1e-5)
    assert len(lora.adapters(model)) == 12
    for before, weight in zip(weights, model.weights, strict=True):
        np.testing.assert_array_equal(before, weight)
    np.testing.assert_array_equal(model(TOKENS), outputs)


def test_merged_ends_after_an_error():
    model = gpt()
    lora.attach(model, 2, 4.0, ["query"])
    with pytest.raises(KeyError), lora.merged(model):
        raise KeyError
    assert len(lora.adapters(model)) == 2


def test_detached_is_the_base():
    model = gpt()
    before, order = model(TOKENS).numpy(), [weight.path for weight in model.weights]
    lora.attach(model, 2, 4.0, ["*"])
    lora.detach(stirred(model))
    np.testing.assert_array_equal(model(TOKENS), before)
    assert [weight.path for weight in model.weights] == order


def test_step_by_step_is_the_same():
    model = gpt(max_length=8)
    lora.attach(model, 2, 4.0, ["*"])
    full, state = stirred(model)(TOKENS).numpy(), model.start(2, 5)
    for i in range(5):
        logits, state = model.step(TOKENS[:, i : i + 1], state, i)
        np.testing.assert_allclose(logits, full[:, i], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "model, inputs, count",
    [
        (Transformer(1, 8, 2, 16, 7, 7, 5, 5), (TOKENS[:, :3] % 7, TOKENS[:, :4] % 7), 6 + 10 + 1),
        (LSTMLanguageModel(11, 4, 6), (TOKENS,), None),
    ],
    ids=["transformer", "lstm"],
)
def test_other_models(model, inputs, count):
    def outputs():
        result = model(*inputs)
        return (result[0] if isinstance(result, tuple) else result).numpy()

    before = outputs()
    made = lora.attach(model, 2, 4.0, ["*"])
    assert len(made) == count if count else len(made) >= 1
    np.testing.assert_array_equal(outputs(), before)
    stirred(model)
    after = outputs()
    assert np.abs(after - before).max() > 1e-3
    with lora.merged(model):
        np.testing.assert_allclose(outputs(), after, rtol=1e-4, atol=1e-5)


def test_half_precision():
    model = gpt(dtype="mixed_bfloat16")
    lora.attach(model, 2, 4.0, ["*"])
    layer = model.blocks[0].feed.widen
    assert (layer.a.dtype, layer(drawn(1, 2, 8)).dtype) == ("float32", "bfloat16")
    assert layer.kernel.dtype == "float32"


def test_its_config():
    dense = keras.layers.Dense(4, "relu", name="widen")
    layer = LowRank(dense, 2, 6.0)
    layer.build((None, 5))
    layer.install([])
    again = LowRank.from_config(layer.get_config())
    again.build((None, 5))
    assert (again.name, again.rank, again.alpha, again.activation) == ("widen", 2, 6.0, keras.activations.relu)
    again.set_weights(layer.get_weights())
    x = drawn(3, 5)
    np.testing.assert_array_equal(again(x), layer(x))


def test_what_cannot_be_replaced():
    sequential = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="query")])
    with pytest.raises(ValueError, match="query belongs to a functional or sequential model"):
        lora.attach(sequential, 2, 4.0, ["query"])

    class Late(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = keras.layers.Dense(2, name="head")

    with pytest.raises(ValueError, match="head has no weights yet: call the model once"):
        lora.attach(Late(), 2, 4.0, ["head"])
