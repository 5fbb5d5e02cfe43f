"""A file is read once and mapped the next time; never a stale, broken or unwanted copy."""

import json
import mmap
import os

import numpy as np
import pytest

from tests.vectors.glove_6b import glove_6b
from tfllm.vectors import load, save
from tfllm.vectors.formats import vector_files


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(vector_files, "SMALL", 0)
    path = tmp_path / "folder" / "x.txt"
    path.parent.mkdir()
    path.write_text("the 1 2\nof 3 4\n")
    return path


def is_mapped(vectors):
    base = vectors.vectors
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, mmap.mmap)


def table(vectors):
    return {word: vectors[word].tolist() for word in vectors.index_to_key}


def test_the_second_time_is_mapped(path):
    first, second = load(path), load(path)
    assert (is_mapped(first), is_mapped(second)) == (False, True)
    assert table(first) == table(second) == {"the": [1, 2], "of": [3, 4]}
    assert second.vectors.dtype == np.float32 and second.most_similar("the") == first.most_similar("the")
    assert table(load(path, limit=1)) == {"the": [1, 2]} and is_mapped(load(path, "glove"))
    assert len(list(path.parent.iterdir())) == 2


def test_changes_of_mapped_vectors_stay_in_memory(path):
    load(path)
    load(path).vectors[:] = 9
    assert table(load(path)) == {"the": [1, 2], "of": [3, 4]}


def test_a_changed_file_is_read_anew(path):
    load(path)
    was = os.stat(path)
    path.write_text("the 1 2\nto 3 4\n")  # as long as before
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns + 1))
    assert table(load(path)) == {"the": [1, 2], "to": [3, 4]}
    path.write_text("the 1 2\n")  # as old as before
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns + 1))
    assert table(load(path)) == {"the": [1, 2]} and is_mapped(load(path))


def words(*result):
    """A copy with other words in it."""
    return lambda b: b.replace(b'["the", "of"]', json.dumps(list(result)).encode())


SPOILT = [words("a", "a"), words(1, 2), words(["a"], "b"), lambda b: b.replace(b'["the", "of"]', b'{"a": 0, "b": 1}')]


@pytest.mark.parametrize("spoil", [*SPOILT, lambda b: b"", lambda b: b[:-3], lambda b: b[:100], lambda b: b"x" + b[1:]])
def test_a_broken_copy_counts_for_nothing(path, spoil):
    load(path)
    (copy,) = set(path.parent.iterdir()) - {path}
    copy.write_bytes(spoil(copy.read_bytes()))
    assert table(load(path)) == {"the": [1, 2], "of": [3, 4]}
    assert is_mapped(load(path))  # made anew


def test_none_is_wanted(path):
    load(path, cache=False)
    load(path, limit=1)  # not all of it
    assert list(path.parent.iterdir()) == [path]
    load(path)
    assert not is_mapped(load(path, cache=False))


def test_small_files_have_none(path, monkeypatch):
    monkeypatch.setattr(vector_files, "SMALL", 100)
    load(path)
    assert list(path.parent.iterdir()) == [path]


def test_in_a_folder(path, tmp_path):
    other = tmp_path / "x.txt"  # of the same name
    other.write_text("and 5 6\n")
    cache = tmp_path / "cache"
    for _ in range(2):
        assert table(load(path, cache=cache)) == {"the": [1, 2], "of": [3, 4]}
        assert table(load(other, cache=str(cache))) == {"and": [5, 6]}
    assert is_mapped(load(path, cache=cache)) and len(list(cache.iterdir())) == 2
    assert list(path.parent.iterdir()) == [path]


def test_where_it_cannot_be_written_there_is_none(path, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for _ in range(2):
        assert table(load(path, cache=tmp_path / "file" / "sub")) == {"the": [1, 2], "of": [3, 4]}

    def full(*args, **options):
        raise OSError("disk full")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    assert not is_mapped(load(path)) and list(path.parent.iterdir()) == [path]


def test_lines_left_out_are_told_each_time(path):
    path.write_text("the 1 2\nthe 3 4\n")
    for mapped in (False, True):
        with pytest.warns(UserWarning, match=r"skipped 1 of 2 lines: 1 with a word that came before \(line 2\)"):
            assert is_mapped(load(path, errors="skip")) == mapped
    with pytest.raises(ValueError, match=r":2: expected each word once"):
        load(path)


def test_another_format_is_another_reading(path):
    path.write_text("2 1\n8 1\n9 1\n")
    assert table(load(path)) == {"8": [1], "9": [1]}
    assert table(load(path, "glove")) == {"2": [1], "8": [1], "9": [1]}


def test_the_words_are_all_kept(path):
    words = ["\u2028", "\ufeff", "a b", '"', "\\", "猫", "\0"]
    save({word: [i, 0.1] for i, word in enumerate(words)}, path)
    load(path)
    result = load(path)
    assert is_mapped(result) and table(result) == {word: [i, np.float32(0.1)] for i, word in enumerate(words)}
    (copy,) = set(path.parent.iterdir()) - {path}
    assert np.load(copy).tolist() == result.vectors.tolist()  # a .npy file to everybody else
    assert json.loads(copy.read_bytes()[128 + result.vectors.nbytes :])["words"] == words


@pytest.mark.peers
@pytest.mark.slow
def test_glove_6b_as_text(tmp_path):
    """Every number of the real file, through text, and mapped."""
    expected = glove_6b()
    save(expected, tmp_path / "glove.6B.50d.txt", "glove", verbose=False)
    for mapped in (False, True):
        result = load(tmp_path / "glove.6B.50d.txt", verbose=False)
        assert is_mapped(result) == mapped
        assert result.index_to_key == expected.index_to_key and (result.vectors == expected.vectors).all()
