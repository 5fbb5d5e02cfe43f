"""Files that go well, files that do not, and what is said about them."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tfllm.data


def read(dataset):
    """The records as a list of dicts of str; the dataset must know how many there are."""
    result = [{name: text.decode() for name, text in record.items()} for record in dataset.as_numpy_iterator()]
    assert dataset.cardinality() == len(result)
    return result


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        data = content if isinstance(content, bytes) else content.encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


DE, EN = "Ein Hund\nZwei Hunde\n", "A dog\nTwo dogs\n"
PAIRS = [{"source": "Ein Hund", "target": "A dog"}, {"source": "Zwei Hunde", "target": "Two dogs"}]


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("change", [str, lambda s: s[:-1], lambda s: s.replace("\n", "\r\n"), lambda s: "\ufeff" + s])
def test_parallel(write, suffix, change):
    assert read(tfllm.data.parallel(write("x.de" + suffix, change(DE)), write("x.en", EN))) == PAIRS


@settings(max_examples=50)
@given(st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"])), min_size=1))
def test_only_line_feeds_end_lines(tmp_path_factory, texts):
    """U+2028, U+0085, VT, FF, FS, NUL ... stay in their line: nothing shifts against the other side."""
    path = tmp_path_factory.mktemp("lines") / "x"
    path.write_bytes("".join(f"a{text}\n" for text in texts).encode())
    assert [record["text"] for record in read(tfllm.data.lines(path))] == ["a" + text for text in texts]


def test_odd_separators_and_lone_returns_stay(write):
    text = "a\u2028b\x85c\x0bd\x0ce\x1cf\rg\x00"
    assert read(tfllm.data.lines(write("x", text + "\r\nnext"))) == [{"text": text}, {"text": "next"}]


def test_lines_keep_empty_ones_and_join_files(write):
    result = read(tfllm.data.lines(write("a", "one\n\n"), write("b.gz", "two")))
    assert [record["text"] for record in result] == ["one", "", "two"]


def test_empty_pairs_are_skipped_and_counted(write):
    source, target = write("x.de", "a\n\nb\n \u3000\nc\n"), write("x.en", "A\n-\n\nD\nC\n")
    with pytest.warns(UserWarning, match=r"x\.de, .*x\.en: skipped 3 of 5 records .* line 2, 3, 4") as warned:
        result = read(tfllm.data.parallel(source, target))
    assert result == [{"source": "a", "target": "A"}, {"source": "c", "target": "C"}]
    assert len(warned) == 1 and warned[0].filename == __file__  # told where the reader was called


def test_many_empty_pairs_are_not_all_listed(write):
    with pytest.warns(UserWarning, match=r"skipped 9 of 10 .* line 1, 2, 3, 4, 5, \.\.\.$"):
        tfllm.data.parallel(write("x.de", "\n" * 9 + "a\n"), write("x.en", "b\n" * 10))


@pytest.mark.parametrize("de, en", [("a\nb\nc\n", "A\nB\n"), ("a\nb\n", "A\nB\nC\n")])
def test_unequal_lengths(write, de, en):
    longer = "x.de" if len(de) > len(en) else "x.en"
    with pytest.raises(ValueError, match=rf"{longer} has 3 lines .* has 2, so .*{longer}:3 has no partner"):
        tfllm.data.parallel(write("x.de", de), write("x.en", en))


@pytest.mark.parametrize("name", ["x.txt", "x.tsv", "x.csv", "x.jsonl", "x.tsv.gz"])
def test_bad_encoding_names_file_and_line(write, name):
    path = write(name, b"a\tb\nfine\tfine\nM\xe4dchen\tgirl\n")
    with pytest.raises(ValueError, match=rf"{name}:3: expected UTF-8, got the byte 0xe4"):
        tfllm.data.lines(path)
    with pytest.raises(ValueError, match=rf"{name}:3: expected UTF-8"):
        tfllm.data.parallel(path, path) if name == "x.txt" else tfllm.data.table(path)


def test_broken_gzip_names_file_and_line(tmp_path, write):
    whole = gzip.compress("".join(f"line {n * n * 7919 % 10007}\n" for n in range(50_000)).encode())
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut\.gz:\d{4,5}: broken gzip from about here"):
        tfllm.data.lines(tmp_path / "cut.gz")
    (tmp_path / "plain.gz").write_text("not packed at all\n")
    with pytest.raises(ValueError, match=r"plain\.gz:1: broken gzip .*Not a gzipped file"):
        tfllm.data.lines(tmp_path / "plain.gz")


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_nothing_to_read(write, content):
    path = write("x.txt", content)
    with pytest.raises(ValueError, match=r"x\.txt.* got none"):
        tfllm.data.parallel(path, path)
    if not content:
        with pytest.raises(ValueError, match=r"x\.txt; got none"):
            tfllm.data.lines(path)


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.de"):
        tfllm.data.parallel(tmp_path / "absent.de", tmp_path / "absent.en")
    with pytest.raises(FileNotFoundError, match=r"absent\.csv\.gz"):
        tfllm.data.table(tmp_path / "absent.csv.gz")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        tfllm.data.lines(tmp_path)


TABLES = {
    "x.tsv": "en\tnote\tde\nA dog\t1\tEin Hund\nTwo dogs\t2\tZwei Hunde\n",
    "x.csv": 'en,note,de\r\nA dog,1,"Ein Hund"\r\n"Two dogs",2,Zwei Hunde\r\n',
    "x.jsonl": '{"en": "A dog", "note": 1, "de": "Ein Hund"}\n{"de": "Zwei Hunde", "en": "Two dogs"}\n',
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("columns", [("de", "en"), {"source": "de", "target": "en"}])
def test_table(write, name, suffix, bom, columns):
    assert read(tfllm.data.table(write(name + suffix, bom + TABLES[name]), columns)) == PAIRS


@pytest.mark.parametrize("name", ["x.tsv", "x.csv"])
def test_numbered_columns_have_no_header(write, name):
    body = TABLES[name].split("\n", 1)[1]
    assert read(tfllm.data.table(write(name, body), (2, 0))) == PAIRS


def test_other_records(write):
    path = write("X.CSV", "review,stars\nGood,5\n")
    assert read(tfllm.data.table(path, {"text": "review", "label": "stars"})) == [{"text": "Good", "label": "5"}]


def test_default_columns(write):
    assert read(tfllm.data.table(write("x.tsv", "target\tsource\nA\ta\n"))) == [{"source": "a", "target": "A"}]


def test_csv_quoting(write):
    long = "x" * 200_000  # the csv module alone refuses fields of this size
    path = write("x.csv", f'a,b\n"one, two","say ""hi""\r\nthere"\n\u2028,{long}\n')
    with pytest.warns(UserWarning, match=r"skipped 1 of 2 records .* line 4$"):  # U+2028 alone is blank
        assert read(tfllm.data.table(path, ("a", "b"))) == [{"source": "one, two", "target": 'say "hi"\nthere'}]
    assert read(tfllm.data.table(path, {"text": "b"}))[1] == {"text": long}


def test_tsv_has_no_quoting(write):
    path = write("x.tsv", 'a\tb\n"5\' tall\t6" wide\n')
    assert read(tfllm.data.table(path, ("a", "b"))) == [{"source": "\"5' tall", "target": '6" wide'}]


def test_json_values(write):
    path = write("x.jsonl", '{"a": 1, "b": true}\n{"a": 0.5, "b": "\\u00e4\\ud83d\\ude00"}\n{"a": null, "b": "x"}\n\n')
    with pytest.warns(UserWarning, match=r"skipped 2 of 4 records .* line 3, 4"):
        result = read(tfllm.data.table(path, ("a", "b")))
    assert result == [{"source": "1", "target": "true"}, {"source": "0.5", "target": "ä😀"}]


@pytest.mark.parametrize("name", ["x.tsv", "x.csv"])
def test_blank_rows_are_empty_records(write, name):
    mark = {"x.tsv": "\t", "x.csv": ","}[name]
    path = write(name, f"a{mark}b\n1{mark}2\n\n3{mark}\n")
    with pytest.warns(UserWarning, match=rf"{name}: skipped 2 of 3 records without source and target, line 3, 4"):
        assert read(tfllm.data.table(path, ("a", "b"))) == [{"source": "1", "target": "2"}]


FAULTS = [  # name, content, columns, what is said
    (
        "x.tsv",
        "a\tb\n1\t2\n",
        ("a", "c"),
        r"x\.tsv:1: expected one column 'c' in the header; it has \['a', 'b'\]",
    ),
    ("x.csv", "a,b,a\n1,2,3\n", ("a", "b"), r"x\.csv:1: expected one column 'a' in the header"),
    ("x.tsv", "1\t2\n", (0, 2), r"x\.tsv:1: there is no column 2: the row has 0 to 1"),
    ("x.tsv", "a\tb\n1\t2\n1\t2\t3\n", ("a", "b"), r"x\.tsv:3: expected 2 fields as in line 1; got 3"),
    ("x.csv", 'a,b\n"1\n1",2\n3\n', ("a", "b"), r"x\.csv:4: expected 2 fields as in line 1; got 1"),
    ("x.csv", 'a,b\n1,2\n"3\n,4\n', ("a", "b"), r"x\.csv:3: not CSV .*unexpected end of data"),
    ("x.csv", 'a,b\n1,"2"3\n', ("a", "b"), r"x\.csv:2: not CSV"),
    ("x.csv", "a,b\n1,2\n3\r4,5\n", ("a", "b"), r"x\.csv:3: not CSV"),
    ("x.jsonl", '{"a": 1, "b": 2}\n{"a": 1}\n', ("a", "b"), r"x\.jsonl:2: expected a field 'b'; .* \['a'\]"),
    ("x.jsonl", '{"a": 1, "b": 2}\n{"a": \n', ("a", "b"), r"x\.jsonl:2: expected one JSON object"),
    ("x.jsonl", "[1, 2]\n", ("a", "b"), r"x\.jsonl:1: expected one JSON object; got a list"),
    (
        "x.jsonl",
        '{"a": ["x"], "b": 2}\n',
        ("a", "b"),
        r"x\.jsonl:1: expected a text in field 'a'; got a list",
    ),
    ("x.jsonl", '{"a": "\\ud83d", "b": 2}\n', ("a", "b"), r"x\.jsonl:1: field 'a' contains half of a surrogate"),
    ("x.jsonl", '{"a": 1}\n', (0, 1), r"x\.jsonl: fields of JSONL are selected by name"),
    ("x.tsv", "", ("a", "b"), r"x\.tsv: expected records with source and target; got none in 0 lines"),
    ("x.tsv", "a\tb\n", ("a", "b"), r"x\.tsv: expected records"),
    (
        "x.txt",
        "a\tb\n",
        ("a", "b"),
        r"x\.txt: expected a table named \.tsv, \.csv, \.jsonl or \.gz of these; got \.txt",
    ),
    ("x.gz", "a\tb\n", ("a", "b"), r"got no suffix"),
    ("x.tsv", "a\tb\n", "ab", r"columns: expected a pair .* got 'ab'"),
    ("x.tsv", "a\tb\n", ("a", 1), r"columns: expected"),
    ("x.tsv", "a\tb\n", (0, -1), r"columns: expected"),
    ("x.tsv", "a\tb\n", ("a", "b", "c"), r"columns: expected"),
    ("x.tsv", "a\tb\n", {}, r"columns: expected"),
]


@pytest.mark.parametrize("name, content, columns, output", FAULTS)
def test_faults(write, name, content, columns, output):
    with pytest.raises(ValueError, match=output):
        tfllm.data.table(write(name, content), columns)


def test_fault_leaves_the_csv_module_as_it_was(write):
    import csv

    before = csv.field_size_limit()
    with pytest.raises(ValueError):
        tfllm.data.table(write("x.csv", 'a,b\n1,"2"3\n'), ("a", "b"))
    assert csv.field_size_limit() == before
