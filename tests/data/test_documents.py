"""Text files as documents: whole, by line, by paragraph, in memory and streamed; and what is said about faults."""

import gzip

import pytest

from tfllm.data import text


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        data = content if isinstance(content, bytes) else content.encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def read(*paths, **options):
    """The documents, the same in memory and streamed, each time they are asked for."""
    whole, streamed = text(*paths, **options), text(*paths, **options, stream=True)
    result = [record["text"].decode() for record in whole.as_numpy_iterator()]
    for _ in range(2):
        assert [record["text"].decode() for record in streamed.as_numpy_iterator()] == result
    assert whole.cardinality() == streamed.cardinality() == len(result)
    assert whole.element_spec == streamed.element_spec
    return result


TEXT = "One.\nTwo, \u2028 still two.\n\n \t\nThree.\n\n\n  Four\n\tand five"


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("change", [str, lambda s: s.replace("\n", "\r\n"), lambda s: "\ufeff" + s])
def test_documents(write, suffix, change):
    path = write("a.txt" + suffix, change(TEXT))
    assert read(path) == [TEXT]
    assert read(path, documents="line") == ["One.", "Two, \u2028 still two.", "Three.", "  Four", "\tand five"]
    assert read(path, documents="paragraph") == ["One.\nTwo, \u2028 still two.", "Three.", "  Four\n\tand five"]


def test_patterns_are_sorted_and_files_follow_each_other(write, tmp_path):
    for name in ("b.txt", "a.txt", "c.text", "[d].txt"):
        write(name, name)
    assert read(tmp_path / "*.txt") == ["[d].txt", "a.txt", "b.txt"]
    assert read(tmp_path / "c.text", str(tmp_path / "?.txt")) == ["c.text", "a.txt", "b.txt"]
    assert read(tmp_path / "[d].txt") == ["[d].txt"]  # a file of that very name
    with pytest.raises(FileNotFoundError, match=r"no file matches the pattern .*\*\.md"):
        text(tmp_path / "*.md")


def test_many_documents_come_whole_from_a_stream(write):
    lines = [f"line {n}" for n in range(1000)]
    assert read(write("a.txt", "\n".join(lines)), documents="line") == lines


@pytest.mark.parametrize("documents", ["file", "line", "paragraph"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["bad.txt", "bad.txt.gz"])
def test_bad_encoding_names_file_and_line_before_the_training(write, documents, stream, name):
    path = write(name, b"fine\nfine\nM\xe4dchen\n")
    with pytest.raises(ValueError, match=rf"{name}:3: expected UTF-8, got the byte 0xe4"):
        text(path, documents=documents, stream=stream)


def test_broken_gzip_names_file_and_line(tmp_path):
    whole = gzip.compress("".join(f"line {n * n * 7919 % 10007}\n" for n in range(50_000)).encode())
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    for documents in ("file", "line"):
        with pytest.raises(ValueError, match=r"cut\.gz:\d{4,5}: broken gzip"):
            text(tmp_path / "cut.gz", documents=documents, stream=True)


def test_a_file_without_text_is_told_and_nothing_at_all_is_refused(write):
    empty, full = write("empty.txt", "\n \n"), write("full.txt", "text")
    with pytest.warns(UserWarning, match=r"empty\.txt: skipped, the file has no text") as warned:
        assert text(empty, full).cardinality() == 1
    assert warned[0].filename == __file__
    with pytest.warns(UserWarning), pytest.raises(ValueError, match=r"expected text in .*empty\.txt; got none"):
        text(empty)


def test_missing_files_and_unknown_documents(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.txt"):
        text(tmp_path / "absent.txt")
    with pytest.raises(ValueError, match="one of file, paragraph, line; got 'chapter'"):
        text(tmp_path / "absent.txt", documents="chapter")
