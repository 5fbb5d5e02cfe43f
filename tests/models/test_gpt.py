"""GPT against loops, and by the laws of a causal model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tests.models import laws
from tests.reference import gpt as reference
from tests.reference import positions
from tfllm.layers import masks
from tfllm.models.configs import GPTConfig
from tfllm.models.gpt import GPT

LAYERS, D, H, V = 2, 24, 4, 17
TEXTS = np.array([[2, 5, 11, 4, 6], [2, 8, 3, 9, 5]])  # [B, T]
B, T = TEXTS.shape
SIZES = dict(vocab_size=V, max_length=9, num_layers=LAYERS, d_model=D, num_heads=H, rate=0.0)
LEAN = dict(positions="rotary", max_length=None, num_kv_heads=2, tied=False, use_bias=False, dff=7, epsilon=1e-3)
VARIANTS = {"gpt2": {}, "lean": LEAN}


def build(**options):
    return parts.scatter(GPT(**SIZES | options))


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS)
def model(request):
    return build(**request.param)


def turned(x):
    """Rotations in our order of a head's numbers: pair i is (x_i, x_{i + K/2})."""
    order = np.arange(D // H).reshape(2, -1).T.ravel()
    return positions.rotary(x[:, order])[:, np.argsort(order)]


def test_it_is_the_paper_s(model):
    logits, weights = model(TEXTS), model.attention(TEXTS)
    assert list(weights) == ["layer1", "layer2"]
    options = {"turn": turned} if model.positions == "rotary" else {}
    for b in range(B):
        heads = model.blocks[0].look.num_kv_heads
        expected, blocks = reference.gpt(TEXTS[b], parts.gpt(model), H, model.numbers["epsilon"], heads, **options)
        np.testing.assert_allclose(logits[b], expected, atol=1e-4)
        for result, right in zip(weights.values(), blocks, strict=True):
            np.testing.assert_allclose(result[b], right, atol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["plain", "XLA"])
def test_a_prompt_of_any_length_in_a_graph(model, jit_compile):
    """A prefill of two prompts of unequal length, then steps from the end of the shorter one."""
    whole, length = model(TEXTS).numpy(), 8
    prompts = np.where([[True] * 4, [True] * 2 + [False] * 2], TEXTS[:, :4], masks.PAD)

    def run(prompts, texts):
        x, state = model.features(prompts, model.start(tf.shape(prompts)[0], length))
        result = [model.logits(x)[:, 1]]
        for t in range(2, T):
            logits, state = model.step(texts[:, t : t + 1], state, tf.constant(t))
            result.append(logits)
        return tf.stack(result, axis=1)

    signature = None if jit_compile else [tf.TensorSpec([None, None], tf.int32)] * 2
    graph = tf.function(run, input_signature=signature, jit_compile=jit_compile, autograph=False)
    result = graph(tf.constant(prompts, tf.int32), tf.constant(TEXTS, tf.int32))
    np.testing.assert_allclose(result, whole[:, 1:], atol=1e-5)
    if not jit_compile:  # nothing that only XLA knows: it is served anywhere
        kinds = {op.type for op in graph.get_concrete_function().graph.get_operations()}
        assert "GatherV2" in kinds and not [kind for kind in kinds if kind.startswith("Xla")]


def test_without_positions_a_prompt_in_another_order_is_the_same():
    """The witness that rotary positions are positions: turned off, order is lost."""
    model = build(num_layers=1, positions="rotary")
    other = TEXTS[:, [1, 0, 2, 3, 4]]
    assert np.abs(model(other)[:, -1] - model(TEXTS)[:, -1]).max() > 1e-3
    model.blocks[0].look.rotary = None
    np.testing.assert_allclose(model(other)[:, -1], model(TEXTS)[:, -1], atol=1e-5)


def test_a_rotary_model_sees_distances_alone():
    """The same text at places 0 .. 4 and at 100 .. 104."""
    model = build(**LEAN)
    x, _ = model.features(TEXTS, position=100)
    np.testing.assert_allclose(model.logits(x), model(TEXTS), atol=2e-4)


def test_saved_and_loaded_it_is_the_same(model, tmp_path):
    laws.assert_saved_is_the_same(model, TEXTS, tmp_path)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["plain", "XLA"])
def test_it_learns_one_batch(jit_compile):
    laws.assert_learns_one_batch(GPT(**SIZES), TEXTS[:, 1:], jit_compile, epochs=40, rate=0.01)


