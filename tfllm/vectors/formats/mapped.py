"""A vector file, read once and kept as a NumPy array that is mapped into memory: the next time costs almost nothing.

One file: the matrix as .npy, behind it JSON with the words and the size and time of the file they came from. It counts
for nothing where those have changed, or where it is not whole; where it cannot be written, there is none.
"""

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfllm.files import written

VERSION = 1

logger = logging.getLogger(__name__)


class Kept(NamedTuple):
    """What a file held: matrix float32 [V, D], format of the file, report of lines that were left out or None."""

    words: list
    matrix: np.ndarray
    format: str
    report: str | None


def place(path, cache):
    """Where the copy of `path` is: beside it (True), in the folder `cache`, or nowhere: None (False)."""
    path = Path(path).absolute()
    if not cache:
        return None
    if cache is True:
        return path.with_name(f".{path.name}.mapped.npy")
    return Path(cache) / f"{path.name}.{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.npy"


def state(path):
    """What changes with a file."""
    result = os.stat(path)
    return [VERSION, result.st_size, result.st_mtime_ns]


def read(copy, was):
    """`Kept`, its matrix mapped, as `write` left it; None where there is no good copy."""
    try:
        matrix = np.load(copy, mmap_mode="c", allow_pickle=False)  # changes stay in memory
        with open(copy, "rb") as file:
            file.seek(matrix.offset + matrix.nbytes)
            about = json.loads(file.read())
        words, format, report = about["words"], about["format"], about["report"]
        good = about["state"] == was and matrix.dtype == np.float32 and matrix.ndim == 2 and isinstance(words, list)
        good = good and set(map(type, words)) == {str} and len(set(words)) == len(words) == len(matrix)
        good = good and isinstance(format, str) and isinstance(report, str | None)
        return Kept(words, matrix.view(np.ndarray), format, report) if good else None
    except Exception:  # whatever the bytes of a copy that is not good make NumPy raise
        return None


def write(copy, kept, was):
    """Keep them; True where that went well. Whole or not at all, also where several processes do so."""
    about = {"state": was, "format": kept.format, "report": kept.report, "words": kept.words}
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        with written(copy) as beside, open(beside, "xb") as file:
            np.lib.format.write_array(file, kept.matrix, allow_pickle=False)
            file.write(json.dumps(about, ensure_ascii=False).encode())
    except OSError as error:
        logger.info("no copy of the vectors is kept: %s", error)
        return False
    return True
