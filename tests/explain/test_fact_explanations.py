"""`explain` of memory networks: words of facts and of the question."""

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


def test_mistakes_are_told():
    for message, task, texts, target in (
        ("does not know the answer 'Paris'", made(), (STORY, QUESTION), "Paris"),
        ("the facts or the question is empty", made(), ("", QUESTION), None),
        ("this task has a Seq2SeqRNN", zoo.fact_answering(zoo.LUONG)[0], (STORY, QUESTION), None),
    ):
        with pytest.raises(ValueError, match=message):
            task.explain(*texts, target=target)
