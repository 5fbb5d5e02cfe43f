"""The example of docs/new_task.md: a whole task in under 60 lines that trains, answers, is served and has its verbs."""

import re
import sys
from importlib import metadata
from pathlib import Path

import keras
import pytest
import tensorflow as tf

import tfllm
from tfllm.cli import main

PAGE = Path(__file__).parent.parent / "docs" / "new_task.md"
TASK, USE, VERBS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
WORDS = ["abc", "cab", "bca", "acb", "bac", "cba", "aab", "ccb"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "reverser.py").write_text(f"{TASK}\n\n{VERBS}", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("reverser", None)
    keras.saving.get_custom_objects().pop("example>Reverser", None)


def test_it_is_short():
    assert len([line for line in (TASK + VERBS).splitlines() if line.strip()]) < 60


@pytest.mark.slow
def test_the_task_learns_is_saved_and_served(folder, capsys):
    keras.utils.set_random_seed(1)
    exec(USE, {"keras": keras})
    assert capsys.readouterr().out == "cba\n"
    backwards = [word[::-1] for word in WORDS]
    assert tfllm.load_model("reverser.keras").generate(WORDS) == backwards
    served = tf.saved_model.load("serving/reverser/1").signatures["serving_default"](tf.constant(WORDS))
    assert [text.decode() for text in served["text"].numpy()] == backwards


@pytest.mark.slow
def test_its_verbs(folder, monkeypatch, capsys, eager):
    points = [metadata.EntryPoint("reversal", "reverser", "tfllm.tasks")]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points)
    Path("words.txt").write_text("\n".join(WORDS), "utf-8")
    text = ["--text", "words.txt", "--documents", "line"]
    main(["train", "reversal", *text, "--out", "RUN", "--recipe.epochs", "1", "--batch_tokens", "64"])
    main(["evaluate", "RUN", *text])
    assert "loss" in capsys.readouterr().out
    main(["generate", "RUN", "abc", "cab"])
    model = tfllm.load_model("RUN")
    assert capsys.readouterr().out == "".join(text + "\n" for text in model.generate(["abc", "cab"]))
