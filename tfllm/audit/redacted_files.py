"""Copies of data files without personal data: plain lines, TSV, CSV, JSONL, and .gz of these."""

import csv
import gzip
import io
import json
from functools import partial
from pathlib import Path

from tfllm.audit.personal import redact
from tfllm.data.reading.opening import read_lines
from tfllm.files import written


def redacted_file(path, folder, find=None) -> Path:
    """Write a copy of the file into the folder, under its name, with every text redacted; -> its path.

    find: see `redact`.

    Of JSONL every string is redacted and numbers are left; of CSV every field. Raises FileExistsError rather than
    overwrite a file; OSError and ValueError for a file that cannot be read.
    """
    path, target = Path(path).expanduser(), redacted_copy(path, folder)
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    text = COPIES.get(kind, _plain)(path, partial(redact, find=find))
    target.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    with written(target) as file:
        file.write_bytes(gzip.compress(data, mtime=0) if path.name.lower().endswith(".gz") else data)
    return target


def redacted_copy(path, folder) -> Path:
    """Where the copy of a file will be. Raises FileExistsError if there is a file."""
    target = Path(folder).expanduser() / Path(path).name
    if target.exists():
        raise FileExistsError(f"{target} exists already; redacted copies do not overwrite")
    return target


def _plain(path, redacted):
    return "".join(redacted(line) + "\n" for line in read_lines(path))


def _tsv(path, redacted):
    return "".join("\t".join(map(redacted, line.split("\t"))) + "\n" for line in read_lines(path))


def _csv(path, redacted):
    target = io.StringIO()
    rows = csv.reader((line + "\n" for line in read_lines(path)), strict=True)
    try:
        csv.writer(target, lineterminator="\n").writerows([redacted(field) for field in row] for row in rows)
    except csv.Error as error:
        raise ValueError(f"{path}:{rows.line_num}: not CSV as in RFC 4180: {error}") from error
    return target.getvalue()


def _jsonl(path, redacted):
    lines = []
    for number, line in enumerate(read_lines(path), 1):
        try:
            lines.append(json.dumps(_inside(json.loads(line), redacted), ensure_ascii=False) if line.strip() else line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}:{number}: expected JSON: {error}") from error
    return "".join(line + "\n" for line in lines)


def _inside(value, redacted):
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list):
        return [_inside(one, redacted) for one in value]
    return {name: _inside(one, redacted) for name, one in value.items()} if isinstance(value, dict) else value


COPIES = {".tsv": _tsv, ".csv": _csv, ".jsonl": _jsonl}
