"""Files of word vectors: written by gensim or by hand; what is written is what gensim reads."""

import gzip
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors, Word2Vec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectors.tables import table
from tfllm.vectors import keyed_vectors, load, save

WORDS = ["the", "7", "Größe", "猫", "it's", "U\u2028S", "\x85", "…"]
MATRIX = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype("float32")


def by_gensim(words=WORDS, matrix=MATRIX):
    vectors = KeyedVectors(matrix.shape[1])
    vectors.add_vectors(words, matrix)
    return vectors


EXPECTED = dict(zip(WORDS, MATRIX.tolist(), strict=True))


@pytest.mark.parametrize("name", ["x.txt", "x.vec", "x.bin", "x", "x.txt.gz", "x.bin.gz"])
@pytest.mark.parametrize("kind", [{"binary": False}, {"binary": True}, {"write_header": False}])
def test_what_gensim_writes_is_read_whatever_its_name(tmp_path, name, kind):
    by_gensim().save_word2vec_format(str(tmp_path / name), **kind)
    assert table(load(tmp_path / name)) == EXPECTED
    assert table(load(str(tmp_path / name), limit=3)) == {word: EXPECTED[word] for word in WORDS[:3]}


@pytest.mark.parametrize("options", [{}, {"separately": ["vectors"]}])
def test_gensims_own_format(tmp_path, options):
    by_gensim().save(str(tmp_path / "x.kv"), **options)
    for format in (None, "gensim"):
        assert table(load(tmp_path / "x.kv", format)) == EXPECTED
    assert list(table(load(tmp_path / "x.kv", limit=2))) == WORDS[:2]


@pytest.mark.parametrize("kind", [Word2Vec, FastText])
def test_whole_models_of_gensim_give_their_vectors(tmp_path, kind):
    options = {"bucket": 10} if kind is FastText else {}
    model = kind([WORDS] * 2, vector_size=3, min_count=1, **options)
    model.save(str(tmp_path / "x.model"))
    result = load(tmp_path / "x.model")
    assert (result.vectors == model.wv.vectors).all() and ("unseen" in result) == (kind is FastText)
    assert list(table(load(tmp_path / "x.model", limit=2))) == model.wv.index_to_key[:2]


@pytest.mark.parametrize("name", ["x.txt", "x.vec", "x.bin", "x.txt.gz", "x.bin.gz", "x.vec.gz"])
def test_gensim_reads_what_we_write(tmp_path, name):
    save(by_gensim(), tmp_path / name)
    binary = ".bin" in name
    assert table(KeyedVectors.load_word2vec_format(str(tmp_path / name), binary=binary)) == EXPECTED
    assert table(load(tmp_path / name)) == EXPECTED
    if binary:  # and byte for byte what gensim writes
        by_gensim().save_word2vec_format(str(tmp_path / "gensim"), binary=True)
        ours = (tmp_path / name).read_bytes()
        assert (gzip.decompress(ours) if name.endswith(".gz") else ours) == (tmp_path / "gensim").read_bytes()


def test_glove_and_gensims_own_are_written(tmp_path):
    save(by_gensim(), tmp_path / "x.txt", "glove")
    by_gensim().save_word2vec_format(str(tmp_path / "gensim.txt"), write_header=False)
    assert (tmp_path / "x.txt").read_bytes() == (tmp_path / "gensim.txt").read_bytes()
    assert table(load(tmp_path / "x.txt")) == EXPECTED
    save(EXPECTED, tmp_path / "x.kv")  # a mapping
    assert table(KeyedVectors.load(str(tmp_path / "x.kv"))) == EXPECTED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gensim.txt", "x.kv", "x.txt"]


def test_text_has_the_shortest_digits(tmp_path):
    save({"a": [0.418, -1e-5], "b": [1 / 3, 2]}, tmp_path / "x.vec")
    assert (tmp_path / "x.vec").read_text() == "2 2\na 0.418 -1e-05\nb 0.33333334 2.0\n"


