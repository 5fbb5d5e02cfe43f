"""Train, generate, evaluate, export by `main([...])` on a made corpus of 24 pairs, as a user would type it."""

import csv
import io
import json
import random

import pytest
import tensorflow as tf

import tfllm
from tests.conftest import eagerly
from tfllm.cli import main

WORDS = dict(zip("ein zwei rot blau hund katze haus".split(), "one two red blue dog cat house".split(), strict=True))
CONFIG = """
tokenizer: words
vocab_size: 50
shapes: 1
batch_tokens: 96
model: {num_layers: 1, d_model: 16, num_heads: 2, dff: 32, pe_input: 12, pe_target: 12}
recipe: {epochs: 2, warmup: 2, learning_rate: 0.02}
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder with train and valid, .de and .en, and tiny.yaml."""
    folder, draw = tmp_path_factory.mktemp("corpus"), random.Random(1)
    for part, size in (("train", 24), ("valid", 4)):
        lines = [draw.choices(list(WORDS), k=draw.randint(2, 4)) for _ in range(size)]
        (folder / f"{part}.de").write_text("".join(" ".join(line) + "\n" for line in lines))
        (folder / f"{part}.en").write_text("".join(" ".join(map(WORDS.get, line)) + "\n" for line in lines))
    (folder / "tiny.yaml").write_text(CONFIG)
    return folder


def train(corpus, out, *more):
    files = [f"--{name}={corpus / path}" for name, path in (("source", "train.de"), ("target", "train.en"))]
    main(["train", "translation", f"--config={corpus / 'tiny.yaml'}", *files, "--out", str(out), *more])


def valid(corpus):
    return ["--valid-source", str(corpus / "valid.de"), "--valid-target", str(corpus / "valid.en")]


def pairs_table(corpus):
    """The validation text as one table."""
    columns = [(corpus / f"valid.{side}").read_text().splitlines() for side in ("de", "en")]
    rows = ["source\ttarget", *("\t".join(pair) for pair in zip(*columns, strict=True))]
    (corpus / "valid.tsv").write_text("\n".join(rows) + "\n")
    return corpus / "valid.tsv"


@pytest.fixture(scope="module")
def run(corpus):
    with eagerly():
        train(corpus, corpus / "RUN", *valid(corpus))
    return corpus / "RUN"


