"""Labels that are numbers, sample weights and class weights of users."""

import numpy as np
import pytest
import tensorflow as tf

from tests.tasks.small_tasks import LABELS, TASKS, TEXTS, Series, dataset, in_rows, task_of
from tfllm.tasks import (
    TextClassifier,
    user_data,
)
from tfllm.tasks.classification import label_weights, labelled_records

pytestmark = pytest.mark.usefixtures("eager")


class Frame:
    """A table of one column as pandas has it: whoever loops over it gets the name of the column."""

    def __init__(self, name, values):
        self.name, self.values, self.shape = name, values, (len(values), 1)

    def __iter__(self):
        return iter([self.name])

    def __array__(self, *options, **more):
        return np.array(self.values, object)[:, None]


def test_labels_of_one_value_are_one_label():
    assert labelled_records.labels([1, 1.0, "1", np.float32(1), np.int8(1), b"1", tf.constant("1")]) == [b"1"] * 7
    given = [True, 0.5, -2.0, "1.0", ["a", b"b", 3]]
    assert labelled_records.labels(given) == [b"True", b"0.5", b"-2", b"1.0", b"a|b|3"]
    for form in (list, tuple, np.array, tf.constant, Series, iter, lambda x: np.array(x)[:, None]):
        assert labelled_records.labels(form([0, 1, 2])) == [b"0", b"1", b"2"]
    assert labelled_records.labels(Frame("label", ["b", "a"])) == [b"b", b"a"]
    for wrong, message in (
        ([0, None], "got None as label of record 1"), ([0.0, float("nan")], "as label of record 1; got float nan"),
        (np.array([0, np.inf]), "label of record 1"), ("pos", "a list of labels"), (None, "a list of labels"),
        (np.eye(3), r"of shape \(3, 3\)"), ({"a", "b"}, "a list of labels"), ([{"a": 1}], "got dict"),
        (["a", "b\ud800"], "label of record 1 contains a lone surrogate"),
        ([["a|b", "c"]], "the separator '|' occurs in 'a|b'"),
        ([["a", None]], "got None as label of record 0"),
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match=message.replace("|", r"\|")):
            labelled_records.labels(wrong)


def test_labels_of_numbers_come_in_datasets_too():
    numbers = [0, 1, 0] * 4
    wanted = list(zip(TEXTS, map(str, numbers), strict=True))
    for y in (numbers, np.array(numbers, "float32"), np.array(numbers)[:, None], np.array(numbers, "uint8")):
        for data in (dataset((TEXTS, y)), dataset((TEXTS, y)).batch(5), dataset({"label": y, "text": TEXTS}).batch(5)):
            assert in_rows(labelled_records.records_of(data), ("text", "label")) == wanted
    pairs = dataset(((TEXTS, TEXTS[::-1]), numbers)).batch(5)
    assert in_rows(labelled_records.records_of(pairs), ("text", "pair", "label"))[0] == (TEXTS[0], TEXTS[-1], "0")
    with pytest.raises(ValueError, match="label of record 2; got float nan"):
        labelled_records.records_of(dataset((TEXTS, [0.0, 1, np.nan] * 4)))
    task = TextClassifier.from_text(dataset((TEXTS, numbers)).batch(5), config=TASKS["classifier"][1])
    assert task.labels == ("0", "1")
    assert task.score(dataset((TEXTS, numbers)).batch(5)).as_dict() == task.score(TEXTS, numbers).as_dict()


# Weights


@pytest.mark.parametrize("name", ["translator", "classifier", "facts"])
def test_a_record_of_weight_0_has_no_effect(name):
    task, columns = task_of(name)
    weights = np.array([0, 1, 2.5] * 4, "float32")
    without = {field: np.array(column)[weights > 0] for field, column in columns.items()}
    loss = task.evaluate(dataset(without), return_dict=True, verbose=0)["loss"]
    equal = task.evaluate(dataset(columns | {"sample_weight": np.minimum(weights, 1)}), return_dict=True, verbose=0)
    assert equal["loss"] == pytest.approx(loss, rel=1e-5)
    heavy = task.evaluate(dataset((*columns.values(), weights)).batch(5), return_dict=True, verbose=0)["loss"]
    assert abs(heavy - loss) > 1e-7
    known = task.records(columns, sample_weight=weights)
    assert user_data.columns(known, user_data.WEIGHT)[0] == weights.tolist()
    for wrong in (weights[:2], np.eye(12), -weights, weights * np.nan, ["a"] * 12):
        with pytest.raises(ValueError, match="sample_weight must be a number of 0 or more for each of 12 records"):
            task.fit(columns, sample_weight=wrong)


def test_weights_that_nobody_takes_are_refused():
    task, columns = task_of("lm")
    with pytest.raises(ValueError, match="LanguageModel .*: leave sample_weight out"):
        task.fit(TEXTS, sample_weight=np.ones(12))
    with pytest.raises(ValueError, match="class_weight needs a TextClassifier"):
        task.fit(TEXTS, class_weight={0: 1.0})


def test_class_weights_of_one_training(monkeypatch):
    task, columns = task_of("classifier")  # labels neg, pos
    known = task.records(TEXTS, LABELS, np.full(12, 2.0))
    for given, wanted in (
        ({"neg": 3.0}, {"neg": 6, "pos": 2}), ({0: 3.0, 1: 0.5}, {"neg": 6, "pos": 1}), ({1: 0}, {"neg": 2, "pos": 0}),
        ("balanced", {"neg": 3, "pos": 1.5}), (None, {"neg": 2, "pos": 2}),
    ):  # fmt: skip
        labels, weights = user_data.columns(label_weights.weighted(task.kinds, given, known), "label", user_data.WEIGHT)
        assert weights == pytest.approx([wanted[label.decode()] for label in labels])
    for wrong in ({"good": 1}, {2: 1}, {"pos": -1}, {"pos": None}, [1, 2], 3):
        with pytest.raises((TypeError, ValueError), match="class_weight"):
            task.fit(TEXTS, LABELS, class_weight=wrong)
    known = (TEXTS, LABELS, np.ones(12))
    history = task.fit(TEXTS, LABELS, class_weight={"neg": 2}, batch_size=12, validation_data=known, verbose=0).history
    assert history["val_loss"][-1] == pytest.approx(task.evaluate(TEXTS, LABELS, verbose=0)[0], rel=1e-5)
