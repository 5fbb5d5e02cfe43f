"""A small language model of one kind of text is tuned by LoRA to another, and used in every way of running a task."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tfllm import training
from tfllm.layers import lora, names
from tfllm.models.gpt import GPT
from tfllm.tasks import LanguageModel
from tfllm.text import Bytes

PROMPTS = ["Monday", "The ", "on the 3", ""]
OPTIONS = {"max_length": 24, "temperature": 0.8, "seed": 3}


def words(size, seed):
    """Sentences of a few words."""
    draw = np.random.default_rng(seed)
    nouns, verbs = ["cat", "dog", "bird", "horse"], ["sees", "hears", "likes"]
    return [f"the {draw.choice(nouns)} {draw.choice(verbs)} the {draw.choice(nouns)}." for _ in range(size)]


def dates(size, seed):
    """Other words in another order, and numbers."""
    draw = np.random.default_rng(seed)
    days, months = ["Monday", "Tuesday", "Friday"], ["January", "June", "October"]
    return [f"{draw.choice(days)}, {draw.integers(1, 29)} {draw.choice(months)} {draw.integers(1990, 2030)}"
            for _ in range(size)]  # fmt: skip


def compiled(task, rate):
    task.compile(keras.optimizers.Adam(rate), jit_compile=False)
    return task


def loss(task):
    return task.evaluate(dates(64, seed=9), batch_size=64, verbose=0, return_dict=True)["loss"]


@pytest.fixture(scope="module")
def base():
    keras.utils.set_random_seed(0)
    model = GPT(260, max_length=32, num_layers=1, d_model=64, num_heads=2, rate=0.0)
    task = compiled(LanguageModel(model, Bytes(), length=32), 3e-3)
    task.fit(words(320, seed=0), batch_size=32, epochs=4, verbose=0)
    return task


@pytest.fixture(scope="module")
def tuned(base, tmp_path_factory):
    """A copy of the base with LoRA trained on dates: (task, its loss on other dates before, and after)."""
    path = tmp_path_factory.mktemp("base") / "base.keras"
    base.save(path)
    task = tfllm.load_model(path)
    assert training.lora(task, rank=8).share < 0.05
    before = loss(task)
    compiled(task, 1e-2).fit(dates(320, seed=1), batch_size=32, epochs=5, verbose=0)
    return task, before, loss(task)


@pytest.mark.slow
def test_lora_learns_new_text(base, tuned):
    task, frozen, after = tuned
    assert after < 0.7 * frozen and frozen == pytest.approx(loss(base))
    there = names.weights(task)
    for name, weight in names.weights(base).items():
        np.testing.assert_array_equal(weight, there.pop(name))
    assert sorted(there) == [f"layer1/look/{part}/lora_{matrix}" for part in ("query", "value") for matrix in "ab"]


@pytest.mark.slow
def test_all_ways_of_running_agree(base, tuned, tmp_path):
    tuned, _, _ = tuned
    output, inputs = tuned.generate(PROMPTS, **OPTIONS), tuned.prepare(dates(4, seed=2)).to_tensor()

    tuned.save(tmp_path / "tuned.keras")
    again = tfllm.load_model(tmp_path / "tuned.keras")
    assert len(lora.adapters(again)) == 2 and again.generate(PROMPTS, **OPTIONS) == output

    training.save_adapter(tuned, tmp_path / "dates.npz")
    assert (tmp_path / "dates.npz").stat().st_size < 0.1 * (tmp_path / "tuned.keras").stat().st_size
    assert base.generate(PROMPTS, **OPTIONS) != output
    training.load_adapter(base, tmp_path / "dates.npz")
    assert base.generate(PROMPTS, **OPTIONS) == output  # what was traced of it is forgotten
    training.remove_adapter(base)

    folder = tuned.export(tmp_path / "served", tfllm.tasks.Continuation(**OPTIONS))
    assert len(lora.adapters(tuned)) == 2  # the task itself still has it
    served = tf.saved_model.load(folder)
    result = served.signatures["serving_default"](texts=tf.constant(PROMPTS))["text"].numpy()
    assert [text.decode("utf-8", "replace") for text in result] == output
    queries = [key for key, _ in tf.train.list_variables(f"{folder}/variables/variables") if ".Squery.S" in key]
    assert sorted(key.split(".Squery.S")[1].split("/")[0] for key in queries) == ["bias", "kernel"]

    logits = tuned.predict(inputs, verbose=0)
    training.merge(again)
    np.testing.assert_allclose(again.predict(inputs, verbose=0), logits, atol=1e-5)
