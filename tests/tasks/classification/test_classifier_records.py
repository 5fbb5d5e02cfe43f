"""The records that a classifier accepts, and the errors for others."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tasks.classification.test_text_classifier import CNN, PAIRS, SINGLE, TEXTS, made
from tfllm import models
from tfllm.tasks import TextClassifier, TextClassifierConfig

pytestmark = pytest.mark.usefixtures("eager")


@pytest.mark.parametrize(
    "x, y, message",
    [
        (
            TEXTS[:2],
            ["pos", "great"],
            "the labels .*neg.*; got another in 1 of 2 records, the first 1 .*: .great",
        ),
        (["good", "  "], ["pos", "neg"], r"1 of 2 records have an empty text, the first is record 1"),
        (TEXTS[:2], ["pos"], "got 2 texts and 1 labels"),
        (TEXTS[:2], None, "the labels are missing"),
        (TEXTS[:2], ["pos", None], "a label must be a text, a number .* got None as label of record 1"),
        ([("a", "b")], ["pos"], None),
        ([1, 2], ["pos", "neg"], "expected a text .* as text of record 0; got int 1"),
    ],
)
def test_records_that_make_no_sense_are_refused(x, y, message):
    task, _, _ = made()
    if message is None:  # a second text that is not asked for is left out, as any other field
        assert task.rows(task.records(x, y))[0]["token_ids"].nrows() == 1
        return
    with pytest.raises((TypeError, ValueError), match=message):
        task.rows(task.records(x, y))


def test_datasets_that_make_no_sense_are_refused():
    task, _, _ = made()
    data = tf.data.Dataset.from_tensor_slices
    with pytest.raises(ValueError, match="expected a number or a text as 'label' of each record.* got .*shape=.2,"):
        task.fit(data({"text": TEXTS, "label": np.eye(8, 2)}))
    with pytest.raises(ValueError, match="'label' is missing"):
        task.evaluate(data({"text": TEXTS}))
    with pytest.raises(ValueError, match='expected records with "text"'):
        task.score(data({"sentence": TEXTS, "label": SINGLE}))
    with pytest.raises(ValueError, match="contains its labels"):
        task.fit(data({"text": TEXTS, "label": SINGLE}), SINGLE)
    pairs, _, _ = made(models.MeanOfVectorsConfig(8), pairs=True)
    with pytest.raises(ValueError, match="'pair' is missing"):
        pairs.fit(TEXTS, SINGLE)
    with pytest.raises(ValueError, match="reads two texts: pass texts and pairs"):
        pairs.answer(tf.constant(TEXTS))
    with pytest.raises(ValueError, match="reads one text: leave pairs out"):
        task.answer(tf.constant(TEXTS), tf.constant(PAIRS))
    with pytest.raises(TypeError, match="expected a text .* text of record 1; got int 3"):
        task.classify(["good", 3])
    with pytest.raises(ValueError, match="every record has the label 'pos'"):
        TextClassifier.from_text(TEXTS, ["pos"] * 8)
    with pytest.raises(ValueError, match="config must be one of"):
        TextClassifier.from_text(TEXTS, SINGLE, "huge")


def test_class_names_of_a_folder_are_labels(tmp_path):
    for number, text in enumerate(TEXTS):
        file = tmp_path / SINGLE[number] / f"{number}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    read = keras.utils.text_dataset_from_directory
    data = read(tmp_path, batch_size=3, verbose=False)
    task = TextClassifier.from_text(data, config=TextClassifierConfig(model=CNN))
    assert task.labels == ("neg", "pos") == tuple(data.class_names)
    result = {row["text"]: row["label"] for row in task.records(data).as_numpy_iterator()}
    assert result == {text.encode(): label.encode() for text, label in zip(TEXTS, SINGLE, strict=True)}
    binary = read(tmp_path, label_mode="binary", verbose=False)
    assert {row["label"] for row in task.records(binary).as_numpy_iterator()} == {b"neg", b"pos"}
    numbered = TextClassifier(made()[0].encoder, made()[0].tokenizer, ("0", "1"))  # other names: labels are numbers
    assert {row["label"] for row in numbered.records(data).as_numpy_iterator()} == {b"0", b"1"}
    config = TextClassifierConfig(model=CNN, kind="regression")
    assert TextClassifier.from_text(data, config=config).labels == ()
    data.class_names = ["pos"]
    with pytest.raises(ValueError, match="the dataset has the label 1, but only 1 class_names"):
        task.records(data)


def test_records_may_have_other_fields_and_be_classified():
    task, x, y = made()
    data = tf.data.Dataset.from_tensor_slices({"idx": np.arange(8), "text": x, "label": y})
    again = TextClassifier.from_text(data, config=TextClassifierConfig(model=CNN))
    assert again.labels == task.labels and again.tokenizer.tokens == task.tokenizer.tokens
    assert list(task.classify(data)) == task.classify(x)
    np.testing.assert_equal(task.score(data).as_dict(), task.score(x, y).as_dict())
