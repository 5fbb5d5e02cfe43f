"""Train, generate, evaluate, export a language model by `main([...])`, as a user would type it."""

import random

import pytest
import tensorflow as tf

import tfllm
from tests.cli.test_road import export_only, history, stderr_of
from tests.conftest import eagerly
from tfllm import config, data
from tfllm.cli import main
from tfllm.cli.tasks.lm import Training
from tfllm.models import GPTConfig

CONFIG = """
tokenizer: characters
length: 12
batch_tokens: 96
shapes: 2
model: {kind: GPT, max_length: 24, num_layers: 1, d_model: 16, num_heads: 2, rate: 0.0}
recipe: {epochs: 2, warmup: 2, learning_rate: 0.02}
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder with a.txt, b.txt, valid.txt and tiny.yaml."""
    folder, draw = tmp_path_factory.mktemp("corpus"), random.Random(1)
    for name, size in (("a", 30), ("b", 30), ("valid", 8)):
        lines = [" ".join(draw.choices(["one", "two", "red", "dog"], k=draw.randint(2, 5))) for _ in range(size)]
        (folder / f"{name}.txt").write_text("\n".join(lines))
    (folder / "tiny.yaml").write_text(CONFIG)
    return folder


def train(corpus, out, *more):
    files = ["--text", str(corpus / "[ab].txt"), str(corpus / "b.txt"), "--documents", "line"]
    main(["train", "lm", "--config", str(corpus / "tiny.yaml"), *files, "--out", str(out), *more])


@pytest.fixture(scope="module")
def run(corpus):
    with eagerly():
        train(corpus, corpus / "RUN", "--valid-text", str(corpus / "valid.txt"))
    return corpus / "RUN"


@pytest.fixture(scope="module")
def model(run):
    return tfllm.load_model(run / "best.keras")


def test_a_dry_run_shows_what_would_be_done(run, corpus, capsys, eager, tmp_path):
    train(corpus, tmp_path / "NEW", "--dry_run", "--model.num_layers", "2")
    output = capsys.readouterr()
    assert "num_layers: 2" in output.out and "Total params" in output.out and "batches an epoch in" in output.err
    assert not any(tmp_path.iterdir())


def test_a_run_folder_holds_everything(run, corpus, model):
    assert {"config.yaml", "last.keras", "best.keras", "history.csv"} <= {path.name for path in run.iterdir()}
    rows = history(run)
    assert len(rows) == 2 and float(rows[1]["loss"]) < float(rows[0]["loss"]) and "val_loss" in rows[0]
    kept = config.load(Training, run / "config.yaml")
    assert kept.text == (str(corpus / "[ab].txt"), str(corpus / "b.txt"))
    assert kept.model == GPTConfig(max_length=24, num_layers=1, d_model=16, num_heads=2, rate=0.0)
    assert isinstance(model, tfllm.LanguageModel) and model.length == 12
    assert model.optimizer.get_config()["learning_rate"]["config"] == {"peak": 0.02, "warmup": 2}  # of the recipe


def test_generate_continues_prompts(run, model, capsys, eager):
    prompts = ["one", "", "dog\ntwo"]
    draw = ["--decoding.temperature", "0.9", "--decoding.max_length", "12", "--decoding.seed", "4"]
    options = {"temperature": 0.9, "max_length": 12, "seed": 4}
    expected = model.generate(prompts, num_return_sequences=2, **options)
    main(["generate", str(run), *prompts, "--num_return_sequences", "2", "--batch-size", "2", *draw])
    assert capsys.readouterr().out == "".join(text + "\n" for both in expected for text in both)
    expected = model.generate(prompts, **options)
    main(["generate", str(run), *prompts, "--stream", "true", *draw])
    assert capsys.readouterr().out == "".join(text + "\n" for text in expected)
    main(["generate", str(run), *prompts, "--one-line", "true", *draw])
    assert capsys.readouterr().out.splitlines() == [text.replace("\n", " ") for text in expected]


def test_evaluate_prints_a_table(run, model, corpus, capsys, eager):
    main(["evaluate", str(run), "--text", str(corpus / "valid.txt"), "--stride", "5"])
    expected = model.score(data.text(corpus / "valid.txt"), stride=5)
    assert capsys.readouterr().out == f"{expected}\n" and "byte" in str(expected)


def test_export_answers_the_same(run, model, tmp_path, capsys, monkeypatch):
    export_only(monkeypatch, tfllm.LanguageModel, "serving_default")
    main(["export", str(run), str(tmp_path / "serving"), "--decoding.max_length", "9"])
    assert (position := capsys.readouterr().out.strip()) == str(tmp_path / "serving" / "1")
    served = tf.saved_model.load(position)
    answer = served.signatures["serving_default"](texts=tf.constant(["two"]))["text"].numpy()[0].decode()
    with eagerly():
        assert answer == model.generate("two", max_length=9)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [[], ["--steps_per_epoch", "5"]])
def test_a_streamed_run_goes_on_as_if_it_had_not_ended(corpus, tmp_path, steps, eager):
    more = ["--stream", "true", "--shuffle_buffer", "20", *steps]
    train(corpus, tmp_path / "straight", *more, "--recipe.epochs", "3")
    train(corpus, tmp_path / "cut", *more, "--recipe.epochs", "1")
    train(corpus, tmp_path / "cut", *more, "--recipe.epochs", "3")
    assert history(tmp_path / "cut") == history(tmp_path / "straight") and len(history(tmp_path / "cut")) == 3


def test_which_reader_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "text", lambda *paths, **options: (paths, options))
    monkeypatch.setattr(data, "tfds", lambda *asked: asked)
    named = Training(text=("a", "b*"), valid_text=("c",), documents="line")
    assert named.records(stream=True) == (("a", "b*"), {"documents": "line", "stream": True})
    assert named.records("valid_") == (("c",), {"documents": "line", "stream": False})
    public = Training(tfds="lm1b", column="sentence")
    assert public.records() == ("lm1b", "train", {"text": "sentence"})
    assert public.records("valid_") == ("lm1b", "validation", {"text": "sentence"}) and public.validated


@pytest.mark.parametrize(
    "line, parts",
    [
        ("train lm --out R", ["--text F [F ...]"]),
        ("train lm --out R --text no*.txt", ["no file matches the pattern no*.txt"]),
        ("train lm --out R --text a.txt --tfds lm1b", ["use only one of --text, --tfds"]),
        ("train lm --out R --text a.txt --steps_per_epoch 3", ["needs --stream"]),
        ("train lm --out R --text a.txt --model.kind LSTM", ["one of GPT, Llama, LSTMLanguageModel, BigLanguageModel"]),
        ("train lm --out R --text a.txt --model.num_units 3", ["LSTMLanguageModel would have it: model.kind"]),
        ("train lm --out R --txt a.txt", ["no option --txt", "'--text'"]),
        ("train ml --out R", ["no task 'ml'", "did you mean 'lm'"]),
    ],
)
def test_errors_say_what_to_do(line, parts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("text")
    output = stderr_of(capsys, *line.split())
    assert all(part in output for part in parts), output
    assert not (tmp_path / "R").exists()


def test_help_lists_the_options_of_every_model(capsys):
    main(["train", "lm", "--help"])
    output = capsys.readouterr().out
    assert "usage: tfllm train lm --text F [F ...] --out RUN" in output and "--model.kind" in output
    assert "GPT: " in output and "LSTMLanguageModel: " in output and "--recipe.epochs" in output
