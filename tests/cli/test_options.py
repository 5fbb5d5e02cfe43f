"""Words -> dataclass. Written by hand: what each line must give, or which words its error holds."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from tfllm.cli import options
from tfllm.cli.tasks import table
from tfllm.cli.tasks.reporting import ReportOptions
from tfllm.data.batches import plan


def read(kind, line):
    given, words = options.split(line)
    return options.settings(kind, given), words


@dataclass(frozen=True)
class Size:
    num_layers: int = 2  # blocks on each side
    rate: float = 0.1


@dataclass(frozen=True)
class Files:
    text: tuple[str, ...] | None = None
    split: str = "test"


@dataclass(frozen=True)
class Settings:
    source: str | None = None  # text file
    valid_source: str | None = None
    columns: tuple[str, ...] | None = None
    model: Size = field(default_factory=Size)


def test_every_spelling_of_an_option():
    line = ["RUN", "--source", "a.de", "--valid-source=v.de", "--model.num_layers", "4", "--columns", "a,b"]
    settings, words = read(Settings, line)
    assert settings == Settings("a.de", "v.de", ("a", "b"), Size(num_layers=4))
    assert words == ["RUN"]


@dataclass(frozen=True)
class Two:
    first: Size = field(default_factory=Size)
    second: Files = field(default_factory=Files)
    rate: float = 0.5


def test_the_last_part_of_a_name_is_enough_where_only_one_has_it():
    settings, _ = read(Two, ["--num-layers", "5", "--split=train", "--rate", "0.1"])
    assert settings == Two(Size(num_layers=5), Files(split="train"), rate=0.1)  # rate is a whole name
    with pytest.raises(ValueError, match="--first.num_layers is repeated"):
        read(Two, ["--num_layers", "5", "--first.num_layers", "6"])
    with pytest.raises(ValueError, match="no option --num_layer: did you mean"):
        read(Two, ["--num_layer", "5"])


def test_values_may_begin_with_a_minus_and_words_with_two():
    settings, words = read(Settings, ["--model.rate", "-1", "--", "--source", "-x"])
    assert settings.model.rate == -1.0
    assert words == ["--source", "-x"]


def test_files_are_all_the_words_up_to_the_next_option():
    settings, words = read(Files, ["RUN", "--text", "a,b.txt", "c d.txt", "--split", "train", "more"])
    assert settings == Files(("a,b.txt", "c d.txt"), "train") and words == ["RUN", "more"]
    assert read(Files, ["--text=a", "b", "--", "c"]) == (Files(("a", "b")), ["c"])
    with pytest.raises(ValueError, match="--text needs a value"):
        read(Files, ["--text", "--split", "train"])


def test_help_of_several_kinds_says_whose_the_options_are():
    message = options.helps("tfllm do RUN", {"toys": Settings, "files": Files}).splitlines()
    assert message[0] == "usage: tfllm do RUN" and message.index("RUN of toys:") < message.index("RUN of files:")
    assert any(line.startswith("  --split ") for line in message[message.index("RUN of files:") :])
    assert message[-2] == "every RUN:" and message[-1].startswith("  --config F.yaml  settings in a file")
    assert "every RUN:" not in options.helps("tfllm do RUN", {"toys": Settings})


def test_help_has_no_empty_default():
    (line,) = (line for line in options.lines(ReportOptions) if line.startswith("  --skip "))
    assert line.endswith("sizes,speed (a list of str)")


def test_the_file_stands_below_the_options(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text("source: a\nmodel:\n  num_layers: 3\n  rate: 0.3\n")
    settings, _ = read(Settings, ["--model.num-layers", "5", "--config", str(path)])
    assert settings == Settings("a", model=Size(num_layers=5, rate=0.3))


@dataclass(frozen=True)
class Chain:
    num_units: int = 8


@dataclass(frozen=True)
class Either:
    model: Size | Chain = field(default_factory=Size)


@pytest.mark.parametrize("turn", [1, -1])
def test_the_kind_may_stand_before_or_behind_its_settings(turn, tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text("model: {num_layers: 3}")
    line = ["--model.kind=Chain", "--model.num_units=5", f"--config={path}"]
    assert read(Either, line[::turn])[0] == Either(Chain(5))


@pytest.mark.parametrize(
    "line, message",
    [
        (["--sorce", "a"], ["--sorce", "did you mean '--source'?"]),
        (["--model.num_layer", "3"], ["--model.num_layer", "'--model.num_layers'"]),
        (["--model.num_layers", "four"], ["num_layers", "int", "four"]),
        (["--model", "3"], ["--model"]),
        (["--source"], ["--source needs a value"]),
        (["--source", "--columns", "a,b"], ["--source needs a value"]),
        (["--source", "a", "--source=b"], ["--source is repeated"]),
    ],
)
def test_errors_name_the_word_and_the_way_out(line, message):
    with pytest.raises(ValueError) as error:
        read(Settings, line)
    assert all(part in str(error.value) for part in message), error.value


@pytest.mark.parametrize("given", [[], ["RUN", "more"]])
def test_words_are_as_many_as_expected(given):
    assert options.words(["RUN"], ["a"]) == ["a"]
    with pytest.raises(ValueError, match="expected RUN, got (nothing|RUN more)"):
        options.words(["RUN"], given)


def test_options_that_are_no_settings_are_known_too():
    with pytest.raises(ValueError, match="no option --ot: did you mean '--out'"):
        options.settings(Settings, {"ot": "RUN"}, apart=["out"])


def test_errors_of_the_file_name_the_nearest(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text("model:\n  num_layer: 3\n")
    with pytest.raises(ValueError, match="num_layers"):
        read(Settings, ["--config", str(path)])


def test_help_shows_type_default_and_comment():
    text = options.help("tfllm train toys", Settings)
    assert "usage: tfllm train toys" in text
    assert "--model.num_layers  blocks on each side (int, default 2)" in text
    assert "--source            text file (str)\n" in text
    assert "--model.rate        (float, default 0.1)" in text


@dataclass(frozen=True)
class Column:
    text: str | None = None


def test_an_option_of_many_words_may_be_of_one():
    assert read(Column, ["--text", "review"])[0] == Column("review")
    assert read(Files, ["--text", "a"])[0] == Files(("a",))
    with pytest.raises(ValueError, match="text: expected str or none, got"):
        read(Column, ["--text", "a", "b"])


@pytest.mark.parametrize("task", sorted(table.TASKS.keys() - {"facts"}))  # a memory network has its paper's 32
def test_batches_are_sized_for_the_data_unless_the_line_says_how(task):
    """300 rows of 10 tokens: 50 batches of 6 rows; where 20 rows or 200 tokens are asked for, 15 of 20."""
    training = table.module(task).Training

    def batches(line):
        given = read(training, line)[0].batching()
        return plan(np.full(300, 10), given.get("batch_tokens"), given.get("batch_size"), given["shapes"]).batches

    asked = ["--batch_size", "20"] if hasattr(training, "batch_size") else ["--batch_tokens", "200"]
    assert (batches([]), batches(asked)) == (50, 15)


@pytest.mark.parametrize(
    "task, given, output",
    [
        ("lm", {"stream": True, "num_return_sequences": 2}, "--stream allows one text"),
        ("lm", {"stream": True, "jit_compile": True}, "--stream allows one text"),
        ("dialogue", {"separator": ""}, "must not be empty"),
        ("facts", {"separator": ""}, "must not be empty"),
        ("facts", {"separator": ";"}, "text 1: expected facts, ';' and a question; got 'a | b'"),
    ],
)
def test_what_cannot_be_answered_is_refused_without_a_model(task, given, output):
    with pytest.raises(ValueError, match=output.replace("|", r"\|")):
        table.module(task).Generation(**given).check(["a | b"])
