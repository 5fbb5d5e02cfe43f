"""User data that is refused: errors name the record and what to do."""

import logging
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tests.tasks.small_tasks import TASKS, Series, dataset, task_of
from tfllm.extraction import Keywords, Lead
from tfllm.tasks import (
    TextEmbedder,
    user_data,
)

pytestmark = pytest.mark.usefixtures("eager")


def test_missing_file_names_log_a_warning(caplog):
    lm, translator = type(task_of("lm")[0]), type(task_of("translator")[0])
    for learn in (lambda: lm.from_text(["a.txt", "b.txt.gz"]), lambda: translator.from_text(["no.de"], ["no.en"]),
                  lambda: lm.from_text(tf.data.Dataset.from_tensor_slices(["data/a.csv"]))):  # fmt: skip
        caplog.clear()
        learn()
        assert re.search("looks like a file name, but there is no such file", caplog.text)
    caplog.clear()
    lm.from_text(["a.txt", "a cat"])
    assert "looks like" not in caplog.text


WRONG = {
    "none": (None, "got None"), "one text": ("the cat", r"got one text: use \['the cat'\]"),
    "a path": ("some/train.de", "got the path 'some/train.de': read the file first, with tfllm.data"),
    "a Path": (Path("corpus"), "got the path 'corpus'"), "files": ([str(Path(__file__))], "got the path"),
    "a number": (3, "got int 3"), "a set": ({"a"}, "got set"), "missing": (["a", None], "of record 1; got None"),
    "nan": (["a", float("nan")], "of record 1; got float nan: leave out missing values"),
    "numbers": (np.arange(3), "of record 0; got int64"), "dicts": ([{"text": "a"}], r"of record 0; got dict.*record\["),
    "tokens": (["a", ["a", "b"]], "of record 1; got list"), "ids": ([[1, 2], [3]], r"of record 0; got list \[1, 2\]"),
    "paths": ([Path("a")], "of record 0; got .*Path.*read the file"),
    "half": (["\ud800"], "record 0 contains a lone surrogate"),
    "rows": (np.array([["a"], ["b"]]), r"of shape \(2, 1\)"), "NA": (Series(["a", np.float64("nan")]), "record 1"),
    "a table": (SimpleNamespace(shape=(2, 1), columns=["a"]), r"of shape \(2, 1\): select one column"),
}  # fmt: skip


@pytest.mark.parametrize("wrong, message", WRONG.values(), ids=WRONG)
def test_other_types_are_refused(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        user_data.texts(wrong)


@pytest.mark.parametrize("name", TASKS)
def test_every_method_refuses_other_types(name):
    task, columns = task_of(name)
    others = [list(column) for column in columns.values()][1:]
    for kind in ("none", "one text", "a path", "missing", "dicts", "half"):
        wrong, message = WRONG[kind]
        given = (wrong, *others) if len(columns) < 3 else ((wrong, others[0]), others[1])
        calls = [(task.fit, given), (task.evaluate, given), (task.predict, given[:1])]
        if len(columns) < 3:
            calls += [(type(task).from_text, given), (task.fit, (dataset(columns),), {"validation_data": given})]
            calls += [(task.score, given)] if hasattr(task, "score") else []
        if not isinstance(wrong, str):
            named = {"classifier": "classify", "facts": "predict"}.get(name, "generate")
            calls += [(getattr(task, named), given[:1])]
        for call, arguments, *options in calls:
            with pytest.raises((TypeError, ValueError), match=message):
                call(*arguments, **dict(*options))


def test_other_classes_refuse_other_types():
    embedder, words, lead = TextEmbedder.from_task(task_of("classifier")[0]), Keywords("textrank"), Lead()
    for kind in ("none", "missing", "dicts", "half"):
        wrong, message = WRONG[kind]
        for call in (embedder.embed, embedder.similarity, words.fit, words.extract, lead.generate, lead.score):
            with pytest.raises((TypeError, ValueError), match=message):
                call(wrong, wrong) if call in (embedder.similarity, lead.score) else call(wrong)
    for call in (words.fit, lambda x: lead.score(x, x)):
        with pytest.raises(TypeError, match="got one text: use"):
            call("the cat")


def test_one_text_may_be_a_tensor():
    task, _ = task_of("lm")
    short = {"max_new_tokens": 1}
    output = task.generate("the cat", **short)
    assert task.generate(tf.constant("the cat"), **short) == task.generate([np.str_("the cat")], **short)[0] == output
    assert "".join(task.stream(tf.constant("the cat"), **short)) == output
    for wrong in (None, Path("a"), ["the cat"], "\udc80"):
        with pytest.raises((TypeError, ValueError), match="the text"):
            next(task.stream(wrong))
    talk, _ = task_of("dialogue")
    output = talk.reply("hello the", **short)
    assert talk.reply(tf.constant("hello the"), **short) == talk.reply(["hello the"], **short) == output
    for wrong in (None, 3, [None], ["a", ("A", "b")], Path("a")):
        with pytest.raises((TypeError, ValueError), match="expected"):
            talk.reply(wrong)


@pytest.mark.parametrize("name", TASKS)
def test_texts_without_words_are_refused(name, caplog):
    task, columns = task_of(name)
    field = next(iter(columns))
    for text in ("", " \n"):
        with pytest.raises(ValueError, match="are empty|records have an empty text"):
            task.fit(dataset(columns | {field: [text] * 12}))
    if name == "lm":
        with caplog.at_level(logging.WARNING, "tfllm"):
            user_data.check_texts(task.records(list("the cat")), task.fields)
            assert "all 7 texts of text have one character" in caplog.text
            caplog.clear()
            user_data.check_texts(task.records(["", "a cat"]), task.fields)
            assert not caplog.text
        for stream in ({"steps_per_epoch": 1}, {}):
            with pytest.raises(ValueError, match="are empty"):
                task.fit(dataset({"text": [""] * 3}), stream=True, **stream)
