"""Text files -> tf.data.Dataset of dicts of scalar strings: aligned files, tables, plain lines.

A file is read into memory at once (enough for corpora of a few GB), so that all errors are found before training, with
file and line, and the dataset knows its cardinality. All text is UTF-8.

Errors: a missing file, broken gzip, invalid UTF-8, unequal line counts, a missing column, a row with too few or too
many fields, a file without records. Records with an empty field are skipped and counted in one warning.
Not supported: files larger than memory, other encodings.
"""

import itertools
import warnings
from pathlib import Path

import tensorflow as tf

from tfllm.data.reading.opening import read_lines
from tfllm.data.reading.tables import rows_of_csv, rows_of_jsonl, rows_of_tsv

ROWS = {".tsv": rows_of_tsv, ".csv": rows_of_csv, ".jsonl": rows_of_jsonl}


def parallel(source_path, target_path):
    """Two aligned text files (or .gz), line i of one a translation of line i of the other -> {"source", "target"}.

    Pairs with an empty or blank side are skipped and counted in a warning that names the first lines.
    Raises OSError if a file is missing; ValueError for unequal line counts and the errors above.
    """
    sources, targets = read_lines(source_path), read_lines(target_path)
    if len(sources) != len(targets):
        (few, short), (many, long) = sorted([(len(sources), str(source_path)), (len(targets), str(target_path))])
        raise ValueError(
            f"{long} has {many} lines but {short} has {few}, so {long}:{few + 1} has no partner: "
            "line i of one file must translate line i of the other"
        )
    numbers = range(1, len(sources) + 1)
    return without_empty({"source": sources, "target": targets}, numbers, f"{source_path}, {target_path}")


def lines(*paths):
    """Plain text files (or .gz), concatenated -> {"text"}, one record per line.

    Empty lines are kept, because they separate paragraphs. Raises OSError, ValueError as above.
    """
    texts = [line for path in paths for line in read_lines(path)]
    if not texts:
        raise ValueError(f"expected lines of text in {', '.join(map(str, paths)) or 'one or more files'}; got none")
    return tf.data.Dataset.from_tensor_slices({"text": tf.constant(texts, tf.string)})


def table(path, columns=("source", "target")):
    """Columns of a .tsv, .csv or .jsonl file (or .gz of it), recognised by its suffix -> {record name: text}.

    columns: {"source": "de", "target": "en"} reads the fields of the record from the columns of these names; the pair
    ("de", "en") is short for it. Names refer to the header, the first row; column numbers from 0, as in (0, 1), mean
    that there is no header. tables.py defines each format.

    Records with an empty or blank field are skipped and counted in a warning that names the first lines.
    Raises OSError if the file is missing; ValueError, with file and line, for all other errors.
    """
    columns = record_columns(columns)
    numbered = rows_of(path, columns)
    texts = {name: [row[index] for _, row in numbered] for index, name in enumerate(columns)}
    return without_empty(texts, [number for number, _ in numbered], path)


def rows_of(path, columns, lists=None):
    """[(line, [text of each column])] of a table. lists: columns of JSONL that may be lists, see `rows_of_jsonl`."""
    kind = Path(Path(path).name.lower().removesuffix(".gz")).suffix
    if kind not in ROWS:
        raise ValueError(f"{path}: expected a table named {', '.join(ROWS)} or .gz of these; got {kind or 'no suffix'}")
    more = {"lists": lists} if lists and kind == ".jsonl" else {}
    return list(ROWS[kind](path, list(columns.values()), **more))


def record_columns(columns):
    """{record name: column of the file} of a pair or a dict, checked: all names, or all numbers."""
    if isinstance(columns, tuple | list) and len(columns) == 2:
        columns = {"source": columns[0], "target": columns[1]}
    if isinstance(columns, dict):
        kinds = {type(column) for column in columns.values()}
        if kinds == {str} or (kinds == {int} and min(columns.values()) >= 0):
            return columns
    raise ValueError(
        "columns: expected a pair like ('de', 'en') or a dict like {'text': 'review', 'label': 'stars'} "
        f"of column names, or of column numbers from 0; got {columns!r}"
    )


def without_empty(texts, numbers, where, may_be_empty=()):
    """{name: [text, ...]} and the line number of each -> dataset, without records that have an empty text."""
    needed = [name for name in texts if name not in may_be_empty]
    full = [all(text.strip() for text in record) for record in zip(*map(texts.get, needed), strict=True)]
    fields = " and ".join(needed)
    if not any(full):
        raise ValueError(f"{where}: expected records with {fields}; got none in {len(full)} lines")
    if empty := [number for number, good in zip(numbers, full, strict=True) if not good]:
        listed = ", ".join(map(str, empty[:5])) + (", ..." if len(empty) > 5 else "")
        warnings.warn(
            f"{where}: skipped {len(empty)} of {len(full)} records without {fields}, line {listed}",
            stacklevel=3,
        )
    columns = {name: list(itertools.compress(column, full)) for name, column in texts.items()}
    return tf.data.Dataset.from_tensor_slices({name: tf.constant(columns[name], tf.string) for name in columns})
