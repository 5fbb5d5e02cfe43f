"""A teacher's answers are written whole and in order, whatever interrupts them."""

import json

import keras
import pytest

from tests import zoo
from tests.tasks.conftest import pairs
from tfllm import data, tasks
from tfllm.tasks.text_generation import distillation

SOURCES, TARGETS = pairs(9)


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_answers_of_the_beam_replace_the_targets(trained, tmp_path):
    path = tasks.distil(trained, SOURCES, tmp_path / "answers.jsonl", verbose=0)
    expected = trained.generate(SOURCES, beam_width=5, verbose=0)
    assert lines(tmp_path / "answers.jsonl") == [
        {"source": source, "target": target} for source, target in zip(SOURCES, expected, strict=True)
    ]
    records = list(data.table(path).as_numpy_iterator())
    assert [record["target"].decode() for record in records] == expected
    again = tasks.distil(trained, trained.records(SOURCES, TARGETS), tmp_path / "again.jsonl", verbose=0)
    assert lines(tmp_path / "again.jsonl") == lines(tmp_path / "answers.jsonl") and again.endswith("again.jsonl")


def test_an_interrupted_call_is_continued(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(distillation, "CHUNK", 4)
    generate, calls = type(trained).generate, []

    def killed(self, texts, **options):
        calls.append(texts)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return generate(self, texts, **options)

    monkeypatch.setattr(type(trained), "generate", killed)
    path = tmp_path / "answers.jsonl"
    with pytest.raises(KeyboardInterrupt):
        tasks.distil(trained, SOURCES, path, beam_width=1, verbose=0)
    assert not path.exists()
    with open(f"{path}.partial", "a") as file:
        file.write('{"source": "half a li')
    with pytest.raises(ValueError, match="is of another input, model or options"):
        tasks.distil(trained, SOURCES[:-1], path, beam_width=1, verbose=0)
    tasks.distil(trained, SOURCES, path, beam_width=1, verbose=0)
    assert calls == [SOURCES[:4], SOURCES[4:8], SOURCES[4:8], SOURCES[8:]]
    expected = generate(trained, SOURCES, beam_width=1, verbose=0)
    assert [line["target"] for line in lines(path)] == expected
    assert [path.name for path in tmp_path.iterdir()] == ["answers.jsonl"]


def test_other_weights_are_another_teacher(trained, tmp_path):
    other = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(trained))
    assert distillation.fingerprint(other) != distillation.fingerprint(trained)
    other.set_weights(trained.get_weights())
    assert distillation.fingerprint(other) == distillation.fingerprint(trained)


def test_a_teacher_that_writes_nothing(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(type(trained), "generate", lambda self, texts, **options: [" "] * len(texts))
    with pytest.raises(ValueError, match="all answers of the teacher are empty: train it longer"):
        tasks.distil(trained, SOURCES, tmp_path / "answers.jsonl", verbose=0)
    assert not (tmp_path / "answers.jsonl").exists()


def test_a_language_model_is_no_teacher(tmp_path):
    with pytest.raises(TypeError, match="a teacher is a Translator or a Summarizer; got a LanguageModel"):
        tasks.distil(zoo.language_model(zoo.GPT)[0], ["a"], tmp_path / "answers.jsonl")
