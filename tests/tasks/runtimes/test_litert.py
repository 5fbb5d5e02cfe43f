"""Exports for LiteRT give the numbers of Keras, by an interpreter that knows built-in operations only."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests import zoo
from tests.tasks.runtimes import roads

interpreter = pytest.importorskip("ai_edge_litert.interpreter")


def exported(kind, folder, weights="float"):
    """(path, graphs.json, run)."""
    path = Path(zoo.made(kind).export(folder, format="litert", weights=weights))
    model = interpreter.Interpreter(model_path=str(path / "model.tflite"))
    about = json.loads((path / "graphs.json").read_text())
    return path, about, lambda name, inputs: model.get_signature_runner(name)(**inputs)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["classifier", "lstm classifier", "recurrent classifier of pairs", "classifier of pairs"]
)
def test_classifiers(kind, tmp_path):
    path, about, run = exported(kind, tmp_path)
    task, columns = zoo.made(kind), zoo.columns(kind)
    roads.check_classifier(task, path, about, run, columns)
    spread = np.ptp(task.logits(*columns).numpy())
    roads.check_classifier(task, *exported(kind, tmp_path, "int8"), columns, 0.5 * spread)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gpt", "lstm", "translator", "recurrent translator"])
def test_writers(kind, tmp_path):
    _, about, run = exported(kind, tmp_path)
    roads.check_writer(zoo.made(kind), about, run)


def test_a_task_without_graphs(tmp_path):
    with pytest.raises(ValueError, match="MaskedLanguageModel is not supported"):
        zoo.made("masked language model").export(tmp_path, format="litert")
