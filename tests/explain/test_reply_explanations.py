"""`explain` of dialogue generators: a causal model, a Transformer, a recurrent encoder-decoder."""

from functools import cache

import numpy as np
import pytest

from tests import zoo
from tests.conftest import eagerly
from tests.layers.parts import scatter
from tfllm import tasks
from tfllm.explain.explaining import subject_of
from tfllm.explain.subjects.history_tokens import history_tokens

pytestmark = pytest.mark.usefixtures("eager")
MODELS = {"stream": zoo.GPT, "transformer": zoo.TRANSFORMER, "rnn": zoo.LUONG}
TEXT, REPLY = "system\tno  cat\nhello\n\n B\ta   cat\r\nyes", "a cat"
SAID = "no cat hello a cat yes".split()


@cache
def made(name):
    with eagerly():
        config = tasks.DialogueGeneratorConfig("words", history_length=23, reply_length=4, model=MODELS[name])
        texts = ["hello\nwhat ?\na cat", "no\nyes"]
        return scatter(tasks.DialogueGenerator.from_text(texts, config), seed=4)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("text, words", [
    (TEXT, SAID),
    ("no\n" + "a cat what " * 9 + "\nyes ?", ["yes", "?"]),  # old turns are not read
    ("no\n" + " yes a cat what ?" * 5, "yes a cat what ?".split() * 5),  # nor the beginning of a long one
    ("system\t" + "no a cat " * 6 + "\nyes", "no a cat no a cat no yes".split()),  # nor the end of this
])  # fmt: skip
def test_tokens_are_those_of_the_history(name, text, words):
    """In the text as written, and in the ids that the model reads."""
    task = made(name)
    ids, read = history_tokens(task, text)
    assert ids.tolist() == task.prepare([text]).to_list()[0]
    assert [token.text for token, _ in read] == words[-len(read) :] and len(read) >= min(len(words), 8)
    for token, position in read:
        assert text[token.start : token.end] == token.text
        assert task.tokenizer.encode([token.text]).to_list() == [[ids[position]]]


@pytest.mark.parametrize("name", MODELS)
def test_values_are_those_of_the_model_s_logits(name):
    """Log-probabilities of the reply and its END after the history; gradients give the same, and are complete."""
    task = made(name)
    found = task.explain(TEXT, target=REPLY, score="logit", method="gradient_x_input")
    prompt, reply = task.prepare([TEXT]).to_list()[0], task.tokenizer.encode([REPLY]).to_list()[0]
    if name == "stream":
        logits = task.model(np.array([prompt + reply]))[0].numpy()[len(prompt) - 1 :]
    else:
        logits = task.model(np.array([prompt]), np.array([[task.tokenizer.start, *reply]]))[0][0].numpy()
    logits = logits.astype("float64")
    wanted = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    wanted = wanted[np.arange(3), [*reply, task.tokenizer.end]]
    np.testing.assert_allclose(found.value, wanted, rtol=1e-4, atol=1e-5)
    assert found.targets == ("a", "cat", "</s>")
    assert name != "stream" or task.explain(TEXT, target=REPLY, step=0, faithfulness=False).error < 0.01
    assert [token.text for token in found.tokens] == [*SAID, "a", "cat"]
    assert [token.part for token in found.tokens] == ["history"] * 6 + ["reply"] * 2
    assert not found.matrix[0, -2:].any() and not found.matrix[1, -1:].any()  # what comes later


@pytest.mark.parametrize("name", ["stream", "transformer"])
def test_a_history_without_a_word(name):
    """Occlusion is the difference to the same reply after the shorter history; alone and in a list."""
    task = made(name)
    found = task.explain(TEXT, target=REPLY, method="occlusion")
    without = task.explain(TEXT.replace("a   cat", "cat"), target=REPLY, method="occlusion")
    np.testing.assert_allclose(found.matrix[:, 3], found.value - without.value, rtol=1e-3, atol=1e-4)
    both = task.explain(["yes", TEXT], target=["a", REPLY], method="occlusion")
    np.testing.assert_allclose(both[1].matrix, found.matrix, atol=1e-6)
    one = task.explain(TEXT, target=REPLY, step="cat", instead="what", method="occlusion")
    assert one.targets == ("cat and not what",) and one.faithfulness is not None


def test_its_own_reply_and_attention():
    task = made("stream")
    found = task.explain(TEXT, method="attention_rollout")
    assert found.details["prediction"] == task.generate(TEXT) and found.texts["history"] == TEXT
    assert len(found.details["steps"]) == len(found.targets)
    size = len(found.tokens) - len(found.targets) + 1
    assert found.matrix[0, :size].all() and not found.matrix[0, size:].any()


def test_mistakes_are_told():
    for message, text, options in (
        ("the dialogue is empty", " \n", {}),
        ("the reply has 5 tokens with END; the limit of the task is 4", TEXT, {"target": "a cat a cat"}),
        ("no step generates 'no'", TEXT, {"target": REPLY, "step": "no"}),
    ):
        for name in MODELS:
            with pytest.raises(ValueError, match=message):
                made(name).explain(text, **options)
    assert subject_of(made("rnn")) is subject_of(made("transformer")) is not subject_of(made("stream"))
