"""Text files -> tf.data.Dataset of dicts of scalar strings: aligned files, TSV, CSV, JSONL, plain lines.

The file is read into memory at once (text corpora of a few GB), so that every fault is found before training and
named by file and line, and the dataset knows its cardinality. Text is UTF-8, a BOM at the beginning is dropped.
A line ends at LF or CR LF and nowhere else: U+2028, U+0085, VT, FF and a lone CR are characters of the text.
Names ending in .gz are unpacked.

Errors: a missing file, broken gzip, invalid UTF-8, unequal line counts, a missing column, a row with too few or too
many fields, a file with no record. Counted in one warning and skipped: records with an empty field.
Left out: other encodings, guessing of delimiters, streaming of files larger than memory.
"""

import codecs
import csv
import gzip
import itertools
import json
import warnings
import zlib
from pathlib import Path

import tensorflow as tf


def parallel(source_path, target_path):
    """Two aligned text files, line i of one translating line i of the other -> {"source", "target"}.

    Pairs with an empty (or blank) side are skipped and counted in a warning that names the first lines.
    Raises FileNotFoundError; ValueError for unequal line counts, invalid UTF-8, broken gzip, no pairs at all.
    """
    sources, targets = _lines(source_path), _lines(target_path)
    if len(sources) != len(targets):
        (few, short), (many, long) = sorted([(len(sources), source_path), (len(targets), target_path)])
        raise ValueError(
            f"{long} has {many} lines but {short} has {few}: {long}:{few + 1} has no partner. "
            "Line i of one file must translate line i of the other"
        )
    return _records({"source": sources, "target": targets}, range(1, len(sources) + 1), f"{source_path}, {target_path}")


def lines(*paths):
    """Plain text, one record a line, file after file -> {"text"}. Empty lines are kept: they may end a paragraph.

    Raises FileNotFoundError; ValueError for invalid UTF-8, broken gzip, no lines at all.
    """
    texts = [line for path in paths for line in _lines(path)]
    if not texts:
        raise ValueError(f"{', '.join(map(str, paths)) or 'lines()'}: expected lines of text, found none")
    return tf.data.Dataset.from_tensor_slices({"text": texts})


def table(path, columns=("source", "target")):
    """Chosen columns of a .tsv, .csv or .jsonl file (or .gz of it), by its suffix -> {record name: text}.

    columns: {"source": "de", "target": "en"} gives record names to columns of the file; the pair ("de", "en") is
    short for it. Columns named by str are looked up in the header, which is the first row; columns numbered by int
    from 0 mean that the file has no header. JSONL has names only.
    TSV: fields are cut at each tab, quotes are ordinary characters (as in Moses, OPUS and Tatoeba files).
    CSV: commas and quotes as in RFC 4180; a quoted field may hold line breaks.
    JSONL: one object a line; numbers and true/false are taken as they are written, null is an empty text.

    Records with an empty (or blank) field are skipped and counted in a warning that names the first lines.
    Raises FileNotFoundError; ValueError for everything else, with file and line: see the head of this file.
    """
    columns = _named(columns)
    kind = next((suffix for suffix in reversed(_suffixes(path)) if suffix != ".gz"), "")
    if kind not in _ROWS:
        raise ValueError(f"{path}: expected a table named .tsv, .csv or .jsonl (or .gz of it); got {kind or 'no suffix'}")
    texts, numbers = {name: [] for name in columns}, []
    for number, row in _ROWS[kind](path, list(columns.values())):
        numbers.append(number)
        for name, text in zip(columns, row, strict=True):
            texts[name].append(text)
    return _records(texts, numbers, path)


def _named(columns):
    """columns as {record name: name or number in the file}, checked."""
    if not isinstance(columns, dict):
        if isinstance(columns, str) or len(columns) != 2:
            raise ValueError(f"columns: expected a pair (source, target) or a dict of record names; got {columns!r}")
        columns = dict(zip(("source", "target"), columns, strict=True))
    kinds = {type(column) for column in columns.values()}
    if kinds not in ({str}, {int}) or any(column < 0 for column in columns.values() if kinds == {int}):
        raise ValueError(f"columns: expected header names, or numbers from 0 in a file without header; got {columns!r}")
    return columns


