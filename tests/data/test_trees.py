"""The Stanford trees: a tree worked by hand, faults, and the counts that are published."""

import gzip
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from tfllm.data import sst
from tfllm.data.reading.trees import CLASSES, nodes

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[3] / "shared" / "data")) / "sst"
TREES = """\
(3 (2 (2 A) (2 film)) (4 (3 (2 -LRB-) (2 and\\/or)) (2 -RRB-)))
(1 (2 A) (0 bad))

(2 (2 A) (2 film))
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text(TREES)
    return path


def read(dataset):
    result = []
    for batch in dataset.batch(4096).as_numpy_iterator():
        pairs = zip(batch["text"], batch["label"], strict=True)
        result += [(text.decode(), label.decode()) for text, label in pairs]
    assert dataset.cardinality() == len(result)
    return result


def test_sentences(file):
    assert read(sst(file)) == [("A film ( and/or )", "positive"), ("A bad", "negative")]
    five = [("A film ( and/or )", "positive"), ("A bad", "negative"), ("A film", "neutral")]
    assert read(sst(file, classes=5)) == five


def test_phrases(file):
    every = Counter({
        ("A film ( and/or )", "positive"): 1, ("A film", "neutral"): 2, ("A", "neutral"): 3, ("film", "neutral"): 2,
        ("( and/or )", "very positive"): 1, ("( and/or", "positive"): 1, ("(", "neutral"): 1, ("and/or", "neutral"): 1,
        (")", "neutral"): 1, ("A bad", "negative"): 1, ("bad", "very negative"): 1,
    })  # fmt: skip
    assert Counter(read(sst(file, classes=5, phrases=True, duplicates=True))) == every
    once = read(sst(file, classes=5, phrases=True))
    assert Counter(once) == Counter(dict.fromkeys(every, 1)) and once[0] == ("A film ( and/or )", "positive")
    assert set(read(sst(file, phrases=True))) == {
        ("A film ( and/or )", "positive"), ("( and/or )", "positive"), ("( and/or", "positive"), ("A bad", "negative"),
        ("bad", "negative"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "line, output",
    [
        ("(3 (2 A) (2 film)", "1 brackets are not closed"),
        ("(3 (2 A) (2 film))) ", r"error is at '\)'"),
        ("(3 (2 A) (2 film)) (2 A)", r"error is at ' \(2 A\)'"),
        ("(5 (2 A) (2 film))", r"error is at '\(5 \(2 A"),
        ("A film", "error is at 'A film'"),
        ("(3 ())", "error is at"),
        ("(3 (2 A) (2 ))", "has no words"),
    ],
)
def test_faults_name_file_and_line(tmp_path, line, output):
    path = tmp_path / "x.txt"
    path.write_text("(2 A)\n" + line + "\n")
    with pytest.raises(ValueError, match=rf"x\.txt:2: .*{output}"):
        sst(path)


def test_other_faults(tmp_path, file):
    with pytest.raises(ValueError, match="2 or 5; got 3"):
        sst(file, classes=3)
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(ValueError, match=r"empty\.txt: expected one tree per line, got none"):
        sst(tmp_path / "empty.txt")
    with pytest.raises(FileNotFoundError, match="absent"):
        sst(tmp_path / "absent.txt")


def test_a_word_may_be_a_number():
    assert nodes("(3 (2 1) (2 (3 2) (2 3)))", "x")[0] == (3, "1 2 3")


needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the folder of real data, TFLLM_DATA")


@pytest.mark.shared
@needs_data
@pytest.mark.parametrize("part, binary, five", [("train", 6920, 8544), ("dev", 872, 1101), ("test", 1821, 2210)])
def test_the_published_counts(part, binary, five):
    path = DATA / "trees" / f"{part}.txt.gz"
    assert sst(path, classes=5).cardinality() == five
    result = read(sst(path))
    assert len(result) == binary
    plain = (DATA / f"stsa.binary.{part}").read_text("utf-8").splitlines()  # the same sentences as others prepared them
    plain = Counter((line[2:], "positive" if line[0] == "1" else "negative") for line in plain)
    assert Counter((like_theirs(text), label) for text, label in result) == Counter(
        {(like_theirs(text), label): count for (text, label), count in plain.items()}
    )


def like_theirs(text):
    for one, other in (("(", "-lrb-"), (")", "-rrb-"), ("``", '"'), ("''", '"'), ("\\", ""), (" ", ""), ("\xa0", "")):
        text = text.lower().replace(one, other)
    return text


@pytest.mark.shared
@needs_data
def test_every_phrase_is_read():
    path = DATA / "trees" / "dev.txt.gz"
    judged = re.findall(r"\(([0-4]) ", gzip.decompress(path.read_bytes()).decode())
    counts = Counter(label for _, label in read(sst(path, classes=5, phrases=True, duplicates=True)))
    assert counts == {CLASSES[5][int(label)]: count for label, count in Counter(judged).items()}
