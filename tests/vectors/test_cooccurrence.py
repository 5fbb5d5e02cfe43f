"""Counts of pairs against brute force in fractions, with any limit of memory."""

import logging
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import cooccurrence as reference
from tfllm.vectors import Cooccurrence
from tfllm.vectors.glove.sums import BYTES, Sums

MiB = 2**20
TEXTS = [["a", "b", "a", "c"], ["c", "b"], [], ["d"], ["a", "a", "b", "d", "c", "a"]]


def count(texts, **options):
    return Cooccurrence.count(texts, **{"min_count": 1, "verbose": 0, **options})


def table(result):
    return {(result.words[row], result.words[column]): value for row, column, value in result.pairs.tolist()}


def exact(texts, **options):
    return {pair: float(value) for pair, value in reference.cooccurrence(texts, **options).items()}


words = st.text("abcdefg", min_size=1, max_size=1)
texts = st.lists(st.lists(words, max_size=12), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(texts, st.integers(1, 8), st.integers(1, 3), st.booleans(), st.booleans(), st.sampled_from([1, 2, 5, 30, 1000]))
def test_counts_are_those_of_brute_force_with_any_memory(texts, window, min_count, symmetric, weighted, pairs):
    expected = exact(texts, window=window, min_count=min_count, symmetric=symmetric, distance_weighting=weighted)
    options = dict(window=window, min_count=min_count, symmetric=symmetric, distance_weighting=weighted)
    if not expected:
        with pytest.raises(ValueError, match="there are no words|no word occurs|no two of the"):
            count(texts, memory=pairs * 256 / MiB, **options)
        return
    result = count(texts, memory=pairs * 256 / MiB, **options)
    assert table(result) == expected  # to the last bit
    assert result.words == reference.vocabulary(texts, min_count)
    order = result.rows.astype(np.int64) * len(result.words) + result.columns
    assert (np.diff(order) > 0).all()  # sorted, each pair once


@pytest.mark.parametrize("window", [1, 10, 22, 23, 70])
def test_any_window(window):
    draw = np.random.default_rng(window)
    texts = [draw.choice(list("abcd"), size).tolist() for size in (90, 1, 7)]
    result, expected = table(count(texts, window=window)), exact(texts, window=window)
    assert result.keys() == expected.keys()
    for pair in expected:
        assert result[pair] == pytest.approx(expected[pair], rel=0 if window <= 22 else 1e-14, abs=0)


def test_symmetric_counts_are_a_symmetric_table():
    result = table(count(TEXTS, window=3))
    assert all(result[column, row] == value for (row, column), value in result.items())
    assert result["a", "a"] == 2 * (1 / 2 + 1)  # a b a, a a; each a is near the other


def test_not_symmetric_counts_the_words_behind():
    assert table(count([["x", "y", "z"]], window=2, symmetric=False)) == {("x", "y"): 1, ("x", "z"): 0.5, ("y", "z"): 1}


def test_words_that_are_left_out_take_no_room():
    """As in the authors' program: distances are measured between the words that are counted."""
    assert table(count([["a", "rare", "b"], ["a", "b"]], window=1, min_count=2)) == {("a", "b"): 2, ("b", "a"): 2}


def test_the_most_frequent_words():
    result = count(TEXTS, vocab_size=2)
    assert result.words == ["a", "b"] and result.frequencies.tolist() == [5, 3]
    assert set(table(result)) == {("a", "a"), ("a", "b"), ("b", "a")}


def test_texts_are_cut_by_the_tokenizer():
    assert table(count(["A. a", "b"], window=1)) == {("A", "."): 1, (".", "A"): 1, (".", "a"): 1, ("a", "."): 1}
    lowered = count(["A. a", "b"], tokenizer=lambda text: text.lower().replace(".", "").split())
    assert table(lowered) == {("a", "a"): 2}


def test_a_dataset_counts_as_its_texts_do():
    texts = [" ".join(words) for words in TEXTS]
    assert table(count(tf.data.Dataset.from_tensor_slices({"text": texts}))) == table(count(TEXTS))


def zipf(size=60_000, seed=3):
    draw = np.random.default_rng(seed)
    return [[f"w{rank}" for rank in part % 900] for part in np.split(draw.zipf(1.3, size), size // 60)]


def test_what_does_not_fit_is_spilled_and_nothing_is_lost(caplog):
    texts = zipf(6000)
    with caplog.at_level(logging.INFO, "tfllm.vectors.glove.sums"):
        whole = count(texts, memory=100)
        assert not caplog.records
        spilled = count(texts, memory=0.3)
    assert "merging" in caplog.text
    assert isinstance(spilled.pairs, np.memmap) and not isinstance(whole.pairs, np.memmap)
    np.testing.assert_array_equal(spilled.pairs, whole.pairs)
    distances = [d for words in texts for d in range(1, 11) for _ in range(len(words) - d)]
    assert spilled.counts.sum() == pytest.approx(2 * sum(1 / d for d in distances), rel=1e-12)


def test_memory_is_bounded():
    """What is held, and the words of the texts at hand and the vocabulary (less than 1 MiB here)."""
    texts = zipf(30_000)
    count(texts[:5])  # what is imported on first use is not counted
    used = {}
    for memory in (0.5, 2, 8):
        tracemalloc.start()
        count(texts, memory=memory)
        used[memory] = tracemalloc.get_traced_memory()[1] / MiB
        tracemalloc.stop()
        assert used[memory] < memory + 1
    assert used[0.5] < used[2] < used[8]  # the option does matter


@pytest.fixture
def named_files(tmp_path, monkeypatch):
    """A folder, and what is seen in it at each file that is opened there."""
    opened = []
    make = tempfile.TemporaryFile

    def watched(*args, **kwargs):
        file = make(*args, **kwargs)
        opened.append(kwargs["dir"])
        assert list(tmp_path.iterdir()) == []
        return file

    monkeypatch.setattr(tempfile, "TemporaryFile", watched)
    return tmp_path, opened


def test_temporary_files_leave_nothing(named_files):
    folder, opened = named_files
    result = count(zipf(6000), memory=0.3, folder=folder)
    assert opened == [folder, folder]  # runs, table
    assert list(folder.iterdir()) == []
    assert result.counts.min() > 0  # the table can still be read


def test_temporary_files_leave_nothing_after_an_error(named_files):
    folder, opened = named_files

    class Breaks:
        reads = 0

        def __iter__(self):
            self.reads += 1
            yield from zipf(6000) * 20
            if self.reads == 2:
                raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        count(Breaks(), memory=0.3, folder=folder)
    assert opened == [folder] and list(folder.iterdir()) == []


@pytest.mark.peers
@pytest.mark.parametrize("symmetric", [True, False])
def test_counts_are_those_of_the_authors_program(symmetric, tmp_path, capfd):
    """Through glovpy, which fetches and builds the programs when it is first imported: only where it has done so."""
    if not (Path.home() / ".glopy" / "build" / "cooccur").exists():
        pytest.skip("the programs of glovpy are not there")
    train = pytest.importorskip("glovpy.train")
    texts = zipf(6000)
    encoded = train.encode_tokens(texts)
    train.collect_vocab(encoded, tmp_path, min_count=3)
    train.count_cooccurrences(encoded, tmp_path, symmetric, window_size=7, memory=0.1, distance_weighting=True)
    words = [line.split()[0] for line in (tmp_path / "vocab.txt").read_text().splitlines()]
    records = np.fromfile(tmp_path / "coccurr.bin", [("row", "i4"), ("column", "i4"), ("count", "f8")])
    records = records[records["row"] > 0]
    result = count(texts, window=7, min_count=3, symmetric=symmetric)
    expected = {(words[row - 1], words[column - 1]): value for row, column, value in records.tolist()}
    assert result.words == words
    assert table(result) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40), min_size=1), min_size=1, max_size=20), st.integers(1, 50))
