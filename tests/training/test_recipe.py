"""Recipe: what is refused, and what the optimizer does with it, against NumPy."""

import keras
import numpy as np
import pytest

from tfllm.training import Recipe, optimizer
from tfllm.training.recipe import schedule


@pytest.mark.parametrize(
    "values, message",
    [
        ({"epochs": 0}, "epochs must be .*, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"beta_2": 1.0}, "beta_2 must be 0 or more and below 1, got 1.0"),
        ({"patience": 0}, "patience must be above 0"),
        ({"schedule": "cosine"}, r"'cosine' ends at `updates`: set Recipe\(updates=...\)"),
        ({"updates": 100, "warmup": 100}, "not more than the warm-up"),
        ({"ema": 0.9, "average": 2}, "only one of the two"),
    ],
)
def test_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**values)


def adam(gradients, rates, recipe):
    """Kingma and Ba 2015, algorithm 1, with all gradients of a step scaled to the longest allowed norm."""
    w, m, v = 0.0, 0.0, 0.0
    for t, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), 1):
        gradient = gradient * min(1.0, recipe.clip_norm / np.linalg.norm(gradient))
        m = recipe.beta_1 * m + (1 - recipe.beta_1) * gradient
        v = recipe.beta_2 * v + (1 - recipe.beta_2) * gradient**2
        m_hat, v_hat = m / (1 - recipe.beta_1**t), v / (1 - recipe.beta_2**t)
        w = w - rate * m_hat / (np.sqrt(v_hat) + recipe.epsilon)
    return w


@pytest.mark.parametrize("accumulate", [1, 3])
def test_optimizer_is_adam_with_warmup_and_clipping(accumulate):
    recipe = Recipe(learning_rate=0.1, warmup=3, clip_norm=1.5, accumulate=accumulate)
    gradients = np.random.default_rng(0).normal(size=(8, 2))
    rates = [0.1 * min(step / 3, (3 / step) ** 0.5) for step in range(1, 9)]
    variable, trained = keras.Variable(np.zeros(2, "float32")), optimizer(recipe)
    trained.build([variable])
    for gradient in gradients:
        for _ in range(accumulate):  # batches with the same gradient are one update
            trained.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
    np.testing.assert_allclose(variable.numpy(), adam(gradients, rates, recipe), rtol=1e-5)
    assert int(trained.iterations) == 8


def test_optimizer_survives_its_config():
    recipe = Recipe(schedule="cosine", updates=9, warmup=2, weight_decay=0.01, ema=0.9, clip_norm=2.0)
    made = optimizer(recipe)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(made))
    assert again.get_config() == made.get_config()
    assert (again.weight_decay, again.ema_momentum, again.global_clipnorm) == (0.01, 0.9, 2.0)
    assert float(again.learning_rate) == pytest.approx(0.0005)


@pytest.mark.parametrize("kind", ["inverse_root", "linear", "cosine", "constant"])
def test_accumulating_batches_stretches_the_schedule(kind):
    plain, stretched = (
        schedule(Recipe(schedule=kind, updates=10, warmup=4, accumulate=accumulate)) for accumulate in (1, 5)
    )
    for update in range(10):  # the last batch of an update makes it
        assert float(plain(update)) == pytest.approx(float(stretched(5 * update + 4)), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    "options, batches, expected",
    [
        ({}, None, 1000),
        ({}, 50_000, 1000),
        ({}, 400, 40),
        ({}, 4, 1),
        ({"accumulate": 2}, 400, 40),  # 200 updates, so 20 of them
        ({"updates": 100}, 400, 10),
        ({"warmup": 7}, 400, 7),
        ({"warmup": 0}, 400, 0),
    ],
)
def test_a_warmup_left_open_is_a_tenth_at_most(options, batches, expected):
    assert schedule(Recipe(**options), batches).warmup == expected