def test_a_loss_reaches_every_weight(model):
    """All but the keys' biases, which move every score of a query alike, if nothing is rotated."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(TEXTS, training=True)[..., 3] ** 2)
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True):
        size = np.abs(tf.convert_to_tensor(gradient)).max()
        assert size < 1e-3 if weight.path.endswith("key/bias") else size > 1e-2, weight.path


def test_every_dropout_acts_and_only_in_training():
    """Each alone, the others set to 0: one on the embeddings, three in each block; `features` hands `training` down."""
    model = build(rate=0.5, num_layers=1)
    drops = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dropout)]
    calm = model(TEXTS).numpy()
    assert len(drops) == 1 + 3
    np.testing.assert_array_equal(model(TEXTS, training=False), calm)
    for chosen in drops:
        for layer in drops:
            layer.rate = 0.5 if layer is chosen else 0
        for logits in (model(TEXTS, training=True), model.logits(model.features(TEXTS, training=True)[0])):
            assert np.abs(logits - calm).max() > 1e-3, chosen.path


def test_first_values_are_the_paper_s():
    keras.utils.set_random_seed(0)
    model = GPT(500, 100, 8, 64, 4, tied=False)
    spread = {}
    for weight in model.weights:
        kind = "/".join(weight.path.split("/")[-2:])
        if kind.endswith(("kernel", "embeddings", "table")):
            spread.setdefault(kind, []).append(float(keras.ops.std(weight)))
        else:
            assert (weight.numpy() == (1.0 if kind.endswith("gamma") else 0.0)).all(), kind
    residual = {"output/kernel", "narrow/kernel"}
    for kind, result in spread.items():
        np.testing.assert_allclose(result, 0.02 / 4 if kind in residual else 0.02, rtol=0.06, err_msg=kind)
    assert len(spread) == 9 and {len(result) for result in spread.values()} == {1, 8}
    look = [block.look for block in model.blocks[:2]]
    kernels = [part.kernel.numpy() for one in look for part in (one.to_query, one.to_key)]
    assert all(np.abs(a - b).max() > 1e-3 for i, a in enumerate(kernels) for b in kernels[:i])


def test_the_size_of_gpt2():
    """124,439,808 weights: 12 layers, 768, 50,257 tokens, 1,024 places; counted by hand, no weight is made."""
    vocabulary, positions, d = 50257, 1024, 768
    block = 4 * (d * d + d) + 2 * 4 * d * d + 4 * d + d + 2 * 2 * d
    assert vocabulary * d + positions * d + 12 * block + 2 * d == 124_439_808
    model = GPT(V, 9, LAYERS, D, H)
    block = 4 * (D * D + D) + 2 * 4 * D * D + 4 * D + D + 2 * 2 * D
    assert model.count_params() == V * D + 9 * D + LAYERS * block + 2 * D


@pytest.mark.parametrize(("policy", "near"), [("mixed_bfloat16", 0.05), ("mixed_float16", 0.01)])
def test_half_precision_is_near_the_whole(model, policy, near):
    """Root mean square of the difference, relative to the logits' spread; in one piece and with a state."""
    half = GPT.from_config(model.get_config() | {"dtype": policy})
    half.set_weights(model.get_weights())
    logits, expected = half(TEXTS), model(TEXTS).numpy()
    assert logits.dtype.name == policy.removeprefix("mixed_") and half.weights[0].dtype == "float32"
    assert np.std(np.float32(logits) - expected) < near * expected.std()
    x, state = half.features(TEXTS, half.start(B, T + 1))
    assert {part.dtype.name for pair in state for part in pair} == {logits.dtype.name}
    assert np.std(np.float32(half.logits(x)) - expected) < near * expected.std()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"positions": "sinusoidal"}, "positions must be one of .*'rotary'.* got 'sinusoidal'"),
        ({"max_length": None}, "learned positions need max_length"),
        ({"num_heads": 5}, "d_model must be a multiple of num_heads; got 24 and 5"),
        ({"num_kv_heads": 3}, "num_heads must be a multiple of num_kv_heads; got 4 and 3"),
    ],
)
def test_impossible_sizes_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        GPT(**SIZES | options)


@pytest.mark.parametrize("kind", ["learned", "rotary"])
def test_more_tokens_than_it_takes_are_refused(kind):
    model = build(positions=kind)
    with pytest.raises(ValueError, match="positions for 9 tokens, got 10"):
        model(np.ones((1, 10), int))
    with pytest.raises(ValueError, match="takes 9 tokens; got a state for 10"):
        model.start(1, 10)


def test_the_config_has_the_arguments():
    assert set(GPTConfig.__dataclass_fields__) | {"vocab_size"} == set(build().numbers)