def history(folder):
    """The rows of history.csv, without the time they took."""
    with open(folder / "history.csv", newline="") as file:
        return [{name: cell for name, cell in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def export_only(monkeypatch, task, *names):
    """From now on `export` writes these signatures of the task alone; tests/test_roads.py asks all of them."""
    every = task.signatures

    def some(self, *structure, **options):
        return {name: one for name, one in every(self, *structure, **options).items() if name in names}

    monkeypatch.setattr(task, "signatures", some)


def stderr_of(capsys, *line):
    """What an erroneous command line prints on stderr."""
    with pytest.raises(SystemExit) as end:
        main(list(line))
    assert end.value.code == 2
    output = capsys.readouterr().err
    assert "Traceback" not in output
    return output


def test_a_run_folder_holds_everything(run):
    assert {"config.yaml", "last.keras", "best.keras", "history.csv", "curve.png", "log.txt"} <= {
        path.name for path in run.iterdir()
    }
    rows = history(run)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert "val_loss" in rows[0]


def test_generate_answers_words_and_lines_alike(run, capsys, monkeypatch, eager):
    texts = ["ein hund", "", "zwei katze"]
    expected = tfllm.load_model(run / "best.keras").generate(texts, verbose=0)
    main(["generate", str(run), *texts])
    assert capsys.readouterr().out.splitlines() == expected
    lines = "".join(text + "\r\n" for text in texts).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    main(["generate", str(run / "best.keras"), "--batch-size", "2"])
    assert capsys.readouterr().out.splitlines() == expected


def test_evaluate_prints_scores_with_their_signatures(run, corpus, capsys, eager):
    main(["evaluate", str(run), "--source", str(corpus / "valid.de"), "--target", str(corpus / "valid.en")])
    output = capsys.readouterr().out
    assert "BLEU" in output and "chrF" in output and "tok:13a" in output
    main(["evaluate", str(run), "--data", str(pairs_table(corpus)), "--json", "-q"])
    result = capsys.readouterr()
    figures = json.loads(result.out)
    assert result.err == "" and f"BLEU {figures['bleu']['value']:.2f}" in output and figures["chrf"]["name"] == "chrF2"
    files = ["--source", str(corpus / "valid.de"), "--target", str(corpus / "valid.en"), "--beam-width", "1"]
    main(["evaluate", str(run), *files, "--tokenize", "char"])
    assert "tok:char" in capsys.readouterr().out
    assert "expected one of 13a, intl, zh" in stderr_of(capsys, "evaluate", str(run), *files, "--tokenize", "14a")


def test_export_says_where_and_answers_the_same(run, tmp_path, capsys, monkeypatch):
    export_only(monkeypatch, tfllm.Translator, "serving_default")
    main(["export", str(run), str(tmp_path / "serving"), "--decoding.beam_width", "1"])
    assert (place := capsys.readouterr().out.strip()) == str(tmp_path / "serving" / "1")
    with eagerly():
        main(["generate", str(run), "ein hund", "--decoding.beam_width", "1"])
    served = tf.saved_model.load(place)
    answer = served.signatures["serving_default"](texts=tf.constant(["ein hund"]))["text"].numpy()[0].decode()
    assert capsys.readouterr().out == answer + "\n"


def test_another_format_has_no_fixed_decoding(run, tmp_path, capsys, monkeypatch):
    formats = []
    monkeypatch.setattr(tfllm.Translator, "export", lambda self, *where, **options: formats.append(options) or "")
    main(["export", str(run), str(tmp_path), "--format", "ctranslate2"])
    monkeypatch.undo()
    assert formats == [{"format": "ctranslate2"}]
    message = stderr_of(capsys, "export", str(run), str(tmp_path), "--format", "ctranslate2", "--beam_width", "2")
    assert "ctranslate2 takes the options of decoding when it runs" in message


@pytest.mark.slow
def test_interrupted_and_resumed_is_as_never_interrupted(corpus, tmp_path, capsys, monkeypatch, eager):
    train(corpus, tmp_path / "straight")

    class CtrlC(tfllm.training.ValidationScore):
        def on_train_batch_end(self, batch, logs=None):
            if self.epoch == 1:
                raise KeyboardInterrupt

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

    whole = tfllm.training.callbacks
    monkeypatch.setattr(tfllm.training, "callbacks", lambda *args: [*whole(*args), CtrlC("none", float)])
    with pytest.raises(SystemExit) as end:
        train(corpus, tmp_path / "cut")
    assert end.value.code == 130
    output = capsys.readouterr().err
    assert "1 epoch" in output and f"tfllm train translation --out {tmp_path / 'cut'}" in output
    assert len(history(tmp_path / "cut")) == 1
    monkeypatch.setattr(tfllm.training, "callbacks", whole)
    main(["train", "translation", "--out", str(tmp_path / "cut")])
    assert history(tmp_path / "cut") == history(tmp_path / "straight")
    main(["train", "translation", "--out", str(tmp_path / "cut"), "--epochs", "3"])  # all else is in the folder
    assert len(history(tmp_path / "cut")) == 3
    assert "dff was 32 and is 8" in stderr_of(
        capsys, "train", "translation", "--out", str(tmp_path / "cut"), "--epochs", "4", "--model.dff", "8"
    )


def test_options_are_those_of_the_run_s_task(run, capsys):
    assert "no option --decoding.beam: did you mean '--decoding.beam_width'" in stderr_of(
        capsys, "generate", str(run), "text", "--decoding.beam", "2"
    )
    assert "no option --decoding.max_length" in stderr_of(capsys, "export", str(run), "F", "--decoding.max_length", "2")
    output = stderr_of(capsys, "evaluate", str(run), "--text", "F")
    assert (
        "no option --text: " in output
        and "is a run of translation, whose data options are --source F --target F; " in output
    )
    assert "the option belongs to lm, classifier" in output and "did you mean" not in output
    assert "a run of translation; the option belongs to " in stderr_of(
        capsys, "generate", str(run), "a", "--n_best", "2"
    )


def test_a_finished_run_ends_at_once_and_other_settings_are_refused(run, corpus, capsys):
    before = (run / "last.keras").stat().st_mtime_ns
    train(corpus, run, *valid(corpus))
    assert "the training is complete" in capsys.readouterr().err
    more = ["--config", str(corpus / "tiny.yaml"), "--source", "x", "--target", "y", *valid(corpus)]
    output = stderr_of(capsys, "train", "translation", *more, "--out", str(run), "--model.dff", "8")
    assert "model.dff was 32 and is 8" in output and "source was" in output
    assert (run / "last.keras").stat().st_mtime_ns == before


def test_another_task_and_changed_texts_are_told(run, corpus, capsys):
    kept = (run / "run.json").read_text()
    again = "use another --out, or continue it by tfllm train translation --out"
    output = f"{run} contains a run of translation, not of lm: {again}"
    for more in ([], ["--text", str(corpus / "train.de")]):
        assert output in stderr_of(capsys, "train", "lm", "--out", str(run), *more)
    (run / "run.json").unlink()  # as older runs are: the model tells
    assert output in stderr_of(capsys, "train", "lm", "--out", str(run))
    (run / "run.json").write_text(kept)
    path = corpus / "train.en"
    text = path.read_text()
    path.write_text(text.replace("one", "two", 1))
    train(corpus, run, *valid(corpus))
    assert f"{path} has changed since {run} began" in capsys.readouterr().err
    path.write_text(text)
    train(corpus, run, *valid(corpus))
    assert "has changed" not in capsys.readouterr().err


def test_a_log_is_shown_once_whatever_was_imported(capsys, monkeypatch):
    import logging

    from absl import logging as absl

    from tfllm.cli import screen

    shown, handler = [], absl.get_absl_handler()
    monkeypatch.setattr(handler.python_handler, "handle", shown.append)
    monkeypatch.setattr(logging.root, "handlers", [handler, logging.StreamHandler()])  # as rouge-score's imports do
    screen.begin([])
    screen.log.info("once")
    logging.getLogger("other").warning("of another")
    assert capsys.readouterr().err == "once\nof another\n" and [record.msg for record in shown] == ["of another"]


def test_a_run_in_use_is_refused(run, corpus, capsys, monkeypatch):
    monkeypatch.setattr("tfllm.training.lock.lock", lambda descriptor: (_ for _ in ()).throw(BlockingIOError))
    (run / ".lock").write_text("process 7 on there, since now")
    assert stderr_of(capsys, "train", "translation", "--out", str(run)).splitlines()[-1] == (
        f"tfllm train: {run} is in use: process 7 on there, since now trains there; "
        "wait, stop it, or use another folder"
    )
    (run / ".lock").unlink()


@pytest.mark.parametrize(
    "line, parts",
    [
        ("trian", ["no verb 'trian'", "'train'"]),
        ("train translatoin", ["no task 'translatoin'", "'translation'"]),
        ("train translation --out R --sorce a", ["no option --sorce", "'--source'"]),
        ("train translation --out R --model.num_layer 2", ["'--model.num_layers'"]),
        ("train translation --source a --target b", ["--out RUN"]),
        ("train translation --out R", ["--source F --target F"]),
        ("train translation --out R --source a", ["--source and --target must be used together"]),
        ("train translation --out R --source a --target b --data c", ["use only one of"]),
        ("train translation --out R --source no.de --target no.en", ["no.de"]),
        ("train translation --out R --config no.yaml", ["no.yaml"]),
        ("train translation --out R --recipe.monitor val_bleu --data {table}", ["BLEU needs validation text"]),
        ("generate nowhere text", ["nowhere"]),
        ("generate {empty} text", ["RUN is an empty word; expected RUN"]),
        ("export nowhere {empty}", ["FOLDER is an empty word; expected RUN FOLDER"]),
        ("train translation --data {empty} --out R", ["--data is empty: expected the name of a file"]),
        ("train translation --data pairs.tsv --out {empty}", ["no output folder: use --out RUN"]),
        ("generate", ["usage", "RUN of translation:", "RUN of lm:", "--decoding.beam_width", "--decoding.max_length"]),
        ("generate pairs.tsv text", ["pairs.tsv: expected the folder of a run or a .keras file"]),
        ("evaluate nowhere", ["nowhere"]),
        ("export nowhere", ["expected RUN FOLDER"]),
    ],
)
def test_errors_say_what_to_do(line, parts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs.tsv").write_text("source\ttarget\nein\tone\n")
    words = ["" if word == "{empty}" else word.format(table="pairs.tsv") for word in line.split()]
    if parts[0] == "usage":
        main(words)
        output = capsys.readouterr().out
    else:
        output = stderr_of(capsys, *words)
    assert all(part in output for part in parts), output
    assert not (tmp_path / "R").exists()
