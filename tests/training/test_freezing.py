"""Freezing by name: what is trained afterwards, compiled or not, saved or not."""

import keras
import numpy as np
import pytest

from tfllm import training
from tfllm.layers import names
from tfllm.models.gpt import GPT

X = np.random.default_rng(0).integers(0, 11, (8, 5)).astype("int32")
Y = (X + 1) % 11


@pytest.fixture
def gpt():
    keras.utils.set_random_seed(0)
    return GPT(11, max_length=6, num_layers=2, d_model=8, num_heads=2, rate=0.0)


def compiled(model, optimizer="adam"):
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    return model


def moved(model, epochs=1):
    """The names of the weights that `fit` changes."""
    before = {name: weight.numpy().copy() for name, weight in names.weights(model).items()}
    model.fit(X, Y, batch_size=4, epochs=epochs, verbose=0)
    return {name for name, weight in names.weights(model).items() if (weight.numpy() != before[name]).any()}


def test_only_what_is_not_frozen_moves(gpt):
    count = training.freeze(gpt, "embed*", "layer1/*")
    kept = {name for name in names.weights(gpt) if not name.startswith(("embed", "layer1/"))}
    assert moved(compiled(gpt)) <= kept and moved(gpt) >= {"layer2/feed/widen/kernel", "place/table"}
    assert count.total == gpt.count_params() == count.trained + 11 * 8 + count_of(gpt.blocks[0])


def count_of(layer):
    return sum(int(np.prod(weight.shape)) for weight in layer.weights)


def test_the_count_is_readable(gpt):
    training.freeze(gpt, "*")
    count = training.unfreeze(gpt, "embed")
    assert str(count) == f"88 of {gpt.count_params():,} weights are trained ({88 / gpt.count_params():.1%})"
    assert count.share == 88 / gpt.count_params()
    assert training.trained(gpt) == count


def test_the_count_is_logged(gpt, caplog):
    with caplog.at_level("INFO", "tfllm"):
        count = training.freeze(gpt, "norm")
    assert str(count) in caplog.text


def test_a_compiled_model_is_compiled_anew_with_its_settings(gpt):
    compiled(gpt, keras.optimizers.Adam(0.02, beta_1=0.8))
    gpt.fit(X, Y, verbose=0)
    old = gpt.optimizer
    training.freeze(gpt, "*")
    training.unfreeze(gpt, "layer2")
    assert gpt.optimizer is not old and int(gpt.optimizer.iterations) == 0
    assert gpt.optimizer.get_config() == old.get_config()
    result = moved(gpt)
    assert result and all(name.startswith("layer2/") for name in result)
    training.unfreeze(gpt, "layer1/look")
    assert "layer1/look/query/kernel" in moved(gpt)


def test_an_uncompiled_model_stays_so(gpt):
    training.freeze(gpt, "norm")
    assert not gpt.compiled


def test_kerass_own_flag_of_the_model_is_undone(gpt):
    gpt.trainable = False
    assert training.trained(gpt).trained == 0
    assert training.unfreeze(gpt, "norm").trained == 5 * 2 * 8  # in the blocks too


def test_predictions_forget_what_was_traced(gpt):
    before = gpt.predict(X, verbose=0)
    training.lora(gpt, rank=2)
    gpt.blocks[0].look.to_query.b.assign(np.ones((2, 8)))
    assert np.abs(gpt.predict(X, verbose=0) - before).max() > 1e-4


def test_a_file_remembers(gpt, tmp_path):
    training.freeze(gpt, "embed", "layer1")
    compiled(gpt).fit(X, Y, verbose=0)
    gpt.save(tmp_path / "gpt.keras")
    again = keras.saving.load_model(tmp_path / "gpt.keras")
    assert training.trained(again) == training.trained(gpt)
    assert int(again.optimizer.iterations) == int(gpt.optimizer.iterations)
    assert moved(again) == moved(gpt)
    for name, weight in names.weights(again).items():
        np.testing.assert_array_equal(weight, names.weights(gpt)[name])


def test_an_unknown_name_is_an_error_and_nothing_is_frozen(gpt):
    with pytest.raises(ValueError, match="no name matches 'embedd'; similar names: embed"):
        training.freeze(gpt, "norm", "embedd")
    assert training.trained(gpt).share == 1
