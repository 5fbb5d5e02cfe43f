"""A task of another package, known by an entry point of the group "tfllm.tasks": all verbs serve it as our own."""

import json
import sys
from importlib import metadata

import pytest

from tests.cli.test_road import stderr_of
from tfllm.cli import main
from tfllm.cli.tasks import table

MODEL = """
import keras
import numpy as np

@keras.saving.register_keras_serializable("toy")
class Reverser(keras.Model):
    def __init__(self, marks=1, **kwargs):
        super().__init__(**kwargs)
        self.marks, self.scale = marks, keras.layers.Dense(1)
        self(np.ones((1, 1)))

    def get_config(self):
        return {"marks": self.marks}

    def call(self, x):
        return self.scale(x)

    def fit(self, records, recipe, batch_tokens, shapes, seed, **options):
        self.compile("sgd", "mse", run_eagerly=True)
        return super().fit(np.ones((2, 1)), np.ones((2, 1)), **options)

    def generate(self, texts):
        return [text.decode()[::-1] + "!" * self.marks for text in texts]

    def export(self, folder):
        (folder / "reversed").write_text("yes")
        return folder
"""
MODULE = """
from dataclasses import dataclass

from tfllm.cli.options import NoOptions
from tfllm.cli.sources import Texts
from tfllm.cli.tasks.text_tasks import TextTraining

TEXT, ASK = "--text F [F ...]", "tfllm generate RUN 'text'"
CLASSES = {"toy>Reverser": "toy_model"}

@dataclass(frozen=True)
class Training(TextTraining):
    marks: int = 1  # of exclamation, behind an answer

    def check(self):
        super().check()
        if self.marks > 9:
            raise ValueError(f"--marks are 9 at most; got {self.marks}")

    def untrained(self, train):
        from toy_model import Reverser
        return Reverser(self.marks)

@dataclass(frozen=True)
class Evaluation(Texts):
    json: bool = False

    def scores(self, model):
        return {"texts": float(len(list(self.records())))}

@dataclass(frozen=True)
class Generation:
    batch_size: int = 2

    def pieces(self, model, texts, first):
        for answer in model.generate(texts):
            yield answer + "\\n"

Exporting = NoOptions
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The working folder, where two modules of another package can be imported; text.txt."""
    for name, text in (("toy_model.py", MODEL), ("toy_task.py", MODULE), ("text.txt", "one two\n")):
        (tmp_path / name).write_text(text)
    result = metadata.entry_points

    def entry_points(**wanted):
        points = [metadata.EntryPoint(name, value, table.GROUP) for name, value in POINTS.items()]
        return points if wanted == {"group": table.GROUP} else result(**wanted)

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in ("toy_model", "toy_task"):
        sys.modules.pop(name, None)


POINTS = {"reversal": "toy_task", "broken": "toy_missing", "lm": "toy_task"}  # lm stays ours


def test_all_verbs_serve_it(toy, capsys):
    main(["train", "--help"])
    assert "qa, reversal, broken." in capsys.readouterr().out
    main("train reversal --text text.txt --marks 2 --epochs 1 --out RUN".split())
    sys.modules.pop("toy_model")  # as in another process
    main(["generate", "RUN", "abc", "de"])
    assert capsys.readouterr().out == "cba!!\ned!!\n"
    main(["evaluate", "RUN", "--text", "text.txt", "--json"])
    main(["info", "RUN", "--json"])
    scores, about = (json.loads(part) for part in capsys.readouterr().out.replace("}\n{", "}\0{").split("\0"))
    assert scores == {"texts": 1.0} and about["task"] == "reversal"
    main(["export", "RUN", "served"])
    assert (toy / "served" / "reversed").exists()
    assert "# RUN" in (toy / "served" / "MODEL_CARD.md").read_text("utf-8")
    main(["report", "RUN"])
    assert capsys.readouterr().out.splitlines()[-2:] == ["RUN/report.html", "RUN/report.json"]
    sections = json.loads((toy / "RUN" / "report.json").read_text("utf-8"))["sections"]
    assert "recorded in the training" in (toy / "RUN" / "report.html").read_text("utf-8").lower()
    assert "not a Task of tfllm" in sections["speed"]["reason"] and not sections["sizes"]["reason"]
    main(["completion", "bash"])
    assert "train\\ reversal" in capsys.readouterr().out
    assert "contains a run of reversal, not of lm" in stderr_of(capsys, *"train lm --text text.txt --out RUN".split())


@pytest.mark.parametrize(
    "line, part",
    [
        ("reversal --text text.txt --out R --marks 10", "tfllm train: --marks are 9 at most; got 10"),
        ("reversl", "no task 'reversl': did you mean 'reversal'?"),
        ("broken --help", "task 'broken', entry point toy_missing of tfllm.tasks: No module named 'toy_missing'"),
        ("lm --marks 3 --out R", "no option --marks"),
    ],
)
def test_mistakes_are_told_in_a_line(toy, line, part, capsys):
    assert part in stderr_of(capsys, "train", *line.split())
