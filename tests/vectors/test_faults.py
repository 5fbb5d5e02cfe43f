"""Broken files of word vectors: what is wrong is told with its line, or left out and counted."""

import gzip
import os
import pickle

import numpy as np
import pytest

from tests.vectors.tables import table
from tfllm.vectors import load

FAULTS = [  # line 3 of "glove" text: what is wrong, what is said, how it is counted
    ("the 9 9", r":3: expected each word once, got 'the' again", "with a word that came before"),
    ("x 9", r":3: expected a word and 2 numbers, got 1 numbers", "with too few numbers"),
    ("x", r":3: expected a word and 2 numbers, got 0 numbers", "with too few numbers"),
    ("", r":3: expected a word and 2 numbers, got an empty line", "with too few numbers"),
    ("x 9 9 9", r":3: expected a word and 2 numbers, got 3 numbers", "with too many numbers"),
    ("x 9 y", r":3: expected a word and 2 numbers, got 'y' for a number", "with something that is not a number"),
    ("x 9 1_0", r":3: .* got '1_0' for a number", "with something that is not a number"),
    ("x 9 0x1", r":3: .* got '0x1' for a number", "with something that is not a number"),
    ("x 9  8", r":3: .* got '' for a number", "with something that is not a number"),
    ("x 1-2 \r ", r":3: .*", "with too few numbers"),
    ("x 1-2 3", r":3: .* got '1-2' for a number", "with something that is not a number"),
    ("x 9\r 9", r":3: .* got '9.r' for a number", "with something that is not a number"),
    ("x 9 nan", r":3: expected finite float32 numbers, got nan in the vector of 'x'", "that is not finite"),
    ("x -inf 9", r":3: expected finite float32 numbers, got -inf", "that is not finite"),
    ("x 9 1e39", r":3: expected finite float32 numbers, got inf", "that is not finite"),
    (" 9 9", r":3: expected a word and 2 numbers, got no word", "without a word"),
    (b"M\xe4dchen 9 9", r":3: expected UTF-8, got the byte 0xe4 in the word 'M.*xe4dchen'", "that are not UTF-8"),
]


@pytest.mark.parametrize("line, output, counted", FAULTS)
@pytest.mark.parametrize("header", [b"", b"4 2\n"])
def test_faults_of_lines(write, line, output, counted, header):
    line = line if isinstance(line, bytes) else line.encode()
    path = write(header + b"the 1 2\nof 3 4\n" + line + b"\nand 5 6\n")
    output = output.replace(":3:", ":4:") if header else output
    with pytest.raises(ValueError, match=rf"x\.txt{output}.*errors='skip'"):
        load(path)
    number = 4 if header else 3
    with pytest.warns(UserWarning, match=rf"skipped 1 of 4 lines: 1 .*{counted} \(line {number}\)$") as warned:
        assert table(load(path, errors="skip")) == {"the": [1, 2], "of": [3, 4], "and": [5, 6]}
    assert len(warned) == 1 and warned[0].filename == __file__


def test_many_faults_are_counted_and_some_named(write):
    path = write("a 1 2\n" + "a 3 4\n" * 7 + "b 1\nc 1 nan\nd 1 2\n")
    with pytest.warns(UserWarning) as warned:
        assert list(table(load(path, errors="skip"))) == ["a", "d"]
    assert str(warned[0].message) == (
        f"{path}: skipped 9 of 11 lines: 1 with too few numbers (line 9), "
        "1 with a number that is not finite (line 10), 7 with a word that came before (line 2, 3, 4, 5, 6, ...)"
    )


WHOLE = [  # content, what is said
    ("", r"x\.txt:1: expected a word and its numbers, got ''"),
    ("\n", r"x\.txt:1: expected a word and its numbers"),
    ("<html>\n<body>\n", r"x\.txt:1: expected a word and its numbers, got '<html>'"),
    ("0 50\n", r"x\.txt:1: expected a header of rows and columns above 0, got '0 50'"),
    ("9 50\n", r"x\.txt: the header announces 9 words, but 0 lines follow"),
    ("3 2\na 1 2\nb 3 4\n", r"x\.txt: the header announces 3 words, but 2 lines follow"),
    ("1 2\na 1 2\nb 3 4\n", r"x\.txt: the header announces 1 words, but 2 lines follow"),
    ("2 3\na 1 2\nb 3 4\n", r"x\.txt:2: expected a word and 3 numbers, got 2 numbers"),
    ("2 2\na 1 2 3\nb 3 4 5\n", r"x\.txt:2: expected a word and 2 numbers, got 3 numbers"),
    (b"PK\x03\x04...", r"x\.txt: expected word vectors, got a zip archive: unpack it first"),
    (b"\xba\x16\x4f\x2f\x0c", r"x\.txt: .*load_facebook_vectors reads it"),
    (b"\x93NUMPY\x01", r"x\.txt: .*keyed_vectors"),
    (b"\x80\x04nonsense", r"x\.txt: expected word vectors saved by gensim, got a damaged pickle"),
]


@pytest.mark.parametrize("content, output", WHOLE)
def test_faults_of_the_whole(write, content, output):
    with pytest.raises(ValueError, match=output):
        load(write(content))


