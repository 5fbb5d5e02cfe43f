"""Magnitude pruning: exactly the smallest weights are 0, and stay so in further training, in a graph or not."""

import keras
import numpy as np
import pytest

from tests.training.test_freezing import X, Y, compiled, gpt, moved  # noqa: F401  gpt is a fixture
from tfllm import training
from tfllm.layers import names


def kernels(model):
    return {name: weight.numpy() for name, weight in names.weights(model).items() if name.endswith("kernel")}


def test_the_smallest_weights_become_zero(gpt):  # noqa: F811
    before = kernels(gpt)
    shares = training.prune(gpt, 0.3)
    assert shares.keys() == before.keys()
    for name, after in kernels(gpt).items():
        zeros = after == 0
        assert zeros.sum() == round(0.3 * after.size) and shares[name] == zeros.mean()
        assert np.abs(before[name][zeros]).max() <= np.abs(before[name][~zeros]).min()
        assert (after[~zeros] == before[name][~zeros]).all()


@pytest.mark.parametrize("eagerly", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_zeros_stay_in_training_and_others_move(gpt, eagerly):  # noqa: F811
    compiled(gpt, keras.optimizers.Adam(0.01, weight_decay=0.1))
    if not eagerly:
        gpt.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    gpt.fit(X, Y, batch_size=4, verbose=0)  # traced before it is pruned
    training.prune(gpt, 0.5)
    zeros = {name: value == 0 for name, value in kernels(gpt).items()}
    assert moved(gpt, epochs=2) >= kernels(gpt).keys()
    for name, value in kernels(gpt).items():
        assert ((value == 0) == zeros[name]).all()


def test_a_loaded_model_finds_its_zeros_again(gpt, tmp_path):  # noqa: F811
    training.prune(compiled(gpt), 0.5)
    gpt.save(tmp_path / "gpt.keras")
    other = keras.saving.load_model(tmp_path / "gpt.keras")
    training.prune(other, 0.5)
    for name, value in kernels(gpt).items():
        assert (kernels(other)[name] == value).all()


def test_one_matrix_and_the_end_of_pruning(gpt):  # noqa: F811
    shares = training.prune(compiled(gpt), 0.5, "*layer1/feed/widen/kernel")
    assert len(shares) == 1
    assert training.prune(gpt, 0.0, *shares) == dict.fromkeys(shares, 0.0)
    gpt.fit(X, Y, batch_size=4, verbose=0)
    assert np.mean(kernels(gpt)[next(iter(shares))] == 0) < 0.5


def test_mistakes(gpt):  # noqa: F811
    with pytest.raises(ValueError, match="sparsity must be 0 or more and below 1; got 1"):
        training.prune(gpt, 1)
    with pytest.raises(ValueError, match="nothing"):
        training.prune(gpt, 0.5, "nothing")
