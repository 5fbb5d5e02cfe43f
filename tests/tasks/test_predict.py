"""`predict` on texts returns the result of `answer`."""

import numpy as np
import pytest
import tensorflow as tf

from tests import zoo
from tests.tasks.questions import questions
from tests.tasks.small_tasks import LABELS, TASKS, TEXTS, dataset, task_of
from tfllm import models
from tfllm.tasks import (
    QuestionAnswering,
    QuestionAnsweringConfig,
    TextClassifier,
    TextEmbedder,
)

pytestmark = pytest.mark.usefixtures("eager")


def spelt(task, *columns, **structure):
    """A cheap answer, of different widths from batch to batch."""
    words = tf.strings.split(columns[0])
    return {"text": columns[-1], "words": words.to_tensor(), "sizes": words.row_lengths()}


@pytest.mark.parametrize("name", TASKS)
def test_texts_are_predicted_as_they_are_answered(name, monkeypatch):
    task, columns = task_of(name)
    if name not in ("classifier", "facts"):
        monkeypatch.setattr(type(task), "answer", spelt)
        vars(task).pop("_functions", None)
    asked = [[text + " ?" * (i % 3) for i, text in enumerate(columns[field][:5])] for field in task.asks]
    wanted = {part: value.numpy() for part, value in task.answer(*map(tf.constant, asked)).items()}
    one = asked[0] if len(asked) == 1 else tuple(asked)
    records_of = dict(zip(task.asks, asked, strict=True)) | {"label": LABELS[:5]}
    for x in (one, dataset(records_of), dataset(one).batch(3)):
        result = task.predict(x, batch_size=2, verbose=0)
        assert result.keys() == wanted.keys()
        for part, value in wanted.items():
            same = np.testing.assert_allclose if value.dtype.kind == "f" else np.testing.assert_array_equal
            same(result[part], value, **({"rtol": 1e-4, "atol": 1e-5} if value.dtype.kind == "f" else {}))
    with pytest.raises(ValueError, match="steps and callbacks"):
        task.predict(one, steps=2)
    with pytest.raises(TypeError, match="called with token ids.*predict"):
        task(asked[0])


def test_pairs_and_questions_are_predicted():
    pairs = list(zip(TEXTS, TEXTS[::-1], strict=True))
    task = TextClassifier.from_text(pairs, LABELS, TASKS["classifier"][1])
    wanted = task.predict(pairs)["score"]
    for x in ((TEXTS, TEXTS[::-1]), dataset(((TEXTS, TEXTS[::-1]), LABELS)).batch(5), dataset((TEXTS, TEXTS[::-1]))):
        np.testing.assert_array_equal(task.predict(x)["score"], wanted)
    assert task.classify(pairs) == task.classify(TEXTS, TEXTS[::-1])
    with pytest.raises(ValueError, match="reads two texts"):
        task.predict(TEXTS)
    rows = questions.records(4)
    reader = QuestionAnswering.from_text(rows, QuestionAnsweringConfig("words", model=models.BiDAFConfig(4, 4)))
    result = reader.predict(rows)
    assert [text.decode() for text in result["text"]] == [one["text"] for one in reader.generate(
        [row["context"] for row in rows], [row["question"] for row in rows])]  # fmt: skip
    for wrong, message in (
        (None, "got None"), ("a.json", "got the path"), ([1], "record 0: expected a dict"), ({1}, "got set")
    ):  # fmt: skip
        for call in (reader.fit, reader.score, reader.evaluate, QuestionAnswering.from_text):
            with pytest.raises((TypeError, ValueError), match=message):
                call(wrong)


def test_nan_weights_are_an_error():
    classifier = task_of("classifier")[0]
    embedder = TextEmbedder.from_task(classifier)
    before = classifier.get_weights()
    classifier.set_weights([np.full_like(weight, np.nan) for weight in before])
    try:
        for task in (classifier, embedder):
            with pytest.raises(ValueError, match="^the model gives logits that are not numbers .NaN."):
                task.predict(TEXTS[:2])
            with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="that are not numbers .NaN."):
                task.signatures()["serving_default"].served(tf.constant(TEXTS[:2]))
    finally:
        classifier.set_weights(before)


@pytest.mark.parametrize("kind", ["gpt", "dialogue of one stream", "masked language model", "classifier"])
def test_the_score_of_a_model_with_nan_weights_is_an_error(kind):
    task, data = zoo.KINDS[kind].make()
    task.set_weights([np.full_like(weight, np.nan) for weight in task.get_weights()])
    options = {"most": 0} if kind.startswith("dialogue") else {}  # no reply is generated
    with pytest.raises(ValueError, match="^the model gives logits that are not numbers .NaN."):
        task.score(*data, **options)