def test_packed_files_are_the_same_every_time(tmp_path):
    for name in ("a.txt.gz", "b.txt.gz"):
        save(EXPECTED, tmp_path / name)
    assert (tmp_path / "a.txt.gz").read_bytes() == (tmp_path / "b.txt.gz").read_bytes()


HEADS = [  # content, what is in it
    ("the 1 2\nof 3 4\n", {"the": [1, 2], "of": [3, 4]}),
    ("2 2\nthe 1 2\nof 3 4\n", {"the": [1, 2], "of": [3, 4]}),
    ("7 1 2\n8 3 4\n", {"7": [1, 2], "8": [3, 4]}),  # numbers are words too
    ("2 1 2\n", {"2": [1, 2]}),
    ("7 1\n8 2\n", {"7": [1], "8": [2]}),  # one column, no header
    ("7 3\n8 2\nof 5\n", {"7": [3], "8": [2], "of": [5]}),
    ("2 1\nthe 5\nof 6\n", {"the": [5], "of": [6]}),  # one column, and a header
    ("2 1\n8 1\n9 1\n", {"8": [1], "9": [1]}),
    ("2 1\n8 1\n9 1", {"8": [1], "9": [1]}),
    ("3 1\n8 1\n9 1", {"3": [1], "8": [1], "9": [1]}),
    ("the 0.5\n", {"the": [0.5]}),
    ("7 1\n", {"7": [1]}),
    ("2 2 \nthe 1 2 \nof 3 4 \n", {"the": [1, 2], "of": [3, 4]}),  # FastText ends lines in a space
    ("2\t2\r\nthe 1\t2\r\nof\t3 4", {"the": [1, 2], "of": [3, 4]}),
    ("\ufeffthe 1 2\nof 3 4\n", {"the": [1, 2], "of": [3, 4]}),
    ("\ufeff2 2\nthe 1 2\nof 3 4\n", {"the": [1, 2], "of": [3, 4]}),
    ("\ufeff 1 2\nof 3 4\n", {"\ufeff": [1, 2], "of": [3, 4]}),  # a word
    # GloVe 840B
    (". . . 1 2\nat name@domain.com 3 4\nthe 5 6\n", {". . .": [1, 2], "at name@domain.com": [3, 4], "the": [5, 6]}),
    ("2 2\n. . . 1 2\nat name@domain.com 3 4\n", {". . .": [1, 2], "at name@domain.com": [3, 4]}),
    ("2 1\nat name@domain.com 3\nthe 4\n", {"at name@domain.com": [3], "the": [4]}),
    ("2 2\n the 1 2\n 5 3 4\n", {" the": [1, 2], " 5": [3, 4]}),  # pieces of a tokenizer
    ("a  1 2\nb 3 4\n", {"a ": [1, 2], "b": [3, 4]}),
    ("nan 1 2\ninf 3 4\n", {"nan": [1, 2], "inf": [3, 4]}),
    ("a 1e2 -.5\nb +3. 4E-1\n", {"a": [100, -0.5], "b": [3, 0.4]}),
    ("a 1 2   \t  \r\nb 3 4\n", {"a": [1, 2], "b": [3, 4]}),
]


@pytest.mark.parametrize("content, expected", HEADS)
@pytest.mark.parametrize("name", ["x.txt", "x.txt.gz"])
def test_headers_are_sniffed_and_first_lines_kept(write, content, expected, name):
    result = table(load(write(content, name)))
    assert list(result) == list(expected)
    assert result == {word: np.float32(numbers).tolist() for word, numbers in expected.items()}


def test_a_format_that_is_given_is_held_to(write):
    assert table(load(write("2 1\n8 1\n9 1\n"), "glove")) == {"2": [1], "8": [1], "9": [1]}
    assert table(load(write("1 2\na 8 9\n"), "fasttext")) == {"a": [8, 9]}
    with pytest.raises(ValueError, match=r"x\.txt:1: expected a header, .* got 'the 1 2'"):
        load(write("the 1 2\n"), "word2vec")
    with pytest.raises(ValueError, match=r"expected a file saved by gensim"):
        load(write("the 1 2\n"), "gensim")
    printable = b"1 1\nx AAAA"  # bytes that could be text
    assert load(write(printable), "binary")["x"] == np.frombuffer(b"AAAA", "<f4")
    assert load(write(printable, "x.bin"))["x"] == np.frombuffer(b"AAAA", "<f4")


