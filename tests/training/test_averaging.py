"""Averaged weights against NumPy in float64, and who sees them when."""

import keras
import numpy as np
import pytest

from tfllm.training import LastAverage, MovingAverage, Recipe, average

RATE = {"learning_rate": 0.05, "schedule": "constant", "warmup": 0}


def assert_weights(result, expected, rtol=1e-6):
    for a, b in zip(result, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-7)


def test_average_is_the_mean_in_float64(tmp_path):
    rng = np.random.default_rng(0)
    sets = [[rng.normal(size=(3, 2)).astype("float32"), rng.normal(size=4).astype("float32")] for _ in range(7)]
    for i, arrays in enumerate(sets):
        np.savez(tmp_path / f"{i}.npz", *arrays)
    result = average(sorted(tmp_path.iterdir()))
    for k, array in enumerate(result):
        expected = sum(arrays[k].astype("float64") for arrays in sets) / 7
        assert array.dtype == np.float64
        np.testing.assert_allclose(array, expected, rtol=1e-15)


def test_average_of_nothing_and_of_a_torn_file(tmp_path):
    with pytest.raises(ValueError, match="no epoch has ended"):
        average([])
    (tmp_path / "torn.npz").write_bytes(b"PK half")
    with pytest.raises(ValueError, match=r"torn.npz: expected weights of one .* is not a zip file$"):
        average([tmp_path / "torn.npz"])


def test_last_epochs_are_averaged(small, watch, tmp_path):
    model = small.model(Recipe(**RATE))
    small.fit(model, [watch, LastAverage(tmp_path, 3)], epochs=5)
    ends = watch.batches[7::8]
    expected = [np.mean(np.stack(parts).astype("float64"), 0) for parts in zip(*ends[2:], strict=True)]
    assert_weights(small.weights(model), expected)
    assert_weights(small.weights(keras.saving.load_model(tmp_path / "average.keras")), expected)
    assert [path.name for path in sorted((tmp_path / "weights").iterdir())] == [
        "000003.npz", "000004.npz", "000005.npz"
    ]  # fmt: skip


def test_moving_average(small, watch, tmp_path):
    recipe = Recipe(ema=0.8, **RATE)
    model = small.model(recipe)
    small.fit(model, [watch, MovingAverage(tmp_path)], epochs=2)
    expected = watch.batches[0]
    for now in watch.batches[1:]:
        expected = [0.8 * old + 0.2 * new for old, new in zip(expected, now, strict=True)]
    assert_weights(small.weights(model), expected, rtol=1e-5)


@pytest.mark.parametrize("recipe", [Recipe(average=2, **RATE), Recipe(ema=0.8, **RATE)], ids=["last", "ema"])
def test_validation_sees_the_average_and_training_does_not(small, watch, tmp_path, recipe):
    averaging = MovingAverage(tmp_path) if recipe.ema else LastAverage(tmp_path, 2)
    model, again = small.model(recipe), small.model(recipe)
    history = small.fit(model, [watch, averaging], epochs=3).history
    small.fit(again, [plain := type(watch)()], epochs=3)
    for own, other in zip(watch.batches, plain.batches, strict=True):
        for a, b in zip(own, other, strict=True):
            np.testing.assert_array_equal(a, b)  # averaging changes no step of the training
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(small.x[:8], small.y[:8], verbose=0), rel=1e-5)
