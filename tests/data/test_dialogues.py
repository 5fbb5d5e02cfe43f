"""Files of dialogues, written here and read by a person; the real ones by their counts."""

import gzip
import json
import os
from pathlib import Path

import pytest

from tfllm.data.reading.dialogues import dialogue, dialogues, of_messages

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[3] / "shared" / "data")) / "xdailydialog"
DAILY = """\
Can I help you ? __eou__ Yes . How do I get there ? __eou__ Go straight on . __eou__\t1\t2 1 1\t0 0 0

你会用筷子吗？__eou__怎么不会？看。__eou__\t1\t2 1\t0 0
"""
LINES = [
    {"turns": ["Hi,\n there", "Hello"], "speakers": ["user", "clerk"], "system": "You sell flowers."},
    {"turns": ["a", "b", "c"], "speakers": None, "topic": 1},
    {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "四月？"},
                  {"role": "assistant", "content": "是\t的"}]},
    {"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]},
]  # fmt: skip
EXPECTED = [
    "system\tYou sell flowers.\nuser\tHi, there\nclerk\tHello", "a\nb\nc",
    "system\tBe brief.\nuser\t四月？\nassistant\t是 的",
    "user\tx\nuser\ty",
]  # fmt: skip


def rows(*paths):
    return [record["dialogue"].decode() for record in dialogues(*paths).as_numpy_iterator()]


def test_files_of_daily_dialog(tmp_path):
    (tmp_path / "a.txt").write_text(DAILY, encoding="utf-8")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(DAILY.replace("\n", "\r\n").encode()))
    expected = ["Can I help you ?\nYes . How do I get there ?\nGo straight on .", "你会用筷子吗？\n怎么不会？看。"]
    assert rows(tmp_path / "a.txt") == expected
    assert rows(tmp_path / "a.txt", tmp_path / "b.txt.gz") == 2 * expected
    assert dialogues(tmp_path / "a.txt").cardinality() == 2


def test_json(tmp_path):
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(line) for line in LINES))
    assert rows(tmp_path / "a.jsonl") == EXPECTED


def test_dialogues_that_nobody_answers_are_counted(tmp_path):
    (tmp_path / "a.txt").write_text("a __eou__\na __eou__ b __eou__\nc __eou__\n")
    with pytest.warns(UserWarning, match=r"skipped 2 dialogues of fewer than two turns: .*a.txt:1, .*a.txt:3"):
        assert rows(tmp_path / "a.txt") == ["a\nb"]


@pytest.mark.parametrize(
    "name, text, output",
    [
        ("a.txt", "a __eou__ b __eou__\na __eou__ b\n", "a.txt:2: expected turns .* with __eou__; got 'a __eou__ b'"),
        ("a.txt", "nothing of this\n", "a.txt:1: expected turns that end with __eou__"),
        ("a.txt", "a __eou__ __eou__ b __eou__\n", "a.txt:1: turn 2 is empty"),
        ("a.txt", "\n", "expected dialogues in .*a.txt; got none"),
        ("a.jsonl", '\n{"turns": ["a"]\n', "a.jsonl:2: expected one JSON object: "),
        ("a.jsonl", '["a", "b"]', "a.jsonl:1: expected one JSON object with 'turns' or 'messages'; got list"),
        ("a.jsonl", '{"text": "a"}', r"got \['text'\]"),
        ("a.jsonl", '{"turns": "a"}', "expected a list of texts in 'turns'; got a str"),
        ("a.jsonl", '{"turns": ["a", 2]}', "turn 2: expected a text, got a int: 2"),
        ("a.jsonl", '{"turns": ["a", "\\ud800"]}', "turn 2 contains half of a surrogate pair"),
        ("a.jsonl", '{"turns": ["a", "b"], "speakers": ["x"]}', "expected a speaker for each of 2 turns, got 1"),
        ("a.jsonl", '{"turns": ["a", "b"], "speakers": "xy"}', "expected a list of texts in 'speakers'; got a str"),
        ("a.jsonl", '{"turns": ["a", "b"], "speakers": ["x", "system"]}', "'system' is reserved"),
        ("a.jsonl", '{"turns": ["a", "b"], "system": " "}', "the system line is empty"),
        ("a.jsonl", '{"messages": [{"role": "user"}]}', "objects with 'role' and 'content'"),
    ],
)  # fmt: skip
def test_errors_name_the_line(name, text, output, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=output):
        dialogues(tmp_path / name)


def test_errors_of_one_dialogue():
    with pytest.raises(ValueError, match="expected a list of turns, got one string"):
        dialogue("Hello")
    with pytest.raises(OSError):
        dialogues("no such file")
    with pytest.raises(ValueError, match="got none"):
        dialogues()


def test_messages_and_turns_are_the_same_dialogue():
    parts = of_messages(LINES[2]["messages"])
    assert dialogue(**parts) == dialogue(["四月？", "是 的"], ["user", "assistant"], "Be brief.") == EXPECTED[2]


@pytest.mark.shared
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the folder of real data, TFLLM_DATA")
def test_the_real_files():
    """The two languages have the same dialogues, turn by turn."""
    for part, size in (("dev", 995), ("test", 996)):
        en, zh = (rows(DATA / f"{language}_{part}_human.txt") for language in ("en", "zh"))
        assert len(en) == len(zh) == size
        assert [text.count("\n") for text in en] == [text.count("\n") for text in zh]
