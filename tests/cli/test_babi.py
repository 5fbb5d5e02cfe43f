"""Train, evaluate, ask and export a memory network by `main([...])`, as a user would type it."""

import pytest
import tensorflow as tf

import tfllm
from tests.cli.test_road import export_only, history, stderr_of
from tests.conftest import eagerly
from tests.tasks.facts.test_fact_answering import columns, records
from tfllm import data
from tfllm.cli import main
from tfllm.explain import fact_map
from tfllm.tasks import FactAnswering

CONFIG = "linear_start: 1\nmodel: {num_hops: 2, embedding_dim: 8}\nrecipe: {epochs: 2}\n"


def written(path, size, seed):
    lines = []
    for facts, question, answer, supporting in zip(*columns(records(size, seed)), strict=True):
        facts = facts.split("\n")
        lines += [f"{i} {fact}\n" for i, fact in enumerate(facts, start=1)]
        lines.append(f"{len(facts) + 1} {question}\t{answer}\t{int(supporting) + 1}\n")
    path.write_text("".join(lines))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with train.txt, valid.txt and RUN."""
    folder = tmp_path_factory.mktemp("babi")
    written(folder / "train.txt", 40, 1)
    written(folder / "valid.txt", 10, 2)
    (folder / "tiny.yaml").write_text(CONFIG)
    with eagerly():
        files = ["--babi", f"{folder / 'train.txt'},{folder / 'train.txt'}", "--valid-babi", str(folder / "valid.txt")]
        main(["train", "facts", "--config", str(folder / "tiny.yaml"), *files, "--out", str(folder / "RUN")])
    return folder / "RUN"


def test_a_run_folder_holds_everything(run):
    rows, model = history(run), tfllm.load_model(run / "last.keras")
    assert len(rows) == 2 and "val_loss" in rows[0]
    assert type(model) is FactAnswering and model.linear_start == 1 and model.model.num_hops == 2
    assert type(model.optimizer).__name__ == "SGD" and model.optimizer.iterations == 6  # twice 80 / 32


def test_evaluate_and_generate(run, capsys, eager):
    model = tfllm.load_model(run / "best.keras")
    main(["evaluate", str(run), "--babi", str(run.parent / "valid.txt")])
    assert capsys.readouterr().out == f"{model.score(data.babi(run.parent / 'valid.txt'))}\n"
    facts = ["Ann went to the hall\nJohn went to the office.", "Ann went out."]
    questions = ["Where is Ann?", "Where is John?"]
    texts = ["Ann went to the hall | John went to the office. | Where is Ann?", "Ann went out.\nWhere is John?"]
    main(["generate", str(run), *texts, ""])
    assert capsys.readouterr().out.splitlines() == [*model.generate(facts, questions), ""]
    main(["generate", str(run), texts[0], "--explain", "true"])
    assert capsys.readouterr().out == f"{fact_map(model, facts[0], questions[0])}\n\n"


@pytest.mark.parametrize("text", ["Where is Ann?", " | Where is Ann?", "Ann went out. | "])
def test_a_text_without_a_part_is_refused(run, capsys, text):
    assert "text 2: expected facts, '|' and a question; got " in stderr_of(
        capsys, "generate", str(run), "a | b ?", text
    )


def test_export(run, tmp_path, capsys, monkeypatch):
    export_only(monkeypatch, FactAnswering, "serving_default")
    main(["export", str(run), str(tmp_path / "serving")])
    served = tf.saved_model.load(capsys.readouterr().out.strip())
    texts, questions = tf.constant(["Ann went to the hall."]), tf.constant(["Where is Ann?"])
    answer = served.signatures["serving_default"](texts=texts, questions=questions)["text"].numpy()[0].decode()
    with eagerly():
        assert answer == tfllm.load_model(run / "best.keras").generate("Ann went to the hall.", "Where is Ann?")


@pytest.mark.parametrize(
    "line, parts",
    [
        ("train facts --out R", ["name the questions: --babi F[,F]"]),
        ("train facts --out R --babi none.txt", ["none.txt"]),
        ("train facts --out R --babi a.txt", ["expected questions in a.txt; got none"]),
        ("train facts --out R --babi a.txt --model.hops 3", ["no option --model.hops", "'--model.num_hops'"]),
    ],
)
def test_errors_say_what_to_do(line, parts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("1 Ann went out.\n")
    output = stderr_of(capsys, *line.split())
    assert all(part in output for part in parts), output
    assert not (tmp_path / "R").exists()


def test_help(capsys):
    main(["train", "facts", "--help"])
    output = capsys.readouterr().out
    assert "usage: tfllm train facts --babi F[,F] --out RUN" in output and "--linear_start" in output
    assert "MemoryNetwork: " in output and "Seq2SeqRNN: " in output
