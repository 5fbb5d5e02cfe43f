"""Train, evaluate, ask and export a reader by `main([...])`, as a user would type it."""

import json

import pytest
import tensorflow as tf

import tfllm
from tests.cli.test_road import history, stderr_of
from tests.conftest import eagerly
from tests.tasks.questions.questions import records
from tfllm import data
from tfllm.cli import main
from tfllm.cli.tasks.qa import Training, pretrained
from tfllm.tasks import QuestionAnswering

CONFIG = """
model: {kind: BERT, max_length: 32, num_layers: 1, d_model: 8, num_heads: 2, dff: 8}
length: 32
stride: 16
question_length: 6
answer_length: 4
recipe: {epochs: 2}
"""


def written(path, rows):
    paragraphs = []
    for i, row in enumerate(rows):
        pairs = zip(row["answers"], row["starts"], strict=True)
        asked = {"id": str(i), "question": row["question"], "is_impossible": not row["answers"]}
        asked["answers"] = [{"text": text, "answer_start": at} for text, at in pairs]
        paragraphs.append({"context": row["context"], "qas": [asked]})
    path.write_text(json.dumps({"version": "v2.0", "data": [{"title": "made", "paragraphs": paragraphs}]}))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with train.json, valid.json and RUN."""
    folder = tmp_path_factory.mktemp("qa")
    written(folder / "train.json", records(10, 1))
    written(folder / "valid.json", records(4, 2))
    (folder / "tiny.yaml").write_text(CONFIG)
    with eagerly():
        files = ["--squad", str(folder / "train.json"), "--valid-squad", str(folder / "valid.json"), "--shapes", "1"]
        main(["train", "qa", "--config", str(folder / "tiny.yaml"), *files, "--out", str(folder / "RUN")])
    return folder / "RUN"


def test_a_run_folder_holds_everything(run):
    rows, model = history(run), tfllm.load_model(run / "last.keras")
    assert len(rows) == 2 and "val_loss" in rows[0]
    assert type(model) is QuestionAnswering and model.no_answer and (model.length, model.stride) == (32, 16)


def test_evaluate_and_generate(run, capsys, eager):
    model, valid = tfllm.load_model(run / "best.keras"), str(run.parent / "valid.json")
    main(["evaluate", str(run), "--squad", valid])
    assert capsys.readouterr().out == f"{model.score(data.squad(valid))}\n"
    main(["evaluate", str(run), "--squad", valid, "--json", "true", "--tokens", "characters"])
    assert {"exact", "f1", "total", "best_f1_thresh"} <= set(json.loads(capsys.readouterr().out))
    contexts, questions = ["Ann met 3 cats in Köln .", "a | b ."], ["Who met cats ?", "Where ?"]
    texts = [f"{context} | {question}" for context, question in zip(contexts, questions, strict=True)]
    main(["generate", str(run), *texts, "", " | "])
    expected = [one["text"] for one in model.generate(contexts, questions)]
    assert capsys.readouterr().out.splitlines() == [*expected, "", ""]
    main(["generate", str(run), *texts, "--json", "true"])
    output = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["start"] for one in output] == [one["start"] for one in model.generate(contexts, questions)]
    main(["generate", str(run), texts[0], "--n_best", "2"])
    best = model.generate(contexts[0], questions[0], n_best=2)
    assert capsys.readouterr().out == "".join(f"{one['score']:.4f}\t{one['text']}\n" for one in best) + "\n"


@pytest.mark.slow
def test_export(run, tmp_path, capsys):
    main(["export", str(run), str(tmp_path / "serving"), "--n_best", "2"])
    served = tf.saved_model.load(capsys.readouterr().out.strip())
    texts, questions = tf.constant(["Ann met 3 cats in Köln ."]), tf.constant(["Who met cats ?"])
    answer = served.signatures["serving_default"](texts=texts, questions=questions)
    with eagerly():
        expected = tfllm.load_model(run / "best.keras").answer(texts, questions)
    assert answer["text"].numpy().tolist() == expected["text"].numpy().tolist()
    assert served.signatures["n_best"](texts=texts, questions=questions)["text"].shape == (1, 2)


def test_the_model_of_another_run_is_taken(run):
    train, config = records(4, impossible=False), Training(length=32, stride=8, question_length=6)
    task = pretrained(run, config, train)
    assert task.stride == 8 and not task.no_answer and task.learning_rate == 3e-4
    assert task.encoder.numbers == tfllm.load_model(run / "best.keras").encoder.numbers


@pytest.mark.parametrize(
    "line, parts",
    [
        ("train qa --out R", ["name the questions: --squad F[,F] or --tfds NAME"]),
        ("train qa --out R --squad none.json", ["none.json"]),
        ("train qa --out R --squad a.json", ["expected questions in a.json; got none"]),
        ("train qa --out R --squad a.json --valid_split test", ["--valid_split needs --tfds NAME"]),
        ("train qa --out R --squad a.json --model.unit 3", ["no option --model.unit", "--model.num_units"]),
    ],
)
def test_errors_say_what_to_do(line, parts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text('{"data": []}')
    output = stderr_of(capsys, *line.split())
    assert all(part in output for part in parts), output
    assert not (tmp_path / "R").exists()


@pytest.mark.parametrize("text", ["Who met cats ?", "| Who met cats ?", "Ann met cats. |", "Ann met cats " * 99])
def test_a_text_without_a_part_is_refused_before_the_model_is_loaded(run, capsys, monkeypatch, text):
    monkeypatch.setattr("tfllm.cli.run_folder.best", lambda run: pytest.fail("the model is loaded"))
    output = stderr_of(capsys, "generate", str(run), "a | b ?", "", text)
    assert "text 3: expected a context, '|' and a question; got " in output and len(output) < 200
    assert "must not be empty" in stderr_of(capsys, "generate", str(run), "a | b", "--separator", "")


def test_at_a_terminal_such_a_text_does_not_end_the_talk(run, capsys, monkeypatch, eager):
    lines = iter([b"Who met cats ?", b"Ann met 3 cats in K\xc3\xb6ln . | Who met cats ?", None])
    monkeypatch.setattr("tfllm.cli.terminal.typed", lambda: True)
    monkeypatch.setattr("tfllm.cli.terminal.ask", lambda prompt: next(lines))
    main(["generate", str(run)])
    printed = capsys.readouterr()
    expected = tfllm.load_model(run / "best.keras").generate("Ann met 3 cats in Köln .", "Who met cats ?")["text"]
    assert printed.out == expected + "\n" and "text 1: expected a context" in printed.err


def test_help(capsys):
    main(["train", "qa", "--help"])
    output = capsys.readouterr().out
    assert "usage: tfllm train qa --squad F[,F] --out RUN" in output and "--stride" in output
    assert "BiDAF: " in output and "BERT: " in output