def _separated(path, columns, rows):
    """Rows [(line number, fields)] of a TSV or CSV file -> the wanted fields of each row."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    places, what = columns, "row 1"
    if isinstance(columns[0], str):
        for column in columns:
            if first[1].count(column) != 1:
                raise ValueError(f"{path}:1: expected one column {column!r} in the header; it has {first[1]}")
        places, what = [first[1].index(column) for column in columns], "the header"
    else:
        rows = itertools.chain([first], rows)
    width = len(first[1])
    if max(places) >= width:
        raise ValueError(f"{path}:1: no column {max(places)}: the row has {width} fields, numbered from 0")
    for number, fields in rows:
        if fields in ([], [""]):
            fields = [""] * width  # a blank line is an empty record
        if len(fields) != width:
            raise ValueError(f"{path}:{number}: expected {width} fields as in {what}; got {len(fields)}")
        yield number, [fields[place] for place in places]


def _tsv(path, columns):
    rows = ((number, line.split("\t")) for number, line in enumerate(_lines(path), 1))
    return _separated(path, columns, rows)


def _csv(path, columns):
    return _separated(path, columns, _csv_rows(path))


def _csv_rows(path):
    """(line where the row begins, fields) of each row."""
    reader = csv.reader((line + "\n" for line in _lines(path)), strict=True)
    number = 1
    limit = csv.field_size_limit(2**31 - 1)  # the default refuses fields over 128 kB
    try:
        for fields in reader:
            yield number, fields
            number = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{path}:{number}: not CSV as in RFC 4180: {error}. Quote fields with \" and double it inside") from error
    finally:
        csv.field_size_limit(limit)


def _jsonl(path, columns):
    if isinstance(columns[0], int):
        raise ValueError(f"{path}: JSONL has no numbered columns; name the fields instead of {columns}")
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            yield number, [""] * len(columns)
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: expected one JSON object; {error}") from error
        yield number, [_json_text(found, column, f"{path}:{number}") for column in columns]


def _json_text(found, column, where):
    if not isinstance(found, dict) or column not in found:
        raise ValueError(f"{where}: expected a JSON object with a field {column!r}; got {sorted(found) if isinstance(found, dict) else found}")
    value = found[column]
    if isinstance(value, (list, dict)):
        raise ValueError(f"{where}: expected a text in field {column!r}; got a {type(value).__name__}")
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{where}: field {column!r} holds half a surrogate pair, which is no character") from error
    return text


_ROWS = {".tsv": _tsv, ".csv": _csv, ".jsonl": _jsonl}


def _records(texts, numbers, where):
    """{name: [text, ...]} -> dataset, without the records that have an empty field; numbers: their lines."""
    whole = [all(text and not text.isspace() for text in record) for record in zip(*texts.values(), strict=True)]
    if not any(whole):
        raise ValueError(f"{where}: expected records with a text in {' and '.join(texts)}; found none of {len(whole)}")
    if skipped := [number for number, ok in zip(numbers, whole, strict=True) if not ok]:
        listed = ", ".join(map(str, skipped[:5])) + (", ..." if len(skipped) > 5 else "")
        warnings.warn(
            f"{where}: skipped {len(skipped)} of {len(whole)} records: {' or '.join(texts)} is empty in line {listed}",
            stacklevel=3,
        )
    kept = {name: list(itertools.compress(column, whole)) for name, column in texts.items()}
    return tf.data.Dataset.from_tensor_slices(kept)


def _suffixes(path):
    return [suffix.lower() for suffix in Path(path).suffixes]


def _lines(path):
    """The lines of a text file, without their ends."""
    path = Path(path)
    data = _bytes(path).removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}:{number}: expected UTF-8, got the byte 0x{data[error.start]:02x} ({error.reason}). "
            f"Convert the file, e.g. iconv -f LATIN1 -t UTF-8"
        ) from error
    found = [line.removesuffix("\r") for line in text.split("\n")]
    return found if found[-1] else found[:-1]  # the last LF ends a line, it begins none


def _bytes(path):
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a file; {'it is a folder' if path.is_dir() else 'it does not exist'}")
    if ".gz" not in _suffixes(path)[-1:]:
        return path.read_bytes()
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: expected gzip, as its name says; {error}. Is the file cut off?") from error
