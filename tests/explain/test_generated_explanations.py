"""`explain` of tasks that generate: translators, summarizers, language models."""

from functools import cache

import numpy as np
import pytest
import tensorflow as tf

from tests import zoo
from tests.conftest import eagerly
from tests.layers.parts import scatter
from tfllm import models, tasks
from tfllm.explain.subjects.prompt_subject import PromptSubject
from tfllm.explain.subjects.source_subject import SourceSubject

pytestmark = pytest.mark.usefixtures("eager")
SOURCE, TARGET = "the red cat sat", "runs a dog"
TIED = models.TransformerConfig(1, 8, 2, 8, pe_input=24, pe_target=12, rate=0.1, shared="all")
MAKE = {
    "transformer": lambda: zoo.translator(zoo.TRANSFORMER), "tied transformer": lambda: zoo.translator(TIED),
    "rnn": lambda: zoo.translator(zoo.LUONG), "copying": lambda: zoo.summarizer(zoo.LUONG, True),
    "gpt": lambda: zoo.language_model(zoo.GPT), "lstm": lambda: zoo.language_model(zoo.LSTM),
    "textgenrnn": lambda: textgenrnn(made("gpt").tokenizer),
}  # fmt: skip
WRITERS = list(MAKE)[:4]


def textgenrnn(tokenizer):
    return (tasks.LanguageModel(models.TextgenRNN(tokenizer.vocab_size, 8, 8, 1, window=4), tokenizer),)


@cache
def made(name):
    with eagerly():
        return scatter(MAKE[name]()[0], seed=4)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKE)
def test_values_are_those_of_the_model_s_logits(name):
    """Also where vectors stand in the place of ids, with a tied softmax too; and the gradients are complete."""
    task = made(name)
    texts, target = ([SOURCE], TARGET) if name in WRITERS else (["a dog"], " sat")
    if name in WRITERS:
        subject = SourceSubject.of(task, texts, target, "logit")
        inputs, outputs, _ = task.example({"source": tf.constant(texts), "target": tf.constant([target])})
        logits = task({key: part.to_tensor() for key, part in inputs.items()}, training=False)[0].numpy()
        ids = outputs[0].numpy()
    else:
        subject = PromptSubject.of(task, texts, target, "logit")
        whole = task.tokenizer.encode([texts[0] + target])[0].numpy()
        logits = task(np.array([[task.tokenizer.start, *whole[:-1]]]), training=False)[0].numpy()
        logits, ids = logits[-4:], whole[-4:]
    logits = logits.astype("float64")
    wanted = (logits - np.log(np.exp(logits).sum(-1, keepdims=True)))[np.arange(len(ids)), ids]
    whole = subject.values(np.ones((1, subject.size), bool))[0]
    np.testing.assert_allclose(whole, wanted, rtol=1e-4, atol=1e-5)
    again = subject.gradients([part[None] for part in subject.vectors()], np.ones((1, len(ids))))[0][0]
    np.testing.assert_allclose(again, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["transformer", "tied transformer", "rnn", "gpt"])
def test_gradients_are_differences_and_later_tokens_have_none(name):
    task = made(name)
    text, target = (SOURCE, TARGET) if name in WRITERS else ("a dog", " sat")
    subject = (SourceSubject if name in WRITERS else PromptSubject).of(task, [text], target)
    numbers, x = len(subject.targets), subject.vectors()
    draw = np.random.default_rng(0)
    step = [1e-2 * draw.normal(size=part.shape) for part in x]
    ahead, back = (
        subject.gradients(
            [(part + sign * more)[None] for part, more in zip(x, step, strict=True)], np.ones((1, numbers))
        )
        for sign in (1, -1)
    )
    slopes = [np.stack([subject.gradients([part[None] for part in x], np.eye(numbers)[[k]])[1][i][0]
                        for k in range(numbers)]) for i in range(len(x))]  # fmt: skip
    wanted = sum(np.einsum("knd,nd->k", slope, more) for slope, more in zip(slopes, step, strict=True))
    np.testing.assert_allclose((ahead[0][0] - back[0][0]) / 2, wanted, rtol=0.05, atol=2e-4)
    found = task.explain(text, target=target, method="gradient_x_input").matrix
    occluded = task.explain(text, target=target, method="occlusion").matrix
    first = len(subject.tokens) - numbers + 1  # the token that the first step produces
    for k in range(numbers):
        assert not found[k, first + k :].any()
        np.testing.assert_allclose(occluded[k, first + k :], 0, atol=1e-4)


