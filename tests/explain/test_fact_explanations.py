"""`explain` of facts: words of facts and of the question, of memory networks and of models that write the answer."""

from functools import cache

import numpy as np
import pytest

from tests import zoo
from tests.conftest import eagerly
from tests.layers.parts import scatter
from tfllm import models
from tfllm.explain.subjects.fact_subject import FactSubject

pytestmark = pytest.mark.usefixtures("eager")
STORY, QUESTION = "Bob ran.\nAnn is in Bonn.\n\nBob sat.", "Where is Ann?"


@cache
def made(tying="adjacent", max_facts=4):
    with eagerly():
        return scatter(zoo.fact_answering(models.MemoryNetworkConfig(max_facts, 2, 8, tying))[0], seed=3)


@pytest.mark.parametrize("tying", ["adjacent", "layerwise"])
def test_words_of_facts_and_question(tying):
    task = made(tying)
    found = task.explain(STORY, QUESTION, faithfulness=False)
    assert [token.text for token in found.tokens] == "Bob ran Ann is in Bonn Bob sat Where is Ann".split()
    for token in found.tokens:
        assert found.texts[token.part][token.start : token.end] == token.text
    assert found.error < 0.01
    p = task.answer([STORY], [QUESTION])["probability"].numpy()[0]
    np.testing.assert_allclose(found.value[0], np.log(p / (1 - p)), rtol=1e-4)
    subject = FactSubject.of(task, [STORY, QUESTION])
    again = subject.gradients([part[None] for part in subject.vectors()], np.ones((1, 1)))[0]
    np.testing.assert_allclose(again[0], found.value, rtol=1e-4)


def test_a_fact_without_its_words_is_no_fact():
    task = made()
    subject = FactSubject.of(task, [STORY, QUESTION], "Bonn")
    keep = np.ones((1, 11), bool)
    keep[0, :2] = False
    alone = FactSubject.of(task, ["Ann is in Bonn.\nBob sat.", QUESTION], "Bonn").values(np.ones((1, 9), bool))
    np.testing.assert_allclose(subject.values(keep), alone, rtol=1e-4)


def test_old_facts_that_are_not_read_are_not_explained():
    found = made(max_facts=2).explain(STORY, QUESTION, method="occlusion")
    assert [token.text for token in found.tokens if token.part == "facts"] == "Ann is in Bonn Bob sat".split()
    assert found.faithfulness is not None


@cache
def writing(name):
    with eagerly():
        return scatter(zoo.fact_answering({"rnn": zoo.LUONG, "transformer": zoo.TRANSFORMER}[name])[0], seed=3)


@pytest.mark.parametrize("name", ["rnn", "transformer"])
def test_an_answer_that_is_written(name):
    """Its value is the log-probability of each word after the story; complete; a deleted word was never there."""
    task = writing(name)
    found = task.explain(STORY, QUESTION, target="Bonn ran", score="logit", method="gradient_x_input")
    assert [token.text for token in found.tokens] == "Bob ran Ann is in Bonn Bob sat Where is Ann Bonn ran".split()
    for token in found.tokens:
        assert found.texts[token.part][token.start : token.end] == token.text
    source = np.array(task.prepare([STORY], [QUESTION])["source"].to_list())
    target = task.tokenizer.encode(["Bonn ran"])[0].numpy()
    logits = task.model(source, np.array([[task.tokenizer.start, *target]]))[0][0].numpy().astype("float64")
    wanted = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    np.testing.assert_allclose(found.value, wanted[range(3), [*target, task.tokenizer.end]], rtol=1e-4, atol=1e-5)
    assert found.targets == ("Bonn", "ran", "</s>")
    if name == "transformer":
        assert task.explain(STORY, QUESTION, target="Bonn", step=0, faithfulness=False).error < 0.01
    occluded = task.explain(STORY, QUESTION, target="Bonn", method="occlusion")
    shorter = task.explain(STORY.replace("in ", ""), QUESTION, target="Bonn", method="occlusion")
    np.testing.assert_allclose(occluded.matrix[:, 4], occluded.value - shorter.value, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_its_own_answer_is_explained():
    task = writing("rnn")
    own, answer = task.explain(STORY, QUESTION, method="random").details["prediction"], task.generate(STORY, QUESTION)
    assert answer.split()[:3] == own.split()  # the fourth token is END, or is left out


def test_the_first_words_of_a_long_story_are_not_read():
    task, story = writing("rnn"), "Bob ran.\n" * 9 + "Ann is in Bonn."  # 9 * 3 + 5 + 4 tokens, of which 24 are read
    found = task.explain(story, QUESTION, target="Bonn", method="occlusion")
    words = "Bob ran " * 5 + "Ann is in Bonn Where is Ann Bonn"
    assert [token.text for token in found.tokens] == words.split()
    assert found.tokens[0].start == 4 * 9


def test_mistakes_are_told():
    for message, task, texts, target in (
        ("does not know the answer 'Paris'", made(), (STORY, QUESTION), "Paris"),
        ("the facts or the question is empty", made(), ("", QUESTION), None),
        ("the facts or the question is empty", writing("rnn"), (STORY, " ?"), None),
        ("the answer has 4 tokens; the limit of the task is 3", writing("rnn"), (STORY, QUESTION), "Bonn is in Bonn"),
    ):
        with pytest.raises(ValueError, match=message):
            task.explain(*texts, target=target)
