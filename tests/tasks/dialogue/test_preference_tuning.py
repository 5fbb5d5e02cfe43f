"""PreferenceTuning: eq. 7 of Rafailov et al. 2023 and its gradient, by loops; what it changes, and what it leaves."""

import keras
import numpy as np
import pytest

from tests.tasks.dialogue.exchanges import SPEAKERS, untrained
from tests.tasks.text_generation.fading import fading
from tfllm.models import GPTConfig, Seq2SeqRNNConfig
from tfllm.tasks import DialogueGenerator, PreferenceTuning
from tfllm.training import lora

pytestmark = pytest.mark.usefixtures("eager")
PAIRS = {
    "dialogue": ["you are bad !", "system\tbe kind\none\ntwo", "one"],
    "chosen": ["I am sorry .", "three four", "two two one"], "rejected": ["So are you .", "", " one\n two"],
}  # fmt: skip


@pytest.fixture
def generator():
    tokenizer = untrained(GPTConfig(max_length=48, num_layers=1, d_model=8, num_heads=2, rate=0.0)).tokenizer
    return DialogueGenerator(fading(tokenizer.vocab_size, seed=3, max_length=48), tokenizer, SPEAKERS, reply_length=6)


def log_probability(generator, dialogue, reply):
    """Token by token; a reply of more than 5 tokens and END is truncated."""
    history = generator.prompts([dialogue])[0].to_list()[0]
    ids = [*generator.tokenizer.encode([" ".join(reply.split())]).to_list()[0][:5], generator.tokenizer.end]
    total = 0.0
    for i, token in enumerate(ids):
        logits = generator.model(np.array([history + ids[:i]])).numpy()[0, -1].astype("float64")
        total += logits[token] - np.log(np.exp(logits).sum())
    return total


def margins(generator, first, beta=0.3):
    rows = [[log_probability(generator, dialogue, reply) for reply in replies]
            for dialogue, *replies in zip(*PAIRS.values(), strict=True)]  # fmt: skip
    return beta * (np.subtract(*np.transpose(rows)) - first), np.subtract(*np.transpose(rows))


def test_the_loss_is_that_of_the_paper(generator):
    _, first = margins(generator, 0.0)
    tuning = PreferenceTuning(generator, beta=0.3)
    start = tuning.evaluate(PAIRS, verbose=0, return_dict=True)
    assert start["loss"] == pytest.approx(np.log(2), abs=1e-5)
    rng = np.random.default_rng(0)
    for variable in generator.trainable_variables:
        variable.assign_add(rng.normal(0, 0.3, variable.shape))
    z, _ = margins(generator, first)
    result = tuning.evaluate(PAIRS, verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(np.log1p(np.exp(-z)).mean(), rel=1e-4)
    assert result["accuracy"] == pytest.approx((z > 0).mean())


def test_the_gradient_is_that_of_the_paper(generator):
    """A step of SGD against differences of the loss by loops."""
    _, first = margins(generator, 0.0)
    tuning = PreferenceTuning(generator, beta=0.3)
    variable = generator.trainable_variables[-1]
    before = variable.numpy()
    tuning.compile(keras.optimizers.SGD(1.0))
    tuning.fit(PAIRS, epochs=1, batch_size=3, shapes=1, verbose=0)
    step = before - variable.numpy()
    tuning.assign(tuning.first)
    for index in [np.unravel_index(step.argmax(), step.shape), np.unravel_index(step.argmin(), step.shape)]:
        losses = []
        for sign in (1, -1):
            moved = before.copy()
            moved[index] += sign * 1e-2
            variable.assign(moved)
            losses.append(np.log1p(np.exp(-margins(generator, first)[0])).mean())
        assert step[index] == pytest.approx((losses[0] - losses[1]) / 2e-2, rel=0.02, abs=1e-5)


def test_the_generator_learns_what_is_preferred(generator):
    tuning = PreferenceTuning(generator, beta=0.3)
    tuning.compile(keras.optimizers.Adam(1e-2))
    history = tuning.fit(PAIRS, epochs=12, verbose=0, validation_data=PAIRS).history
    assert history["loss"][-1] < 0.2 and history["val_accuracy"][-1] == 1
    assert tuning.evaluate(PAIRS, verbose=0, return_dict=True)["loss"] < 0.2  # still against the first weights
    fresh = PreferenceTuning(generator).evaluate(PAIRS, verbose=0, return_dict=True)
    assert fresh["loss"] == pytest.approx(np.log(2), abs=1e-5)


def test_with_lora_only_adapters_are_copied_and_trained():
    generator = untrained(GPTConfig(max_length=48, num_layers=1, d_model=8, num_heads=2, rate=0.0))
    lora(generator, rank=2)
    tuning, frozen = PreferenceTuning(generator), [v.numpy() for v in generator.non_trainable_variables]
    assert sum(part.size for part in tuning.first) < generator.count_params() / 2
    tuning.compile(keras.optimizers.SGD(0.1))
    tuning.fit(PAIRS, epochs=1, verbose=0)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(frozen, generator.non_trainable_variables, strict=True))
    assert any((a != b.numpy()).any() for a, b in zip(tuning.first, generator.trainable_variables, strict=True))


def test_errors(generator):
    with pytest.raises(ValueError, match="beta must be above 0"):
        PreferenceTuning(generator, beta=0)
    with pytest.raises(ValueError, match="of one stream"):
        PreferenceTuning(untrained(Seq2SeqRNNConfig(1, 4, 4)))
    with pytest.raises(NotImplementedError, match="save the generator"):
        PreferenceTuning(generator).get_config()
