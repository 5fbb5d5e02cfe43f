"""bAbI files, written here and read by a person; the real ones by their counts."""

import gzip
import os
from pathlib import Path

import pytest

from tfllm.data.reading.babi_stories import babi

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[3] / "shared" / "data")) / "babi"
STORIES = """\
1 Mary moved to the bathroom.
2 John went to the hallway.
3 Where is Mary? \tbathroom\t1
4 Mary took the milk there.
5 Mary took the apple there.
6 What is Mary carrying?\tmilk,apple\t4 5
1 Sandra is tired.
2 Where will Sandra go?\tbedroom
"""
FACTS = "Mary moved to the bathroom.\nJohn went to the hallway."
EXPECTED = [
    (FACTS, "Where is Mary?", "bathroom", "0"),
    (f"{FACTS}\nMary took the milk there.\nMary took the apple there.", "What is Mary carrying?", "milk,apple", "2 3"),
    ("Sandra is tired.", "Where will Sandra go?", "bedroom", ""),
]


def rows(*paths):
    names = ("facts", "question", "answer", "supporting")
    return [tuple(record[name].decode() for name in names) for record in babi(*paths).as_numpy_iterator()]


def test_records(tmp_path):
    (tmp_path / "a.txt").write_text(STORIES)
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(STORIES.replace("\n", "\r\n").encode()))
    assert rows(tmp_path / "a.txt") == EXPECTED
    assert rows(tmp_path / "a.txt", tmp_path / "b.txt.gz") == 2 * EXPECTED
    assert babi(tmp_path / "a.txt").cardinality() == 3


def test_a_question_may_come_before_every_fact(tmp_path):
    (tmp_path / "a.txt").write_text("1 Who?\tnobody\n\n")
    assert rows(tmp_path / "a.txt") == [("", "Who?", "nobody", "")]


@pytest.mark.parametrize(
    "text, output",
    [
        ("1 A.\n3 B.\n", "a.txt:2: expected a line numbered 2, or 1 for a new story; got '3 B.'"),
        ("1 A.\nMary went.\n", "a.txt:2: expected a line numbered 2"),
        ("2 A.\n", "a.txt:1: expected a line numbered 1"),
        ("1 A.\n2 Who?\t\t1\n", "a.txt:2: expected question, tab, answer"),
        ("1 A.\n2 Who?\ta\t1\n3 Who?\ta\t2\n", "a.txt:3: .* refers to line 2, which is not a fact above it"),
        ("1 A.\n2 Who?\ta\tb\n", "a.txt:2: .* refers to line b"),
        ("1 A.\n", "expected questions in .*a.txt; got none"),
    ],
)
def test_broken_files(text, output, tmp_path):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(ValueError, match=output):
        babi(tmp_path / "a.txt")


def test_what_is_not_there():
    with pytest.raises(ValueError, match="expected questions in one or more files"):
        babi()
    with pytest.raises(OSError):
        babi("no such file")


@pytest.mark.shared
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the folder of real data, TFLLM_DATA")
def test_the_real_files():
    """A thousand questions each; supporting facts are among the facts. Checked by hand: the longest story."""
    answers = {}
    for task in range(1, 21):
        for part in ("train", "test"):
            (path,) = (DATA / "en").glob(f"qa{task}_*_{part}.txt")
            result = rows(path)
            assert len(result) == 1000
            for facts, _, _, supporting in result:
                assert supporting and max(map(int, supporting.split())) < len(facts.split("\n"))
            answers[task, part] = {answer for _, _, answer, _ in result}
    assert answers[6, "train"] == {"yes", "no"} and "apple,football" in answers[8, "train"]
    assert len(answers[19, "train"]) == 12 and all("," in answer for answer in answers[19, "test"])
    (path,) = (DATA / "en-10k").glob("qa1_*_train.txt")
    assert babi(path).cardinality() == 10_000
    (path,) = (DATA / "en").glob("qa3_*_train.txt")
    assert max(facts.count("\n") + 1 for facts, *_ in rows(path)) == 224
