"""A cache of a vector file as a memory-mapped NumPy array, so that the next load is almost instant.

It is one file: the matrix as .npy, then JSON with the words and the size and time of the source file. It is ignored if
the source has changed or the cache is incomplete, and not written if the folder is read-only.
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


class Cached(NamedTuple):
    """The content of a cache: words, matrix float32 [V, D], format of the source, report of skipped lines or None."""

    words: list
    matrix: np.ndarray
    format: str
    report: str | None


def copy_path(path, cache):
    """The path of the cache of `path`: next to it (True), in the folder `cache`, or None (False)."""
    path = Path(path).absolute()
    if not cache:
        return None
    if cache is True:
        return path.with_name(f".{path.name}.mapped.npy")
    return Path(cache) / f"{path.name}.{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.npy"


def fingerprint(path):
    """Version, size and time of a file, which change when the file changes."""
    result = os.stat(path)
    return [VERSION, result.st_size, result.st_mtime_ns]


def read(copy, source):
    """`Cached`, with its matrix mapped, as written by `write`; None without a valid cache."""
    try:
        matrix = np.load(copy, mmap_mode="c", allow_pickle=False)  # changes stay in memory
        with open(copy, "rb") as file:
            file.seek(matrix.offset + matrix.nbytes)
            about = json.loads(file.read())
        words, format, report = about["words"], about["format"], about["report"]
        good = about["state"] == source and matrix.dtype == np.float32 and matrix.ndim == 2 and isinstance(words, list)
        good = good and set(map(type, words)) == {str} and len(set(words)) == len(words) == len(matrix)
        good = good and isinstance(format, str) and isinstance(report, str | None)
        return Cached(words, matrix.view(np.ndarray), format, report) if good else None
    except Exception:  # a damaged cache can make NumPy raise anything
        return None


def write(copy, cached, source):
    """Write the cache atomically, also if several processes do so; returns whether it worked."""
    about = {"state": source, "format": cached.format, "report": cached.report, "words": cached.words}
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        with written(copy) as temporary, open(temporary, "xb") as file:
            np.lib.format.write_array(file, cached.matrix, allow_pickle=False)
            file.write(json.dumps(about, ensure_ascii=False).encode())
    except OSError as error:
        logger.info("the vectors are not cached: %s", error)
        return False
    return True
