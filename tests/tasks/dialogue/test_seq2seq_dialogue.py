"""Seq2SeqDialogue: history -> reply. The same six dialogues by heart, and the same plain loops."""

import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tests.reference import dialogues as reference
from tests.tasks.dialogue.exchanges import (
    DIALOGUES,
    LONG,
    by_loops,
    log_probability,
    trained,
    untrained,
)
from tfllm.models import Seq2SeqRNNConfig, TransformerConfig
from tfllm.tasks import DialogueGenerator, Seq2SeqDialogue
from tfllm.text import START

RNN = Seq2SeqRNNConfig(1, 16, 24, pe_input=41, pe_target=12, attention="luong", rate=0.0)
TRANSFORMER = TransformerConfig(1, 16, 2, 32, pe_input=41, pe_target=12, rate=0.0)


@pytest.fixture(scope="module")
def task():
    return trained(RNN, steps=90)


@pytest.fixture(scope="module")
def fresh():
    task = untrained(TRANSFORMER)
    for weight in task.model.trainable_weights:
        weight.assign(3 * weight)
    return task


def naive(task, text, most=8):
    """Greedy: history and reply are reread for each token."""
    script, (system, lines, asked) = by_loops(task, text)
    who = asked if asked >= 0 else (lines[-1][0] + 1) % len(task.speakers)
    source, output = reference.prompt(*script, system, lines, who)[0], []
    while len(output) < most and (not output or output[-1] != task.tokenizer.end):
        logits = np.array(task.model(np.array([source]), np.array([[START, *output]]))[0])[0, -1]
        logits[[task.tokenizer.pad, task.tokenizer.unknown, START]] = -np.inf
        output.append(int(logits.argmax()))
    return task.tokenizer.decode([output]).numpy()[0].decode()


def test_it_learns_six_dialogues_by_heart(task, eager, tmp_path):
    histories, replies = task.exchanges(DIALOGUES)
    assert task.generate(histories, verbose=0) == replies and len(replies) == 9
    assert task.reply(["you are bad !"], system="be kind") == "I am sorry ."
    chat = task.chat(system="be rude")
    assert "".join(chat.stream("you are bad !")) == "So are you ."
    assert chat.history == [("Ann", "you are bad !"), ("Bill", "So are you .")]
    task.save(tmp_path / "it.keras")
    again = tfllm.load_model(tmp_path / "it.keras")
    assert type(again) is Seq2SeqDialogue and isinstance(again, DialogueGenerator)
    assert again.generate(histories, verbose=0) == replies and again.history_length == 40


@pytest.mark.slow
def test_greedy_equals_the_naive_loop(fresh, eager):
    texts = [*DIALOGUES, LONG, f"system\t{'one ' * 30}\nwhat ?"]
    output = fresh.generate(texts, verbose=0)
    assert output == [naive(fresh, text) for text in texts] and len(set(output)) > 3
    options = {"beam_width": 1, "temperature": 1.5, "seed": 4, "repetition_penalty": 1.3}
    for text in texts[:2]:
        assert "".join(fresh.stream(text, **options)) == fresh.generate(text, **options)
    answer = fresh.answer(tf.constant(texts[-2:]))
    assert answer["dropped"].numpy().tolist() == [2, 0] and answer["cut"].numpy().tolist() == [0, 15]


def test_the_score_is_that_of_the_replies(fresh, eager):
    total, count = 0.0, 0
    for text in [*DIALOGUES, LONG]:
        script, (system, lines, _) = by_loops(fresh, text)
        for source, reply in reference.pairs(*script, 8, system, lines):
            logits = np.array(fresh.model(np.array([source]), np.array([[START, *reply[:-1]]]))[0])[0]
            total, count = total + log_probability(logits, reply), count + len(reply)
    result = fresh.score([*DIALOGUES, LONG], most=0)
    assert result.perplexity.tokens == count
    assert result.perplexity.log_probability == pytest.approx(total, rel=1e-5)


def test_long_texts_log_a_warning(fresh, caplog, eager):
    fresh.reply(["Hello ."])
    fresh.batches(DIALOGUES)
    assert not caplog.text
    with caplog.at_level("WARNING", "tfllm"):
        fresh.reply(["one " * 60], max_new_tokens=1)
    assert (
        "1 of 1 dialogues have a last turn, or a system line, that exceeds the history length of 40 tokens"
        in caplog.text
    )


@pytest.mark.parametrize(
    "act, message",
    [
        (lambda task: Seq2SeqDialogue(task.model, task.tokenizer, reply_length=12), "less than the model's pe_target"),
        (lambda task: task.reply(["a"], stop=["b"]), "stop strings and contrastive search"),
        (lambda task: next(task.stream("a", beam_width=2)), "a beam search cannot be streamed"),
    ],
)
def test_errors_name_the_fix(act, message, fresh, eager):
    with pytest.raises(ValueError, match=message):
        act(fresh)
