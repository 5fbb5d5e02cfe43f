"""Train, evaluate, ask, export and talk with a dialogue generator by `main([...])`, as a user would type it."""

import contextlib
import io
import sys

import pytest
import tensorflow as tf

import tfllm
from tests.cli.test_road import export_only, history, stderr_of
from tests.conftest import eagerly
from tfllm import data
from tfllm.cli import main
from tfllm.cli.chat import talk
from tfllm.tasks import CausalDialogue

CONFIG = """
tokenizer: words
reply_length: 6
model: {kind: LSTMLanguageModel, embedding_dim: 16, num_units: 16, num_layers: 1, rate: 0.0}
recipe: {epochs: 2, warmup: 5, learning_rate: 0.02}
"""
DIALOGUES = "good day __eou__ good day to you __eou__ bye __eou__ see you __eou__\t1\nwho ? __eou__ me __eou__\t2\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with d.txt and RUN, of which its training tells how to talk with it."""
    folder = tmp_path_factory.mktemp("dialogue")
    (folder / "d.txt").write_text(DIALOGUES)
    (folder / "tiny.yaml").write_text(CONFIG)
    with eagerly():
        files = ["--dialogues", str(folder / "d.txt"), "--valid-dialogues", str(folder / "d.txt")]
        with contextlib.redirect_stderr(io.StringIO()) as screen:
            main(["train", "dialogue", "--config", str(folder / "tiny.yaml"), *files, "--out", str(folder / "RUN")])
    assert screen.getvalue().splitlines()[-1] == f"trained: tfllm chat {folder / 'RUN'}"
    return folder / "RUN"


@pytest.fixture(scope="module")
def model(run):
    return tfllm.load_model(run / "best.keras")


def test_a_run_folder_holds_everything(run, model):
    rows = history(run)
    assert len(rows) == 2 and "val_loss" in rows[0]
    assert type(model) is CausalDialogue and model.reply_length == 6 and model.speakers == ("A", "B")


def test_evaluate_and_generate(run, model, capsys, eager):
    path = str(run.parent / "d.txt")
    main(["evaluate", str(run), "--dialogues", path, "--most", "2", "--max_new_tokens", "3"])
    expected = model.score(data.dialogues(path), most=2, max_new_tokens=3)
    assert capsys.readouterr().out == f"{expected}\n" and expected.replies.texts == 2
    main(["generate", str(run), "good day | good day to you | bye", "who ?"])
    output = [model.reply(["good day", "good day to you", "bye"]), model.reply(["who ?"])]
    assert capsys.readouterr().out.splitlines() == output


@pytest.mark.slow
def test_export(run, model, tmp_path, capsys, monkeypatch):
    export_only(monkeypatch, CausalDialogue, "serving_default")
    main(["export", str(run), str(tmp_path / "serving"), "--max_new_tokens", "4"])
    served = tf.saved_model.load(capsys.readouterr().out.strip())
    answer = served.signatures["serving_default"](texts=tf.constant(["good day\ngood day to you\nbye"]))
    with eagerly():
        said = model.reply(["good day", "good day to you", "bye"], max_new_tokens=4)
    assert answer["text"].numpy()[0].decode() == said


@pytest.mark.slow
def test_chat_with_standard_input(run, model, capsys, monkeypatch, eager):
    lines = "good day|bye||/reset|who ?|/system be kind|who ?|/system|/bye|who ?|/quit|x".replace("|", "\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    main(["chat", str(run), "--temperature", "2.0"])
    chat = model.chat(temperature=2.0)
    expected = [chat.say("good day"), chat.say("bye")]
    chat.reset()
    expected.append(chat.say("who ?"))
    chat.system = "be kind"
    expected.append(chat.say("who ?"))
    chat.system = None
    expected.append(chat.say("who ?"))
    result = capsys.readouterr()
    assert result.out.splitlines() == expected
    assert result.err.splitlines()[1:] == ["no command /bye; the commands are /reset, /system TEXT, /quit"]
    main(["chat", str(run), "--beam_width", "2", "--system", "be kind"])  # what is left of the input
    assert capsys.readouterr().out == model.chat("be kind", beam_width=2).say("x") + "\n"


class Parrot:
    """What `talk` needs of a Chat."""

    person, model, decoding = "Ann", "Bill", {}

    def stream(self, text):
        yield from (text, "\n", text.upper())


def test_a_person_sees_names(capsys):
    lines = iter(["hi", "", "für"])

    def ask(prompt):
        print(prompt, end="")
        return next(lines).encode() if lines.__length_hint__() else None

    talk(Parrot(), ask, shown=True)
    thinks = "Bill: thinking ...\r\x1b[KBill: "
    output = f"(/reset, /system TEXT, /quit)\nAnn: {thinks}hi HI\nAnn: Ann: {thinks}für FÜR\nAnn: \n"
    assert capsys.readouterr().out == output


@pytest.mark.parametrize(
    "line, parts",
    [
        ("train dialogue --out R", ["name the dialogues: --dialogues F[,F]"]),
        ("train dialogue --out R --dialogues none.txt", ["none.txt"]),
        ("train dialogue --out R --dialogues a.txt", ["a.txt:1: expected turns that end with __eou__"]),
        ("chat none", ["none: expected the folder of a run"]),
        ("chat a b", ["expected RUN, got a b"]),
    ],
)
def test_errors_say_what_to_do(line, parts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("nothing\n")
    output = stderr_of(capsys, *line.split())
    assert all(part in output for part in parts), output


def test_chat_is_for_dialogue(capsys, tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "x.keras", "w") as archive:
        archive.writestr("config.json", '{"registered_name": "tfllm>Translator"}')
    output = stderr_of(capsys, "chat", str(tmp_path / "x.keras"))
    assert "is a run of translation, which does not support this verb: use tfllm generate" in output


def test_help(capsys):
    main(["train", "dialogue", "--help"])
    output = capsys.readouterr().out
    assert "usage: tfllm train dialogue --dialogues F[,F] --out RUN" in output and "--reply_length" in output
    main(["chat", "--help"])
    output = capsys.readouterr().out
    assert "usage: tfllm chat RUN" in output and "--decoding.repetition_penalty" in output