# Words of every sign but the line end and the blanks; any finite float32.
words = st.text(st.characters(exclude_characters="\n\t ", exclude_categories=["Cs"]), min_size=1, max_size=5)
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
blank = st.text(st.sampled_from(" \tab7.é\r"), min_size=1, max_size=5)


@st.composite
def tables(draw, words=words, least=1):
    columns = draw(st.integers(least, 4))
    return draw(st.dictionaries(words, st.lists(floats, min_size=columns, max_size=columns), min_size=1, max_size=8))


@pytest.mark.parametrize("format", ["word2vec", "glove", "binary", "fasttext", "gensim"])
@given(tables())
@settings(max_examples=60, deadline=None)
def test_what_is_saved_is_loaded(tmp_path_factory, format, expected):
    path = tmp_path_factory.getbasetemp() / f"round.{format}"
    try:
        save(expected, path, format)
    except ValueError as error:
        assert re.search("byte order mark", str(error))  # the only words that are refused
        return
    if format == "binary":
        assert table(load(path, format)) == expected  # tiny rows may look like text
    else:
        assert table(load(path)) == expected


@given(tables(words=blank))
@settings(max_examples=100, deadline=None)
def test_words_with_blanks_are_loaded_or_refused(tmp_path_factory, expected):
    for format in ("word2vec", "glove", "binary"):
        path = tmp_path_factory.getbasetemp() / f"blank.{format}"
        try:
            save(expected, path, format)
        except ValueError as error:
            assert "cannot represent" in str(error)
            assert any(set(word) & set(" \t") for word in expected)
        else:
            assert table(load(path, format)) == expected


PART = st.text(st.sampled_from("0123456789+-.eEnaif_x\r\x0b"), max_size=6)
LINE = st.lists(st.one_of(PART, st.just("0.25"), st.just("-3")), max_size=6).map(" ".join)


