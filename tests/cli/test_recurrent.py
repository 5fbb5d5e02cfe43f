"""`tfllm train translation --model.kind Seq2SeqRNN`: the words of the command line reach the model."""

import tfllm
from tests.cli.test_road import corpus, stderr_of, train  # noqa: F401 (fixtures)
from tfllm import config
from tfllm.cli import options
from tfllm.cli.tasks.translation import Training
from tfllm.models import Seq2SeqRNN, Seq2SeqRNNConfig

RNN = ["--model.kind=Seq2SeqRNN", "--model.embedding-dim=6", "--model.num_units", "8", "--model.attention", "luong"]


def test_a_run_with_the_recurrent_model(corpus, tmp_path, eager):  # noqa: F811
    """The file describes a Transformer; the options above it choose, and the run's folder keeps what was chosen."""
    train(corpus, tmp_path / "RUN", *RNN, "--recipe.epochs", "1")
    kept = config.load(Training, tmp_path / "RUN" / "config.yaml")
    assert kept.model == Seq2SeqRNNConfig(embedding_dim=6, num_units=8, attention="luong")
    translator = tfllm.load_model(tmp_path / "RUN" / "best.keras")
    assert isinstance(translator.model, Seq2SeqRNN)
    numbers = translator.model.numbers
    assert (numbers["num_layers"], numbers["num_units"], numbers["attention"]) == (1, 8, "luong")
    assert isinstance(translator.generate("ein hund", beam_width=1), str)


def test_the_words_in_any_order():
    given, _ = options.split(["--model.num_units", "8", *RNN[:2]])
    assert options.settings(Training, given).model == Seq2SeqRNNConfig(embedding_dim=6, num_units=8)


def test_settings_of_another_model_are_refused_with_a_way_out(capsys):
    output = stderr_of(capsys, "train", "translation", "--out", "R", "--model.num_units", "8")
    assert "TransformerConfig has no 'num_units'" in output and "Seq2SeqRNN would have it: model.kind" in output
    output = stderr_of(capsys, "train", "translation", "--out", "R", "--model.kind", "seq2seq")
    assert "model.kind: expected one of Transformer, Seq2SeqRNN" in output
