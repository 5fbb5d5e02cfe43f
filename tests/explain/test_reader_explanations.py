"""`explain` of readers: where an answer begins, where it ends, both."""

from functools import cache

import numpy as np
import pytest
import tensorflow as tf

from tests import zoo
from tests.conftest import eagerly
from tests.layers.parts import scatter
from tfllm import models
from tfllm.explain.subjects.reader_subject import ReaderSubject

pytestmark = pytest.mark.usefixtures("eager")
CONTEXT, QUESTION = "the dog sat . the cat ran .", "who ran ?"
MAKE = {
    "bidaf": lambda: zoo.question_answering(models.BiDAFConfig(8, 8, 1), "words"),
    "bert": lambda: zoo.question_answering(zoo.BERT, "wordpieces"),
}


@cache
def made(name):
    with eagerly():
        return scatter(MAKE[name]()[0], seed=4)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKE)
def test_numbers_are_log_probabilities_of_the_answer(name):
    task = made(name)
    answer = task.generate(CONTEXT, QUESTION, n_best=1)[0]
    found = {target: task.explain(CONTEXT, QUESTION, target=target, method="occlusion", faithfulness=False)
             for target in ("start", "end", "answer")}  # fmt: skip
    assert found["answer"].details["prediction"] == answer["text"]
    np.testing.assert_allclose(found["answer"].value, found["start"].value + found["end"].value, rtol=1e-5)
    assert (found["start"].value < 0).all()
    parts = {token.part for token in found["answer"].tokens}
    assert parts == {"question", "context"}
    for token in found["answer"].tokens:
        assert found["answer"].texts[token.part][token.start : token.end] == token.text


@pytest.mark.parametrize("name", MAKE)
def test_vectors_give_the_same_numbers_and_gradients_are_complete(name):
    task = made(name)
    subject = ReaderSubject.of(task, [CONTEXT, QUESTION])
    whole = subject.values(np.ones((1, subject.size), bool))
    again = subject.gradients([part[None] for part in subject.vectors()], np.ones((1, 1)))[0]
    np.testing.assert_allclose(again, whole, rtol=1e-5)
    assert task.explain(CONTEXT, QUESTION, faithfulness=False).error < 0.01


def test_the_window_with_the_answer_is_explained():
    task = made("bert")
    windows = task.windows(tf.constant([CONTEXT * 3]), tf.constant([QUESTION]))
    assert windows.inputs["token_ids"].nrows() > 1
    found = task.explain(CONTEXT * 3, QUESTION, method="occlusion")
    answer = task.generate(CONTEXT * 3, QUESTION, n_best=1)[0]
    spans = [(token.start, token.end) for token in found.tokens if token.part == "context"]
    assert min(spans)[0] <= answer["start"] and answer["end"] <= max(spans)[1]
    assert found.details["prediction"] == answer["text"] and found.faithfulness is not None


def test_mistakes_are_told():
    task = made("bert")
    for message, context, options in (
        ("target must be one of start, end, answer", CONTEXT, {"target": "middle"}),
        ("no answer to explain", "", {}),
        (
            "the target is a position, so tokens can only be replaced",
            CONTEXT,
            {"removal": "delete", "method": "occlusion"},
        ),
    ):
        with pytest.raises(ValueError, match=message):
            task.explain(context, QUESTION, **options)
    with pytest.raises(TypeError, match="reads context and question: expected 2, got 1"):
        task.explain(CONTEXT)
