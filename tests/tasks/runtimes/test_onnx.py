"""Exports for onnxruntime give the numbers of Keras."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests import zoo
from tests.tasks.runtimes import roads

ort = pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")


def exported(kind, folder, weights="float"):
    """(path, graphs.json, run)."""
    path = Path(zoo.made(kind).export(folder, format="onnx", weights=weights))
    sessions = {
        file.stem: ort.InferenceSession(file, providers=["CPUExecutionProvider"]) for file in path.glob("*.onnx")
    }

    def run(name, inputs):
        names = [one.name for one in sessions[name].get_outputs()]
        return dict(zip(names, sessions[name].run(None, inputs), strict=True))

    return path, json.loads((path / "graphs.json").read_text()), run


@pytest.mark.parametrize("kind", ["classifier", *(pytest.param(kind, marks=pytest.mark.slow) for kind in
                                                  ("classifier of pairs", "gpt classifier of pairs"))])  # fmt: skip
def test_classifiers(kind, tmp_path):
    path, about, run = exported(kind, tmp_path)
    task, columns = zoo.made(kind), zoo.columns(kind)
    inputs, expected = roads.check_classifier(task, path, about, run, columns)
    np.testing.assert_allclose(run("classifier", inputs)["logits"], expected, atol=1e-4)  # in one batch
    rough = exported(kind, tmp_path, "int8")[2]("classifier", inputs)["logits"]
    assert 0 < np.abs(rough - expected).max() < 0.5 * np.ptp(expected)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gpt", "rotary gpt", "lstm", "translator", "dialogue of one stream"])
def test_writers(kind, tmp_path):
    _, about, run = exported(kind, tmp_path)
    roads.check_writer(zoo.made(kind), about, run)


@pytest.mark.slow
def test_a_writer_with_weights_in_8_bits(tmp_path):
    """All its steps, near the logits in float32 and not equal to them."""
    task = zoo.made("gpt")
    _, about, run = exported("gpt", tmp_path, "int8")
    expected = task.model(roads.TARGET).numpy()[0]
    assert 0 < np.abs(roads.decoded(about, run, "step") - expected).max() < 0.2 * np.ptp(expected)


def test_what_cannot_be_converted(tmp_path):
    with pytest.raises(ValueError, match="a loop, which tf2onnx cannot convert; the format litert can"):
        zoo.made("lstm classifier").export(tmp_path, format="onnx")
    with pytest.raises(ValueError, match="MaskedLanguageModel is not supported"):
        zoo.made("masked language model").export(tmp_path, format="onnx")
    assert not list(tmp_path.iterdir())
