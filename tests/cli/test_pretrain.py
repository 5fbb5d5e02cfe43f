"""Pre-train, evaluate, fill, export by `main([...])`, as a user would type it; and go on with a run."""

import random

import pytest
import tensorflow as tf

import tfllm
from tests.cli.test_road import export_only, history, stderr_of
from tests.conftest import eagerly
from tfllm import data
from tfllm.cli import main

CONFIG = """
vocab_size: 80
length: 16
batch_tokens: 160
shapes: 1
model: {max_length: 24, num_layers: 1, d_model: 16, num_heads: 2, dff: 16, rate: 0.0}
recipe: {epochs: 2, warmup: 5, learning_rate: 0.02}
"""
SPANS = """
vocab_size: 280
length: 16
batch_tokens: 160
shapes: 1
model: {num_layers: 1, d_model: 16, num_heads: 2, dff: 16, pe_input: 24, pe_target: 24, rate: 0.0}
recipe: {epochs: 1, warmup: 5, learning_rate: 0.02}
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder with a.txt, valid.txt, of a document a paragraph, and two configs."""
    folder, draw = tmp_path_factory.mktemp("corpus"), random.Random(1)
    for name, size in (("a", 30), ("valid", 8)):
        lines = [". ".join(" ".join(draw.choices(["One", "two", "red", "dog"], k=4)) for _ in range(3)) + "."
                 for _ in range(size)]  # fmt: skip
        (folder / f"{name}.txt").write_text("\n\n".join(lines))
    (folder / "tiny.yaml").write_text(CONFIG)
    (folder / "denoising.yaml").write_text(SPANS)
    (folder / "spans.yaml").write_text("objective: spans\n" + SPANS.replace("{num", "{kind: Transformer, num"))
    return folder


def pretrain(corpus, out, *more, config="tiny.yaml", verb=("pretrain",)):
    text = ["--text", str(corpus / "a.txt"), "--documents", "paragraph"]
    main([*verb, "--config", str(corpus / config), *text, "--out", str(out), *more])


@pytest.fixture(scope="module")
def run(corpus):
    with eagerly():
        pretrain(corpus, corpus / "RUN", "--valid-text", str(corpus / "valid.txt"))
    return corpus / "RUN"


@pytest.fixture(scope="module")
def model(run):
    return tfllm.load_model(run / "best.keras")


def test_a_run_folder_holds_everything(run, model):
    assert {"config.yaml", "last.keras", "best.keras", "history.csv"} <= {path.name for path in run.iterdir()}
    assert len(history(run)) == 2 and {"loss", "mlm_loss", "val_nsp_accuracy"} <= set(history(run)[0])
    assert isinstance(model, tfllm.MaskedLanguageModel)


def test_evaluate_and_generate(run, model, corpus, capsys, eager):
    main(["evaluate", str(run), "--text", str(corpus / "valid.txt"), "--documents", "paragraph", "--seed", "3"])
    assert capsys.readouterr().out == f"{model.score(data.text(corpus / 'valid.txt', documents='paragraph'), 3)}\n"
    main(["generate", str(run), "one [MASK] red", "no mask"])
    assert capsys.readouterr().out.splitlines() == model.generate(["one [MASK] red", "no mask"])
    main(["generate", str(run), "one [MASK] red", "--top_k", "2"])
    output = capsys.readouterr().out.splitlines()
    best = model.fill("one [MASK] red", 2)[0]
    assert output[1].split() == [part for token, share in best for part in (token, f"{share:.3f}")]


def test_export_answers_the_same(run, model, tmp_path, capsys, monkeypatch):
    export_only(monkeypatch, tfllm.MaskedLanguageModel, "serving_default")
    main(["export", str(run), str(tmp_path / "serving"), "--top_k", "3"])
    served = tf.saved_model.load(capsys.readouterr().out.strip())
    result = served.signatures["serving_default"](texts=tf.constant(["red [MASK]"]))
    assert result["tokens"].shape == (1, 1, 3)
    with eagerly():
        assert result["text"].numpy()[0].decode() == model.generate("red [MASK]")


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--objective", "mlm", "--stream", "true", "--steps_per_epoch", "3"]])
def test_a_run_goes_on_as_if_it_had_not_ended(corpus, tmp_path, more, eager):
    pretrain(corpus, tmp_path / "straight", *more)
    pretrain(corpus, tmp_path / "cut", *more, "--recipe.epochs", "1")
    pretrain(corpus, tmp_path / "cut", *more, "--recipe.epochs", "2")
    assert history(tmp_path / "cut") == history(tmp_path / "straight") and len(history(tmp_path / "cut")) == 2


@pytest.mark.slow
@pytest.mark.parametrize("verb, config", [(["train", "denoising"], "denoising.yaml"), (["pretrain"], "spans.yaml")])
def test_spans(corpus, tmp_path, capsys, eager, verb, config):
    pretrain(corpus, tmp_path / "RUN", config=config, verb=verb)
    model = tfllm.load_model(tmp_path / "RUN" / "last.keras")
    assert type(model).__name__ == "Denoiser" and model.tokenizer.lowercase
    main(["evaluate", str(tmp_path / "RUN"), "--text", str(corpus / "valid.txt")])
    loss = model.evaluate(data.text(corpus / "valid.txt"), verbose=0)[0]
    assert capsys.readouterr().out.splitlines()[-1].split()[0] in ("loss", "accuracy") and loss > 0
    main(["generate", str(tmp_path / "RUN"), "one [MASK] red"])
    assert capsys.readouterr().out == model.generate("one [MASK] red").replace("\n", " ") + "\n"


@pytest.mark.parametrize(
    "line, parts",
    [
        ("pretrain --text a.txt", ["no output folder: use --out RUN"]),
        ("pretrain --out R", ["--text F [F ...]"]),
        ("pretrain --out R --text a.txt --objective spans", ["Transformer or Seq2SeqRNN", "--model.kind Transformer"]),
        ("pretrain --out R --text a.txt --model.kind Seq2SeqRNN", ["mlm_nsp needs a BERT"]),
        ("pretrain --out R --text a.txt --objective mlmm", ["mlm_nsp"]),
        ("pretrain --out R --text a.txt --steps_per_epoch 3", ["needs --stream"]),
        ("pretrain --out R --text a.txt", ["at least two documents"]),
        ("train denoising --out R --text a.txt --objective mlm", ["objective", "spans", "mlm"]),
        ("train denoising --out R --text a.txt --model.kind BERT", ["BERT", "Transformer, Seq2SeqRNN"]),
    ],
)
def test_errors_say_what_to_do(line, parts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("A text. Of two sentences.")
    output = stderr_of(capsys, *line.split())
    assert all(part in output for part in parts), output


def test_help_lists_the_options(capsys):
    main(["pretrain", "--help"])
    output = capsys.readouterr().out
    assert (
        "usage: tfllm pretrain --text F [F ...] --out RUN" in output and "--objective" in output and "BERT: " in output
    )
