"""`tfllm train summarization` and what follows, by `main([...])` on a made corpus of 40 pairs."""

import pytest
import tensorflow as tf

import tfllm
from tests.cli.test_road import stderr_of
from tfllm.cli import main

NAMES = "anna bert carl dora emil fred gina hugo ida jan".split()
CONFIG = """
vocab_size: 12
shapes: 1
batch_tokens: 96
coverage: 0.5
model: {kind: Seq2SeqRNN, num_layers: 1, embedding_dim: 8, num_units: 8, pe_input: 12, pe_target: 8, attention: luong}
recipe: {epochs: 1, warmup: 5, learning_rate: 0.02}
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder with pairs.tsv, valid.tsv and tiny.yaml."""
    folder = tmp_path_factory.mktemp("summaries")
    for part, size in (("pairs", 40), ("valid", 6)):
        pairs = [(NAMES[i % 10], NAMES[(i // 2) % 10]) for i in range(size)]
        lines = [f"today {one} wrote a long letter to {other} .\t{one} wrote to {other}\n" for one, other in pairs]
        (folder / f"{part}.tsv").write_text("source\ttarget\n" + "".join(lines))
    (folder / "tiny.yaml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def run(corpus):
    main(["train", "summarization", f"--config={corpus / 'tiny.yaml'}", f"--data={corpus / 'pairs.tsv'}",
          f"--valid-data={corpus / 'valid.tsv'}", "--out", str(corpus / "RUN")])  # fmt: skip
    return corpus / "RUN"


def test_generate_and_evaluate(run, corpus, capsys, eager):
    model = tfllm.load_model(run / "best.keras")
    assert isinstance(model, tfllm.Summarizer) and model.model.coverage == 0.5
    text = "today zoe wrote a letter to yan ."
    expected = model.generate(text, beam_width=1, min_length=2, max_length=3, verbose=0)
    options = "--decoding.beam_width 1 --decoding.min_length 2 --decoding.max_length 3".split()
    main(["generate", str(run), text, *options])
    assert capsys.readouterr().out == expected + "\n" and 2 <= len(expected.split()) <= 3
    pytest.importorskip("rouge_score")
    main(["evaluate", str(run), "--data", str(corpus / "valid.tsv"), "--stemming", "false", "--tokens",
          "characters", *options])  # fmt: skip
    output = capsys.readouterr().out
    assert [line.split()[0] for line in output.splitlines()] == ["ROUGE-1", "ROUGE-2", "ROUGE-L"]
    assert "tokens:characters|stemming:no" in output and "n:6|" in output


@pytest.mark.slow
def test_export_answers_the_same(run, tmp_path, capsys):
    main(["export", str(run), str(tmp_path / "serving"), "--decoding.beam_width", "1"])
    served = tf.saved_model.load(capsys.readouterr().out.strip())
    texts = tf.constant(["today zoe wrote a letter to yan .", "a"])
    expected = tfllm.load_model(run / "best.keras").generate([t.decode() for t in texts.numpy()], beam_width=1)
    for name in ("serving_default", "serving_xla"):
        answer = served.signatures[name](texts=texts)
        assert [text.decode() for text in answer["text"].numpy()] == expected
        assert answer["cut"].numpy().tolist() == [0, 0]


@pytest.mark.parametrize(
    "line, parts",
    [
        ("train summarization --out R", ["--source F --target F"]),
        ("train summarization --out R --recipe.monitor val_rougeL --data pairs.tsv", ["ROUGE needs validation text"]),
        ("train summarisation --out R", ["no task 'summarisation'", "'summarization'"]),
    ],
)
def test_errors_say_what_to_do(line, parts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs.tsv").write_text("source\ttarget\na long text\ttext\n")
    output = stderr_of(capsys, *line.split())
    assert all(part in output for part in parts), output
