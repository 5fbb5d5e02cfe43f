"""`tfllm info RUN` and `tfllm runs FOLDER` of made runs: what stands in their files, by hand."""

import io
import json
import zipfile

import h5py
import pytest

from tests.cli.test_road import stderr_of
from tfllm.cli import main
from tfllm.training.progress import Progress


def made(folder, name, history=(), monitor="val_loss", best_epoch=0):
    """A run's folder without a model: config, 2 x 3 weights beside the optimizer's, training state."""
    folder.mkdir(parents=True)
    part = {"class_name": "GPT", "config": {"name": "gpt", "vocab_size": 11, "d_model": 8, "dtype": {"x": 1}}}
    learned = json.dumps({"vocabulary": ["a", "b", "c"]})
    words = {"class_name": "Words", "config": {"name": "words", "learned": learned, "lowercase": True}}
    saved = {"registered_name": f"tfllm>{name}", "config": {"model": part, "tokenizer": words, "length": 16}}
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file["layers/dense/vars/0"] = [[1.0, 2.0, 3.0]] * 2
        file["optimizer/vars/0"] = [1.0] * 5
        file["layers/dropout/seed_generator/vars/0"] = [1, 2]
    done = Progress(len(history), 4 * len(history), 90.0, history and 1.0 or None, best_epoch, list(history))
    for file in ("last.keras", "best.keras"):
        with zipfile.ZipFile(folder / file, "w") as archive:
            archive.writestr("config.json", json.dumps(saved))
            archive.writestr("metadata.json", "{}")
            archive.writestr("model.weights.h5", weights.getvalue())
            archive.writestr("training.json", json.dumps(vars(done)))
    (folder / "config.yaml").write_text(f"recipe: {{epochs: 5, monitor: {monitor}}}\n")


def rows(*values, name="val_loss"):
    return [{"epoch": i, "seconds": 9.0 * i, "loss": 3.0, name: value} for i, value in enumerate(values, start=1)]


def test_what_a_run_is(tmp_path, capsys):
    made(tmp_path / "RUN", "LanguageModel", rows(2.0, 1.5, 1.75), best_epoch=2)
    main(["info", str(tmp_path / "RUN"), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert (result["task"], result["weights"], result["file"]) == ("lm", 6, "best.keras")
    assert result["model"] == {"class": "GPT", "vocab_size": 11, "d_model": 8}
    assert result["tokenizer"] == {"class": "Words", "vocabulary": "3 entries", "lowercase": True}
    assert result["training"] == {"epochs": 3, "updates": 12, "seconds": 90, "of_epochs": 5, "monitor": "val_loss"}
    assert result["best"]["val_loss"] == 1.5 and result["last"]["val_loss"] == 1.75
    main(["info", str(tmp_path / "RUN" / "last.keras")])
    output = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert ["best", "epoch 2, loss 3, val_loss 1.5"] in output and ["task", "lm"] in output


def test_runs_side_by_side_the_best_first(tmp_path, capsys):
    made(tmp_path / "a", "Translator", rows(2.0, 1.5), best_epoch=2)
    made(tmp_path / "b" / "c", "Translator", rows(1.25), best_epoch=1)
    made(tmp_path / "d", "Translator", rows(20.0, 30.0, name="val_bleu"), "val_bleu", 2)
    made(tmp_path / "e", "Translator", rows(25.0, name="val_bleu"), "val_bleu", 1)
    made(tmp_path / "f", "LanguageModel")
    for broken in ("g", "h", "i"):  # they are named, and left out
        made(tmp_path / broken, "LanguageModel")
    (tmp_path / "g" / "last.keras").write_bytes(b"torn")
    (tmp_path / "h" / "config.yaml").write_text("recipe: [")
    (tmp_path / "i" / "config.yaml").write_text("- 1")
    (tmp_path / "j" / "last.keras").mkdir(parents=True)
    main(["runs", str(tmp_path)])
    printed = capsys.readouterr()
    assert [str(tmp_path / part) in printed.err for part in "fghij"] == [False, True, True, True, True]
    tables = [[line.split() for line in part.splitlines()] for part in printed.out.split("\n\n")]  # one a task
    assert [[line[0] for line in table] for table in tables] == [["run", "f"], ["run", "d", "e", "b/c", "a"]]
    assert "val_bleu" not in tables[0][0] and "val_bleu" in tables[1][0]
    main(["runs", str(tmp_path), "--json"])
    assert [row.get("val_loss") for row in json.loads(capsys.readouterr().out)] == [None, None, None, 1.25, 1.5]


@pytest.mark.parametrize("line, part", [("info none", "none"), ("runs none", "none"), ("runs .", "it contains no run")])
def test_what_is_no_run(line, part, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert part in stderr_of(capsys, *line.split())
