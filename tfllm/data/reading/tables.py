"""Rows of TSV, CSV and JSONL files -> the texts of the selected columns, with line numbers.

Every `rows_of_...(path, columns)` yields (line number, [text of each column]); a blank line yields empty texts.
Columns are names, or numbers from 0 for TSV and CSV without a header. Delimiters and types are never guessed.
"""

import csv
import json

from tfllm.data.reading.opening import read_lines


def rows_of_tsv(path, columns):
    """Fields are separated by tabs; quotes are ordinary characters, as in files of Moses, OPUS and Tatoeba."""
    rows = [(number, line.split("\t")) for number, line in enumerate(read_lines(path), 1)]
    return _chosen(path, columns, rows)


def rows_of_csv(path, columns):
    """RFC 4180: commas; fields in double quotes may contain commas, line breaks and doubled quotes."""
    lines = (line + "\n" for line in read_lines(path))
    limit = csv.field_size_limit(2**31 - 1)  # the default refuses fields over 128 kB
    rows, number = [], 1
    try:
        reader = csv.reader(lines, strict=True)
        for fields in reader:
            rows.append((number, fields))
            number = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{path}:{number}: not CSV as in RFC 4180: {error}. A field with commas, quotes or line breaks "
            "must be in double quotes, and quotes inside it doubled"
        ) from error
    finally:
        csv.field_size_limit(limit)
    return _chosen(path, columns, rows)


def _chosen(path, columns, rows):
    """The selected fields of rows [(line number, fields)]; all rows have the width of the first."""
    if not rows:
        return
    header = rows[0][1]
    if isinstance(columns[0], str):
        for column in columns:
            if header.count(column) != 1:
                raise ValueError(f"{path}:1: expected one column {column!r} in the header; it has {header}")
        indices, rows = [header.index(column) for column in columns], rows[1:]
    elif max(columns) < len(header):
        indices = columns
    else:
        raise ValueError(f"{path}:1: there is no column {max(columns)}: the row has 0 to {len(header) - 1}")
    for number, fields in rows:
        if fields in ([], [""]):
            fields = [""] * len(header)
        if len(fields) != len(header):
            raise ValueError(f"{path}:{number}: expected {len(header)} fields as in line 1; got {len(fields)}")
        yield number, [fields[index] for index in indices]


def rows_of_jsonl(path, columns, lists=None):
    """One object per line. Numbers, true and false are used as JSON writes them, null is an empty text.

    lists: {column: the separator after each text of a list in it}.
    """
    if isinstance(columns[0], int):
        raise ValueError(f"{path}: fields of JSONL are selected by name; got the numbers {columns}")
    for number, line in enumerate(read_lines(path), 1):
        where = f"{path}:{number}"
        yield number, _texts(line, columns, where, lists or {}) if line.strip() else [""] * len(columns)


def _texts(line, columns, where, lists):
    try:
        result = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: expected one JSON object: {error}") from error
    if not isinstance(result, dict):
        raise ValueError(f"{where}: expected one JSON object; got a {type(result).__name__}")
    if missing := [column for column in columns if column not in result]:
        raise ValueError(f"{where}: expected a field {missing[0]!r}; the object has {list(result)}")
    return [
        "".join(_text(part, column, where) + lists[column] for part in result[column])
        if column in lists and isinstance(result[column], list)
        else _text(result[column], column, where)
        for column in columns
    ]


def _text(value, column, where):
    if isinstance(value, list | dict):
        raise ValueError(f"{where}: expected a text in field {column!r}; got a {type(value).__name__}")
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{where}: field {column!r} contains half of a surrogate pair, which is not a character"
        ) from error
    return text