def test_wrong_numbers_of_lines_can_be_passed_over(write):
    with pytest.warns(UserWarning, match=r"x\.txt: the header announces 3 words, but 2 lines follow$"):
        assert table(load(write("3 2\na 1 2\nb 3 4\n"), errors="skip")) == {"a": [1, 2], "b": [3, 4]}
    with pytest.raises(
        ValueError, match=r"got none\. .* skipped 2 of 2 lines: 2 with too few .*; the header announces 1"
    ):
        load(write("1 3\na 1 2\nb 3 4\n"), errors="skip")


def test_wrong_options(write):
    path = write("a 1 2\n")
    with pytest.raises(ValueError, match="format must be one of .* got 'w2v'"):
        load(path, "w2v")
    for limit in (0, 1.5, True):
        with pytest.raises(ValueError, match="limit must be"):
            load(path, limit=limit)
    with pytest.raises(ValueError, match="errors must be one of .* got 'ignore'"):
        load(path, errors="ignore")
    with pytest.raises(FileNotFoundError, match="absent"):
        load(path.with_name("absent"))


def test_faults_behind_the_limit_do_not_matter(write):
    path = write("a 1 2\nb 3 4\na 5 6\nc 7 8\n")
    assert list(table(load(path, limit=2))) == ["a", "b"]
    with pytest.warns(UserWarning, match=r"skipped 1 of 4 lines"):
        assert list(table(load(path, limit=3, errors="skip"))) == ["a", "b", "c"]
    assert list(table(load(write("9 2\na 1 2\nb 3 4\n"), limit=2))) == ["a", "b"]
    assert list(table(load(write("a 1 2\nb 3 4\n"), limit=5))) == ["a", "b"]


def test_broken_gzip_names_the_line(write, tmp_path):
    lines = "".join(f"w{i} {i * i % 977} {i * 7919 % 10007}\n" for i in range(50_000)).encode()
    whole = gzip.compress(lines)
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut\.gz:\d+: broken gzip from about here"):
        load(tmp_path / "cut.gz")
    assert len(load(write(lines, "whole.gz"))) == 50_000


def test_gzip_that_unpacks_to_far_more_than_it_is(write, tmp_path, monkeypatch):
    monkeypatch.setattr("tfllm.limits.FREE", 2**16)
    for line in (b"a" + b" 0" * 2**20, b"\x80\x04]" + b"N" * 2**21):
        (tmp_path / "x.gz").write_bytes(gzip.compress(line))
        with pytest.raises(ValueError, match=r"^\S*x\.gz.* (unpacks to more than 100 times its size|than there are)"):
            load(tmp_path / "x.gz")


ROW = b"%b " + np.float32([0.1, 0.2]).tobytes()


def test_faults_of_binary_files(write):
    good = b"3 2\n" + ROW % b"a" + b"\n" + ROW % b"b" + b"\n" + ROW % b"c" + b"\n"
    assert list(table(load(write(good)))) == ["a", "b", "c"]  # with the line ends of the C program
    assert list(table(load(write(good), limit=2))) == ["a", "b"]
    with pytest.raises(ValueError, match=r"x\.txt: the header announces 3 words, but the file ends within word 3"):
        load(write(good[:-5]))
    with pytest.warns(UserWarning, match=r"the file ends within word 3"):
        assert list(table(load(write(good[:-5]), errors="skip"))) == ["a", "b"]
    with pytest.raises(ValueError, match=r"header announces 3 words, but more bytes follow"):
        load(write(good + ROW % b"d"))
    nan = b" " + np.float32([np.nan, 0]).tobytes()
    for row, output in [
        (ROW % b"a", "expected each word once, got 'a' again"),
        (ROW % b"\xe4", "expected UTF-8, got the byte 0xe4"),
        (ROW % b"", "expected a word and 2 numbers, got no word"),
        (b"d" + nan, "expected finite float32 numbers, got nan"),
    ]:
        path = write(b"3 2\n" + ROW % b"a" + row + ROW % b"c")
        with pytest.raises(ValueError, match=rf"x\.txt, word 2: {output}"):
            load(path)
        with pytest.warns(UserWarning, match=r"skipped 1 of 3 words: .* \(word 2\)$"):
            assert list(table(load(path, errors="skip"))) == ["a", "c"]
    with pytest.raises(ValueError, match=r"word 2: expected a space after a word, got none"):
        load(write(b"3 2\n" + ROW % b"a" + b"x" * 100_000))


def test_pickles_that_run_something_are_refused(write, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "run"),)

    with pytest.raises(ValueError, match=r"x\.kv: .* a pickle that runs (posix|nt)\.mkdir\. If you trust"):
        load(write(pickle.dumps(Evil(), 4), "x.kv"))
    assert not (tmp_path / "run").exists()
    imported = b"\x80\x04cgensim.models.word2vec\nQueue\n)R."  # a class that gensim only imports
    with pytest.raises(ValueError, match=r"expected word vectors, got a Queue of gensim"):
        load(write(imported, "x.kv"))
    with pytest.raises(ValueError, match=r"x\.kv: expected word vectors saved by gensim, got a dict"):
        load(write(pickle.dumps({"a": 1}, 4), "x.kv"))
