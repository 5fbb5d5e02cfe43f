"""User data: every task reads each usual form of texts and records in one pass."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tests.tasks.small_tasks import TASKS, TEXTS, Series, dataset, in_rows, task_of
from tfllm import endless
from tfllm.extraction import Lead
from tfllm.tasks import (
    user_data,
)

pytestmark = pytest.mark.usefixtures("eager")


FORMS = {
    "list": list, "tuple": tuple, "array": np.array, "objects": lambda x: np.array(x, object), "tensor": tf.constant,
    "bytes": lambda x: [text.encode() for text in x], "generator": lambda x: (text for text in x),
    "map": lambda x: map(str, x), "series": Series, "dataset": dataset,
    "tensors": lambda x: list(tf.constant(x)), "numpy": lambda x: list(np.array(x)),
    "batches": lambda x: dataset(x).batch(5), "named": lambda x: dataset({"text": x, "more": x}),
    "first of a tuple": lambda x: dataset((x, np.arange(len(x)))).batch(5),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_texts_are_read_in_every_usual_form(form):
    assert user_data.texts(form(TEXTS)) == [text.encode() for text in TEXTS]


@pytest.mark.parametrize("name", TASKS)
def test_records_are_read_in_every_usual_form(name):
    task, columns = task_of(name)
    names = list(columns)
    rows = list(zip(*columns.values(), strict=True))
    parts = tuple(columns.values())
    forms = {
        "dicts": dataset(columns), "tuples": dataset(parts), "batched dicts": dataset(columns).batch(5),
        "batched tuples": dataset(parts).batch(12), "more fields": dataset(columns | {"id": np.arange(12)}),
        "nested": dataset(((*parts[:-1],), parts[-1])) if len(parts) > 1 else dataset(parts[0]),
        "columns": columns, "unknown sizes": dataset(columns).filter(lambda record: True).batch(5),
    }  # fmt: skip
    for form, data in forms.items():
        assert in_rows(task.records(data), names) == rows, form
    if len(parts) < 3:
        for form in (list, np.array, tf.constant, Series, lambda x: (text for text in x)):
            assert in_rows(task.records(*map(form, parts)), names) == rows


# In one pass


@pytest.mark.parametrize("name", TASKS)
def test_a_shuffled_dataset_keeps_its_records_together(name):
    task, columns = task_of(name)
    shuffled = dataset(columns).shuffle(200)
    assert set(in_rows(task.records(shuffled), columns)) == set(zip(*columns.values(), strict=True))
    again = type(task).from_text(shuffled, config=TASKS[name][1])
    tokens = [getattr(one, "tokenizer", getattr(one, "source", None)).tokens for one in (task, again)]
    assert set(tokens[0]) == set(tokens[1])


@pytest.mark.parametrize("name", TASKS)
def test_validation_has_no_record_of_training(name, monkeypatch):
    task, columns = task_of(name)
    seen = []
    monkeypatch.setattr(task, "batches", lambda x, *args, **options: seen.append(x) or SimpleNamespace(
        plan=SimpleNamespace(batches=1), dataset=None))  # fmt: skip
    monkeypatch.setattr(task, "fit_batches", lambda *args, **options: None)
    task.fit(dataset(columns).shuffle(200), validation_split=0.25)
    assert len(seen) == 2
    for _ in range(2):  # in every pass
        valid, train = (in_rows(part, columns) for part in seen)
        assert len(train) == 9 and len(valid) == 3
        assert {*train} | {*valid} == {*zip(*columns.values(), strict=True)}


def test_scores_of_shuffled_records_are_right(monkeypatch):
    assert Lead().score(dataset({"source": TEXTS, "target": TEXTS}).shuffle(200)).rouge1.value == 100
    for name, score in (("translator", lambda s: s.bleu.value), ("summarizer", lambda s: s.rouge1.value)):
        task, columns = task_of(name)
        monkeypatch.setattr(task, "generate", lambda texts, **options: list(texts))
        assert score(task.score(dataset(columns).shuffle(200))) == pytest.approx(100)
    task, columns = task_of("classifier")
    output = [one["label"] for one in task.classify(TEXTS)]
    assert task.score(dataset((TEXTS, output)).shuffle(200)).accuracy == 1
    task, columns = task_of("facts")
    output = task.generate(columns["facts"], columns["question"])
    assert task.score(dataset(columns | {"answer": output}).shuffle(200)).value == 100
    task, columns = task_of("lm")
    assert task.score(dataset(columns).shuffle(200)).log_probability == pytest.approx(
        task.score(TEXTS).log_probability, rel=1e-5)  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_a_dataset_without_an_end_is_refused(name):
    task, columns = task_of(name)
    endless = dataset(columns).repeat().shuffle(3)
    for call in (task.fit, task.evaluate, type(task).from_text, getattr(task, "score", task.fit)):
        with pytest.raises(ValueError, match=r"never ends.*leave .repeat.. out.*stream=True, steps_per_epoch"):
            call(endless)
    with pytest.raises(ValueError, match="never ends"):
        task.fit(dataset(columns), validation_data=endless)


def test_data_of_unknown_length_logs_a_warning(monkeypatch, caplog):
    monkeypatch.setattr(endless, "MANY", 4)
    task, columns = task_of("lm")
    unknown = dataset(columns).repeat(2).filter(lambda record: True)
    reads = [lambda: user_data.columns(unknown, "text"), lambda: user_data.texts(text for text in ["a b"] * 9),
             lambda: user_data.materialize(text for text in ["a b"] * 9), lambda: task.rows(task.records(unknown)),
             lambda: type(task).from_text(text for text in ["a b"] * 9),
             lambda: user_data.check_texts(unknown.map(lambda record: {"text": "a"}), ["text"])]  # fmt: skip
    for read in reads:
        caplog.clear()
        read()
        assert "records were read into memory, and there are more: if the data is infinite" in caplog.text
        assert "stream=True, steps_per_epoch" in caplog.text
    caplog.clear()
    user_data.texts(["a b"] * 9), task.rows(task.records(dataset(columns).repeat(2))), type(task).from_text(["a b"] * 9)
    assert not [record for record in caplog.records if "never ends" in record.message]