def test_sums_come_in_order_and_in_pieces_that_fit(lists, capacity):
    expected = {}
    with tempfile.TemporaryFile() as file:
        sums = Sums(capacity * BYTES, file)
        for keys in lists:
            keys = np.unique(keys).astype(np.int64)
            sums.add(keys, keys + 0.5)
            for key in keys.tolist():
                expected[key] = expected.get(key, 0) + key + 0.5
        chunks = [(keys.tolist(), values.tolist()) for keys, values in sums.chunks()]
    result = [pair for keys, values in chunks for pair in zip(keys, values, strict=True)]
    assert result == sorted(expected.items())
    assert all(len(keys) <= max(capacity, 41) for keys, _ in chunks)


def test_pieces_of_a_merge_are_no_larger_than_the_memory():
    draw = np.random.default_rng(0)
    with tempfile.TemporaryFile() as file:
        sums = Sums(1000 * BYTES, file)
        for _ in range(60):
            keys = np.unique(draw.integers(0, 10**6, 700))
            sums.add(keys, np.ones(len(keys)))
        sizes = [len(keys) for keys, _ in sums.chunks()]
    assert len(sums.runs) == 60 and max(sizes) <= 1000 and len(sizes) < 150


@pytest.mark.parametrize(
    "texts, options, output",
    [
        ([], {}, "no words to count"),
        (["", " "], {}, "no words to count"),
        (["a b b"], {"min_count": 3}, "min_count=3 times; the most frequent, 'b', occurs 2 times"),
        (["a", "b"], {}, "no two of the 2 words occur in one text"),
        ("a b", {}, "put it into a list"),
        ((text for text in ["a b"]), {}, "can be read only once"),
        (["a b"], {"window": 0}, "window must be a whole number, at least 1, got 0"),
        (["a b"], {"window": 1.5}, "window"),
        (["a b"], {"min_count": 0}, "min_count"),
        (["a b"], {"vocab_size": 0}, "vocab_size"),
        (["a b"], {"memory": 0}, "memory must be a number of MiB above 0, got 0"),
        (["a b"], {"window": 2**62}, "too large"),
    ],
)
def test_what_cannot_be_counted_is_said(texts, options, output):
    with pytest.raises(ValueError, match=output):
        count(texts, **options)


def test_texts_that_change_are_noticed():
    class Fewer:
        texts = ["a b", "c d"]

        def __iter__(self):
            yield from self.texts
            self.texts = self.texts[1:]

    with pytest.raises(ValueError, match="first reading gave 2 texts, the second 1"):
        count(Fewer())


def test_progress_is_shown(capsys):
    count(TEXTS, verbose=1)
    assert "counting pairs" in capsys.readouterr().out
    count(TEXTS)
    assert capsys.readouterr().out == ""