@given(st.lists(LINE, min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_lines_are_read_as_python_reads_them(tmp_path_factory, lines):
    """Whatever the lines: float(text), and a line that is not a word and two numbers is left out."""
    number = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
    expected = {}
    for line in ["first 1 2", *lines]:
        word, one, two = ["", "", *line.rstrip(" \r").rsplit(" ", 2)][-3:]
        long = " " in word and word[0] != " " and number.fullmatch(word.split(" ")[-1])
        if word and not long and number.fullmatch(one) and number.fullmatch(two):
            values = np.array([float(one), float(two)])
            if (np.abs(values) < 3.4028235677973366e38).all():
                expected.setdefault(word, values.astype("float32").tolist())
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_bytes("\n".join([f"{len(lines) + 1} 2", "first 1 2", *lines, ""]).encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert table(load(path, "word2vec", errors="skip")) == expected


@given(st.lists(st.from_regex(r"[+-]?[0-9]{1,25}(\.[0-9]{0,25})?(e-?[0-9])?", fullmatch=True), min_size=1))
@settings(max_examples=100, deadline=None)
def test_numbers_are_those_of_float(tmp_path_factory, numbers):
    path = tmp_path_factory.getbasetemp() / "numbers.txt"
    path.write_text("word " + " ".join(numbers) + "\n")
    result = load(path, "glove")["word"]
    assert result.tolist() == np.array([float(number) for number in numbers]).astype("float32").tolist()


def test_many_blocks_are_one_file(write, monkeypatch):
    monkeypatch.setattr("tfllm.vectors.formats.text_files.BLOCK", 50)
    monkeypatch.setattr("tfllm.vectors.formats.binary_files.BLOCK", 50)
    monkeypatch.setattr("tfllm.vectors.formats.rows.WRITTEN", 3)
    expected = {f"w{i}" * (i % 30 + 1): [i, i / 7, -i] for i in range(100)}
    path = write("")
    for format in ("glove", "word2vec", "binary"):
        save(expected, path, format)
        result = table(load(path))
        assert result == {word: np.float32(numbers).tolist() for word, numbers in expected.items()}
        assert len(load(path, limit=37)) == 37
    lines = ["a 1 2"] + [f"w{i} 3 4" for i in range(60)]
    lines[50] = "w 1"
    with pytest.raises(ValueError, match=r"x\.txt:51: expected a word and 2 numbers"):
        load(write("\n".join(lines)))


def test_a_failed_writer_leaves_the_old_file_alone(tmp_path, monkeypatch):
    save({"a": [1, 2]}, tmp_path / "x.txt")

    def fails(words, matrix):
        yield b"a 3 4\n"
        raise OSError("disk full")

    monkeypatch.setattr("tfllm.vectors.formats.vector_files.text_blocks", fails)
    with pytest.raises(OSError, match="disk full"):
        save({"a": [3, 4]}, tmp_path / "x.txt")
    assert table(load(tmp_path / "x.txt")) == {"a": [1, 2]}
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


def test_what_cannot_be_written_is_told(tmp_path):
    for vectors, name, format, output in [
        ({"a b": [1]}, "x.bin", None, "'binary' cannot represent 'a b': it holds a space"),
        ({"\na": [1]}, "x.bin", None, "begins with the end of a line"),
        ({"a\nb": [1]}, "x.txt", None, "contains a line end"),
        ({"": [1]}, "x.txt", None, "is empty"),
        ({"windows 95": [1]}, "x.txt", None, "contains a blank and ends with a number"),
        ({" 95": [1]}, "x.txt", "glove", "ends with a number, in a file without a header"),
        ({"\ufeffa": [1]}, "x.txt", "glove", "byte order mark"),
        ({"\ud83d": [1]}, "x.txt", None, "half of a surrogate pair"),
        ({"a": [float("nan")]}, "x.txt", None, "expected finite float32 numbers, got others for 'a'"),
        ({"a": [1e300]}, "x.kv", None, "expected finite"),
        ({"a": [1]}, "x.npy", None, "expected a name ending in .txt, .bin, .vec, .kv"),
        ({"a": [1]}, "x.txt", "w2v", "format= one of"),
        ({"a": [1]}, "x.kv.gz", None, "remove .gz"),
        ({}, "x.txt", None, "got"),
    ]:
        with pytest.raises(ValueError, match=re.escape(output)):
            save(vectors, tmp_path / name, format)
    assert not list(tmp_path.iterdir())


def test_progress_bars(tmp_path, capsys):
    save(EXPECTED, tmp_path / "x.txt")
    load(tmp_path / "x.txt")
    assert capsys.readouterr().out == ""
    save(EXPECTED, tmp_path / "x.txt", verbose=1)
    assert "1/1" in capsys.readouterr().out
    load(tmp_path / "x.txt", verbose=1)
    assert "MB" in capsys.readouterr().out


def test_keyed_vectors():
    vectors = keyed_vectors(WORDS, MATRIX)
    assert table(vectors) == EXPECTED and vectors.vectors is MATRIX
    expected = by_gensim().most_similar("the", topn=3)
    assert vectors.most_similar("the", topn=3) == expected
    for words, matrix, output in [
        (["a"], MATRIX, "a row for each of the 1 words"),
        (["a", "a"], np.zeros((2, 3)), "'a' is repeated"),
        ([b"a"], np.zeros((1, 3)), "words must be str, got a bytes"),
        ([], np.zeros((0, 3)), "expected a matrix"),
    ]:
        with pytest.raises(ValueError, match=output):
            keyed_vectors(words, matrix)


def test_nothing_is_imported_before_it_is_used():
    code = (
        "import sys, tfllm.vectors, tfllm.vectors.formats.vector_files; "
        "print(sorted({'gensim', 'keras', 'numba'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
