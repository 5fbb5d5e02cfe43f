"""Answers of a SavedModel to files of any length: in order, with flat memory, and resumable after any interruption.

The output has one line for each record of the input, so the number of its whole lines says where to go on: a run that
was killed continues with the next record, and no line is lost, doubled or moved.
"""

import csv
import hashlib
import itertools
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tfllm.partial import Part
from tfllm.serving.payloads import text_of, value_of
from tfllm.serving.served_model import BadRequest, stripped

WINDOW = 32  # batches that are sorted by length together
MAIN = ("text", "label", "embedding")  # the output that a .txt file gets: the first of these


def predict(model, signature, sources, file, field=None, batch_size=64, threads=None, restart=False, progress=None,
            scalars=None):  # fmt: skip
    """Write the answers to all records of the files `sources` to `file`; returns the number of records.

    model: a ServedModel. signature: a ServedSignature. field: {text input: field of a record}, by default their own
    names, or the only column. threads: batches that are computed at the same time, default one a core.
    progress(done): called after each window. A record that the model refuses, or cannot be read, gets
    {"error": message}. Raises ValueError for missing fields and for a partial output of another input.
    """
    what = job(model, signature, sources, field, scalars) | {"batch_size": batch_size if signature.is_random else None}
    part, threads = Part(file, what), threads or len(os.sched_getaffinity(0))
    done = part.begin(restart)
    rows = itertools.islice(records(sources, signature, field), done, None)
    window = batch_size * (1 if signature.is_random else WINDOW * threads)
    with open(part.path, "ab") as out, ThreadPoolExecutor(threads) as pool:
        while chunk := list(itertools.islice(rows, window)):
            answers = answered(pool, signature, chunk, batch_size, scalars or {})
            out.write(b"".join(line(answer, Path(file).suffix) for answer in answers))
            out.flush()
            os.fsync(out.fileno())
            done += len(chunk)
            if progress:
                progress(done)
    part.finish()
    return done


def job(model, signature, sources, field, scalars):
    """What an unfinished output is of, for JSON: inputs, model, options that change answers."""
    return {"sources": [identity(path) for path in sources], "model": fingerprint(model), "signature": signature.name,
            "field": field, "scalars": {name: float(value) for name, value in (scalars or {}).items()}}  # fmt: skip


def answered(pool, signature, chunk, batch_size, scalars):
    """Records, tuples of bytes or an error, -> {output: value} each, in their order; similar lengths share a batch."""
    order = [i for i, row in enumerate(chunk) if not isinstance(row, Exception)]
    if not signature.is_random:
        order.sort(key=lambda i: -sum(map(len, chunk[i])))
    groups = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    result = [{"error": str(row)} if isinstance(row, Exception) else None for row in chunk]
    rows = pool.map(lambda group: batch(signature, [chunk[i] for i in group], scalars), groups)
    for group, answers in zip(groups, rows, strict=True):
        for i, answer in zip(group, answers, strict=True):
            result[i] = answer
    return result


def batch(signature, rows, scalars):
    """The answers to rows of texts; if the model refuses one of them, each is asked alone."""
    try:
        outputs = signature([list(column) for column in zip(*rows, strict=True)], scalars)
    except BadRequest as error:
        if len(rows) == 1:
            return [{"error": str(error)}]
        return [answer for row in rows for answer in batch(signature, [row], scalars)]
    return [{name: value(part[i], signature.outputs[name]) for name, part in outputs.items()} for i in range(len(rows))]


def value(part, output):
    """One row of an output for JSON, without the padding that other rows of its batch gave it."""
    return value_of(stripped(np.asarray(part, output.dtype)[None], output.shape))[0]


def line(answer, ending):
    if ending == ".jsonl":
        return json.dumps(answer, ensure_ascii=False).encode() + b"\n"
    main = answer.get(next((name for name in MAIN if name in answer), "error"), "")
    return (" ".join(main.split()) if isinstance(main, str) else json.dumps(main)).encode() + b"\n"


def fingerprint(model):
    files = model.about.get("files") or {"path": str(model.path)}
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def identity(path):
    """A file by its path, size and time of change, so that a changed input is not continued."""
    state = Path(path).stat()
    return [str(Path(path).resolve()), state.st_size, state.st_mtime_ns]


# Records


def records(sources, signature, field=None):
    """Yields a tuple of bytes for each record, or the ValueError of one that has no such text."""
    for path in sources:
        for number, row in enumerate(rows_of(Path(path)), start=1):
            if isinstance(row, Exception):
                yield ValueError(f"{path}, record {number}: {row}")
                continue
            try:
                yield tuple(text_of(given, name) for name, given in fields_of(row, signature, field, path))
            except BadRequest as error:
                yield ValueError(f"{path}, record {number}: {error}")


def fields_of(row, signature, field, path):
    """[(text input, value)]. Raises ValueError if a record lacks a field: the options are wrong, not the record."""
    names = {name: (field or {}).get(name, name) for name in signature.texts}
    if isinstance(row, str):
        row = {names[signature.texts[0]]: row}
    elif len(names) == len(row) == 1 and not field:
        row = dict(zip(names.values(), row.values(), strict=True))
    for name, other in names.items():
        if other not in row:
            raise ValueError(
                f"{path} has no field {other!r} for the input {name!r}; it has {', '.join(row)}: use --field"
            )
        yield name, row[other]


def rows_of(path):
    """Yields strings or dicts of a file, by its ending."""
    if path.suffix == ".parquet":
        yield from parquet(path)
        return
    csv.field_size_limit(sys.maxsize)
    is_table = path.suffix in (".csv", ".tsv")
    with open(path, encoding="utf-8-sig", errors="replace", newline="" if is_table else "\n") as file:
        if is_table:
            delimiter = "\t" if path.suffix == ".tsv" else ","
            yield from csv.DictReader(file, delimiter=delimiter, restkey="more", restval="")
        elif path.suffix == ".jsonl":
            for text in file:
                yield parsed(text)
        else:
            for text in file:
                yield text.rstrip("\r\n")


def parsed(text):
    try:
        row = json.loads(text)
    except ValueError as error:
        return ValueError(f"not JSON: {error}")
    return row if isinstance(row, str | dict) else ValueError("neither an object nor a string")


def parquet(path):
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ImportError("Parquet files need pyarrow: pip install 'tfllm[parquet]'") from None
    with ParquetFile(path) as file:
        for group in file.iter_batches():
            yield from group.to_pylist()
