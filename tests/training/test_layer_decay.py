"""The learning rate by layer against AdamW in NumPy, one rate for each."""

from contextlib import ExitStack

import keras
import numpy as np
import pytest

from tests.reference.lora import adam
from tfllm.models.gpt import GPT
from tfllm.training import LayerDecayAdam, Recipe, optimizer
from tfllm.training.layer_decay import scales

DEPTHS = {  # by name, in a model of 3 layers
    "gpt/embed/embeddings": 0,
    "gpt/place/table": 0,
    "gpt/layer1/look/query/kernel": 1,
    "gpt/layer2/feed/widen/bias": 2,
    "gpt/layer3/look/query/lora_a": 3,
    "gpt/norm/gamma": 4,
    "to_logits/kernel": 4,
}


def variables():
    result = []
    for path in DEPTHS:
        *above, name = path.split("/")
        with ExitStack() as scopes:
            for scope in above:
                scopes.enter_context(keras.name_scope(scope))
            result.append(keras.Variable(np.full(2, 0.5, "float32"), name=name))
    assert [weight.path for weight in result] == list(DEPTHS)
    return result


def test_the_depth_of_each_weight():
    assert scales(DEPTHS, 0.5) == [0.5 ** (4 - depth) for depth in DEPTHS.values()]
    paths = ["t/encoder_layer2/x", "t/decoder_layer2/x", "t/encoder_layer1/x", "t/embed_input/x"]
    assert scales(paths, 0.5) == [0.5, 0.5, 0.25, 0.125]
    assert scales(["layer_0/x", "layer_1/x", "token_embedding/x", "head/x"], 0.5) == [0.25, 0.5, 0.125, 1.0]
    assert scales(["layer12/x", "layer2/x", "head/x"], 0.5) == [0.5, 0.5**11, 1.0]
    assert scales(["layer1/x", "tokens/x"], 0.5, bottom=["tok*"]) == [0.5, 0.25]


def test_weights_without_layers_are_an_error():
    with pytest.raises(ValueError, match="numbered layers, such as layer1"):
        scales(["dense/kernel", "player3x/kernel"], 0.9)


@pytest.mark.parametrize("decay", [0.0, 1.5])
def test_refused(decay):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        LayerDecayAdam(decay=decay)
    with pytest.raises(ValueError, match="layer_decay must be above 0 and at most 1"):
        Recipe(layer_decay=decay)


def test_one_step_follows_the_decay_exactly():
    made = variables()
    trained = LayerDecayAdam(0.01, decay=0.5)
    trained.build(made)
    trained.apply([keras.ops.convert_to_tensor([3.0, -0.2])] * len(made))
    steps = np.array([0.5 - weight.numpy() for weight in made])
    expected = [0.5 ** (4 - depth) for depth in DEPTHS.values()]
    np.testing.assert_allclose(steps / steps[-1], np.array(expected)[:, None] * np.ones(2), rtol=1e-4)


@pytest.mark.parametrize("weight_decay", [None, 0.1])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_several_steps_are_adams(weight_decay, jit_compile):
    gradients = np.random.default_rng(0).normal(size=(5, 2))
    made, trained = variables(), LayerDecayAdam(0.01, 0.7, weight_decay=weight_decay)
    trained.build(made)

    def step(gradient):
        trained.apply([gradient] * len(made))

    if jit_compile:
        import tensorflow as tf

        step = tf.function(step, jit_compile=True)
    for gradient in gradients:
        step(keras.ops.convert_to_tensor(gradient, "float32"))
    for weight, depth in zip(made, DEPTHS.values(), strict=True):
        rates = [0.01 * 0.7 ** (4 - depth)] * 5
        expected = adam(np.full(2, 0.5), gradients, rates, weight_decay or 0.0)
        np.testing.assert_allclose(weight, expected, rtol=1e-5)


def test_weights_may_be_left_out_of_the_weight_decay():
    made, trained = variables(), LayerDecayAdam(0.01, weight_decay=0.5)
    trained.exclude_from_weight_decay(var_names=["bias"])
    trained.build(made)
    trained.apply([keras.ops.zeros(2)] * len(made))
    kept = {path for path, weight in zip(DEPTHS, made, strict=True) if (weight.numpy() == 0.5).all()}
    assert kept == {"gpt/layer2/feed/widen/bias"}


def test_the_recipe_makes_one():
    made = optimizer(Recipe(layer_decay=0.8, weight_decay=0.1, clip_norm=2.0, learning_rate=0.5, warmup=2))
    assert isinstance(made, LayerDecayAdam)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(made))
    assert again.get_config() == made.get_config()
    assert (again.decay, again.shrink, again.global_clipnorm, again.epsilon) == (0.8, 0.1, 2.0, 1e-9)
    assert float(again.learning_rate) == 0.25
    assert type(optimizer(Recipe())) is keras.optimizers.Adam


def test_fit_saves_and_goes_on(tmp_path):
    x = np.random.default_rng(0).integers(0, 11, (8, 5)).astype("int32")
    keras.utils.set_random_seed(0)
    model = GPT(11, max_length=6, num_layers=2, d_model=8, num_heads=2, rate=0.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(LayerDecayAdam(0.01, 0.5, epsilon=1e-12), loss, run_eagerly=True)
    gains = [block.add_look.norm.gamma for block in model.blocks]  # 1 before training
    model.fit(x, x, batch_size=8, verbose=0)
    moved = [np.abs(gain.numpy() - 1).max() for gain in gains]
    assert moved[0] / moved[1] == pytest.approx(0.5, rel=1e-2)
    model.save(tmp_path / "gpt.keras")
    again = keras.saving.load_model(tmp_path / "gpt.keras")
    for one in (model, again):
        one.fit(x, x, batch_size=8, epochs=2, shuffle=False, verbose=0)
    for left, right in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(left, right)
