"""Settings that are changed after a task was made: effective as in a reloaded file, or refused in one line."""

import keras
import numpy as np
import pytest

from tests.tasks.tiny import MAKERS, RNN, TEXTS
from tfllm import load_model, tasks

pytestmark = pytest.mark.usefixtures("eager")
CHANGED = {
    "classifier": [("length", 2), ("temperature", 1.5)],
    "dialogue": [("reply_length", 1), ("speakers", ("B", "A"))],
    "embedder": [("length", 2), ("normalize", False)],
    "facts": [("fact_length", 1)],
    "questions": [("answer_length", 1), ("no_answer", True), ("threshold", 0.1)],
}
REFUSED = {
    "classifier": [("labels", ["x", "y"]), ("kind", "multi"), ("pairs", True), ("pooling", "max"), ("rate", 0.5),
                   ("length", 0), ("temperature", -1.0), ("class_weights", {"yes": 2.0})],
    "denoiser": [("length", 6), ("corrupted", 0.5), ("span", 2.0)],
    "dialogue": [("history_length", 99), ("speakers", ("A", "A")), ("replies", "C"), ("reply_length", 99)],
    "embedder": [("pooling", "max")],
    "language model": [("length", 99), ("length", 2.5)],
    "masked": [("next_sentence", True), ("length", 99), ("masked", 1.0)],
    "questions": [("stride", 999), ("answer_length", 0)],
    "summarizer": [("label_smoothing", -0.1)],
    "translator": [("label_smoothing", 1.5)],
}  # fmt: skip


def output(task, texts):
    return {name: part.tolist() for name, part in task.run("serving_default", *texts, verbose=0).items()}


@pytest.mark.parametrize("kind", CHANGED)
def test_a_change_is_effective_and_saved(kind, tmp_path):
    make, texts = MAKERS[kind]
    task = make()
    output(task, texts)
    for name, value in CHANGED[kind]:
        setattr(task, name, value)
    task.save(tmp_path / "it.keras")
    assert output(load_model(tmp_path / "it.keras"), texts) == output(task, texts)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_change_without_effect_is_refused(kind):
    task = MAKERS[kind][0]()
    for name, value in REFUSED[kind]:
        before = getattr(task, name)
        setattr(task, name, before)
        with pytest.raises(ValueError, match=rf"^[^\n]*{name}[^\n]*$"):
            setattr(task, name, value)
        assert getattr(task, name) == before


@pytest.mark.slow
def test_label_smoothing_of_a_compiled_task():
    task = MAKERS["translator"][0]()
    task.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    loss = []
    for task.label_smoothing in (0.0, 0.4):
        loss.append(task.fit(TEXTS, TEXTS, verbose=0).history["loss"][0])
    assert loss[0] != pytest.approx(loss[1], rel=1e-3)
    task.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    assert task.evaluate(TEXTS, TEXTS, verbose=0)[0] == pytest.approx(loss[1], rel=1e-4)


def test_coverage_is_changed_between_numbers_only():
    config = tasks.SummarizerConfig(coverage=1.0, model=RNN)
    model = tasks.Summarizer.from_text(TEXTS, TEXTS, config).model
    model.coverage = np.float32(0.5)
    for wrong in (None, -1.0, "x"):
        with pytest.raises(ValueError, match="coverage"):
            model.coverage = wrong
    assert model.coverage == 0.5