def test_a_source_without_a_word():
    """Occlusion is the difference to the same target after the shorter source."""
    task = made("transformer")
    found = task.explain(SOURCE, target=TARGET, method="occlusion")
    without = task.explain("the cat sat", target=TARGET, method="occlusion")
    assert [token.text for token in found.tokens] == [*SOURCE.split(), *TARGET.split()]
    assert found.targets == ("runs", "a", "dog", "</s>")
    np.testing.assert_allclose(found.matrix[:, 1], found.value - without.value, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["transformer", "gpt"])
def test_integrated_gradients_are_complete(name):
    task = made(name)
    text, target = (SOURCE, TARGET) if name in WRITERS else ("a dog", " sat")
    assert task.explain(text, target=target, score="logit").error < 0.01


def test_this_word_and_not_that_one():
    task = made("transformer")
    ids = {word: int(task.target.encode([word])[0][0]) for word in ("dog", "cat")}
    found = task.explain(SOURCE, target=TARGET, step="dog", instead="cat")
    assert found.targets == ("dog and not cat",) and found.scores.shape == (7,)
    inputs, _, _ = task.example({"source": tf.constant([SOURCE]), "target": tf.constant([TARGET])})
    logits = task({name: part.to_tensor() for name, part in inputs.items()}, training=False)[0, 2].numpy()
    np.testing.assert_allclose(found.value[0], logits[ids["dog"]] - logits[ids["cat"]], rtol=1e-4)
    same = task.explain(SOURCE, target=TARGET, step=2, instead="cat")
    np.testing.assert_array_equal(same.scores, found.scores)
    assert found.error < 0.01 and found.faithfulness is not None


def test_steps_have_probabilities():
    for name, text in (("transformer", SOURCE), ("gpt", "a dog"), ("copying", "a zebra runs")):
        found = made(name).explain(text, method="random", top_k=3, **({} if name != "gpt" else {"max_new_tokens": 3}))
        assert len(found.details["steps"]) == len(found.targets)
        for step, target in zip(found.details["steps"], found.targets, strict=True):
            assert step["token"] == target and len(step["alternatives"]) == 3
            np.testing.assert_allclose(step["surprise"], -np.log2(step["probability"]), rtol=1e-6)
            assert 0 <= step["entropy"] <= 8 and step["alternatives"][0][1] >= step["alternatives"][-1][1]
        assert found.details["prediction"] == made(name).generate(text, **(
            {} if name != "gpt" else {"max_new_tokens": 3}))[len(text) * (name == "gpt") :]  # fmt: skip
        assert found.html().count("<table>") == 1 + (len(found.targets) > 1)


def test_a_model_that_copies_is_explained_by_its_source():
    found = made("copying").explain("a zebra runs", target="a zebra", method="integrated_gradients", step=1)
    assert {token.part for token in found.tokens} == {"source"} and found.targets == ("zebra",)
    assert found.error < 0.01


def test_mistakes_are_told():
    task = made("transformer")
    for message, options in (
        ("no step generates 'cat'; the tokens are 'runs', 'a', 'dog', '</s>'", {"step": "cat"}),
        ("there are 4 steps, from 0; got 4", {"step": 4}),
        ("instead needs one step", {"instead": "cat"}),
        ("instead has no token", {"instead": " ", "step": 0}),
    ):
        with pytest.raises(ValueError, match=message):
            task.explain(SOURCE, target=TARGET, **options)
    with pytest.raises(ValueError, match="no continuation to explain"):
        made("gpt").explain("a dog", target="")
    with pytest.raises(ValueError, match="and its continuation have 42 tokens; the model's limit is 32"):
        made("gpt").explain("a" * 40, target="dd")
