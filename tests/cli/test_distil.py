"""Distil a student of a translator by `main([...])`, as a user would type it."""

import json

import pytest

import tfllm
from tests.cli.test_road import WORDS, history, stderr_of
from tests.conftest import eagerly
from tfllm import config
from tfllm.cli import main
from tfllm.cli.tasks.translation import Training

CONFIG = """
tokenizer: words
vocab_size: 50
shapes: 1
batch_tokens: 96
model: {num_layers: 2, d_model: 16, num_heads: 2, dff: 32, pe_input: 12, pe_target: 12, rate: 0.0}
recipe: {epochs: 1, warmup: 2, learning_rate: 0.02}
"""


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """The folder with RUN, trained on a table without a header."""
    folder = tmp_path_factory.mktemp("teacher")
    pairs = [f"{one} {two}\t{WORDS[one]} {WORDS[two]}" for one in WORDS for two in WORDS]
    (folder / "train.tsv").write_text("\n".join(pairs[:40]) + "\n")
    (folder / "valid.tsv").write_text("\n".join(pairs[40:]) + "\n")
    (folder / "tiny.yaml").write_text(CONFIG)
    files = ["--data", str(folder / "train.tsv"), "--valid_data", str(folder / "valid.tsv"), "--columns", "0,1"]
    with eagerly():
        command = ["train", "translation", "--config", str(folder / "tiny.yaml"), "--epochs", "14"]
        main([*command, *files, "--out", str(folder / "RUN")])
    return folder


@pytest.mark.slow
def test_a_student_is_trained_on_the_answers_and_continued(teacher, tmp_path, eager):
    out = tmp_path / "STUDENT"
    main(["distil", str(teacher / "RUN"), "--out", str(out), "--beam_width", "2", "--epochs", "2"])
    settings = config.load(Training, out / "config.yaml")
    assert settings.model.num_decoder_layers == 1 and settings.model.d_model == 10 and settings.recipe.epochs == 2
    answers = [json.loads(line) for line in (out / "answers.jsonl").read_text().splitlines()]
    sources = [line.split("\t")[0] for line in (teacher / "train.tsv").read_text().splitlines()]
    expected = tfllm.load_model(teacher / "RUN" / "best.keras").generate(sources, beam_width=2, verbose=0)
    assert answers == [{"source": a, "target": b} for a, b in zip(sources, expected, strict=True)]
    valid = [json.loads(line) for line in (out / "valid.jsonl").read_text().splitlines()]
    assert [f"{one['source']}\t{one['target']}" for one in valid] == (teacher / "valid.tsv").read_text().splitlines()
    assert [row["epoch"] for row in history(out)] == ["1", "2"]
    main(["distil", str(teacher / "RUN"), "--out", str(out), "--epochs", "3"])
    assert [row["epoch"] for row in history(out)] == ["1", "2", "3"]


@pytest.mark.slow
def test_a_student_of_another_kind(teacher, tmp_path, eager):
    (tmp_path / "student.yaml").write_text("model: {kind: Seq2SeqRNN, embedding_dim: 8, num_units: 8}\n")
    main(["distil", str(teacher / "RUN"), "--out", str(tmp_path / "S"), "--student", str(tmp_path / "student.yaml"),
          "--beam_width", "1"])  # fmt: skip
    assert type(tfllm.load_model(tmp_path / "S" / "best.keras").model).__name__ == "Seq2SeqRNN"


def test_mistakes(teacher, tmp_path, capsys):
    run = str(teacher / "RUN")
    assert "no output folder: use --out RUN2" in stderr_of(capsys, "distil", run)
    message = stderr_of(capsys, "distil", run, "--out", str(tmp_path / "S"), "--student", "smal")
    assert "--student must be tiny or a file of settings; got smal" in message
    message = stderr_of(capsys, "distil", f"{run}/best.keras", "--out", str(tmp_path / "S"))
    assert "is not the folder of a run" in message
    assert "no option --epoch: did you mean" in stderr_of(
        capsys, "distil", run, "--out", str(tmp_path / "S"), "--epoch", "3", "--beam_width", "1"
    )
