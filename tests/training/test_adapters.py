"""Fine-tuning by LoRA: what moves, what a file keeps, what remains after merging."""

import keras
import numpy as np
import pytest

from tfllm import training
from tfllm.layers import lora as layers
from tfllm.layers import names
from tfllm.models.configs import GPTConfig
from tfllm.models.gpt import GPT

X = np.random.default_rng(0).integers(0, 11, (8, 5)).astype("int32")
Y = (X + 1) % 11


def gpt(seed=0, **options):
    keras.utils.set_random_seed(seed)
    sizes = {"vocab_size": 11, "max_length": 6, "num_layers": 2, "d_model": 8, "num_heads": 2, "rate": 0.0}
    return GPT(**sizes | options)


def fitted(model, epochs=2, jit_compile=False):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=jit_compile, run_eagerly=not jit_compile)
    model.fit(X, Y, batch_size=4, epochs=epochs, shuffle=False, verbose=0)
    return model


def values(model):
    return {name: np.array(weight.numpy()) for name, weight in names.weights(model).items()}


def assert_same(left, right):
    assert list(left) == list(right)
    for name in left:
        np.testing.assert_array_equal(left[name], right[name])


@pytest.mark.parametrize("jit_compile", [False, True])
def test_only_lora_moves(jit_compile):
    model = gpt()
    before = values(model)
    count = training.lora(model, rank=2, alpha=4)
    assert count.trained == 2 * 2 * 2 * (8 + 8)  # layers, query and value, rank, d + k
    fitted(model, jit_compile=jit_compile)
    after = values(model)
    assert {name for name in after if name not in before} == {
        f"layer{i}/look/{part}/lora_{matrix}" for i in (1, 2) for part in ("query", "value") for matrix in "ab"
    }
    assert all(np.abs(after[name]).max() > 0 for name in after if name.endswith("lora_b"))
    assert_same(before, {name: after[name] for name in before})


def test_more_is_trained_where_asked():
    model = gpt()
    training.lora(model, rank=2, names="*")
    training.unfreeze(model, "norm")
    before = values(model)
    after = values(fitted(model))
    moved = {name for name in after if (after[name] != before[name]).any()}
    assert {"norm/gamma", "layer1/add_feed/norm/beta", "layer1/feed/widen/lora_b"} <= moved
    assert all("norm" in name.split("/") or "lora" in name for name in moved)


def test_merged_gives_the_same_answers_with_plain_kernels():
    model = gpt()
    training.lora(model, rank=2, names="*")
    outputs = fitted(model, 4)(X).numpy()
    count = training.merge(model)
    np.testing.assert_allclose(model(X), outputs, atol=1e-5)
    assert list(names.weights(model)) == list(names.weights(gpt()))
    assert count.share == 1
    fitted(model)  # all of it


def test_removed_is_the_base():
    model = gpt()
    before = values(model)
    training.lora(model, rank=2)
    training.remove_adapter(fitted(model))
    assert_same(before, values(model))


def test_the_adapter_is_a_small_file_of_its_own(tmp_path):
    base, tuned = gpt(), gpt()
    training.lora(tuned, rank=2, alpha=6.0, names=("query", "layer2/feed/*"))
    count = training.trained(fitted(tuned))
    path = tmp_path / "reversed.npz"
    training.save_adapter(tuned, path)
    with np.load(path) as file:
        assert sum(file[name].size for name in file.files if "lora" in name) == count.trained
    assert [result.name for result in tmp_path.iterdir()] == [path.name]
    assert training.load_adapter(base, path) == count
    assert_same(values(base), values(tuned))
    np.testing.assert_array_equal(base(X), tuned(X))
    fitted(base)  # goes on


def test_one_base_many_adapters(tmp_path):
    model = gpt()
    outputs = {}
    for seed in (1, 2):
        training.lora(model, rank=2)
        for layer in layers.adapters(model).values():
            layer.b.assign(np.random.default_rng(seed).normal(size=layer.b.shape))
        outputs[seed] = model(X).numpy()
        training.save_adapter(model, tmp_path / f"{seed}.npz")
        training.remove_adapter(model)
    for seed in (1, 2, 1):  # the second and third time in the place of another
        training.load_adapter(model, tmp_path / f"{seed}.npz")
        np.testing.assert_array_equal(model(X), outputs[seed])


def test_what_does_not_fit_is_refused(tmp_path):
    model = gpt()
    training.lora(model, rank=2)
    training.save_adapter(model, tmp_path / "a.npz")
    with pytest.raises(ValueError, match="already has LoRA: merge it"):
        training.lora(model)
    with pytest.raises(ValueError, match="the model has no LoRA"):
        training.merge(gpt())
    with pytest.raises(ValueError, match="does not fit the kernel of layer1/look/query, which is .12, 12."):
        training.load_adapter(gpt(d_model=12), tmp_path / "a.npz")
    with pytest.raises(ValueError, match="a layer 'layer2/look/query'; this model has .*layer1/look/query"):
        training.load_adapter(gpt(num_layers=1), tmp_path / "a.npz")
    other = gpt()
    training.lora(other, rank=3)
    with pytest.raises(ValueError, match="another LoRA"):
        training.load_adapter(other, tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=X)
    with pytest.raises(ValueError, match="contains no LoRA"):
        training.load_adapter(gpt(), tmp_path / "b.npz")


def test_training_goes_on_after_saving_as_if_nothing_had_been(tmp_path):
    """What Keras' enable_lora does not do: see docs/decisions.md."""
    model = gpt()
    training.lora(model, rank=2, alpha=6.0, names="*")
    fitted(model).save(tmp_path / "gpt.keras")
    again = keras.saving.load_model(tmp_path / "gpt.keras")
    assert training.trained(again) == training.trained(model)
    assert {name: layer.alpha for name, layer in layers.adapters(again).items()} == {
        name: 6.0 for name in layers.adapters(model)
    }
    for trained in (model, again):
        trained.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    assert_same(values(model), values(again))


@pytest.mark.slow
def test_a_run_is_resumed(tmp_path):
    recipe = training.Recipe(epochs=2, warmup=2, learning_rate=0.01)

    def model():
        made = gpt(rate=0.1)
        training.lora(made, rank=2)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        made.compile(training.optimizer(recipe), loss, run_eagerly=True)
        return made

    def fit(model, folder, first, last):
        model.fit(X, Y, batch_size=4, initial_epoch=first, epochs=last, shuffle=False, verbose=0,
                  validation_data=(X, Y), callbacks=training.callbacks(folder, recipe))  # fmt: skip
        return values(model)

    straight = fit(model(), tmp_path / "straight", 0, 2)
    fit(model(), tmp_path / "broken", 0, 1)
    again, epoch = training.resume(tmp_path / "broken")
    assert_same(fit(again, tmp_path / "broken", epoch, 2), straight)


def test_rank_8_is_under_5_per_cent_of_the_default_gpt():
    model = GPT(8000, **vars(GPTConfig()))
    assert training.lora(model, rank=8).share < 0.05
    training.merge(model)
    assert training.lora(model, rank=8, names="*").share < 0.05  # of every dense layer, too
