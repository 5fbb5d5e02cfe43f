"""Files that are whole or not there, and JSON objects that are what they should be."""

import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNPACKED, RATIO = 2**26, 20  # bytes, and times its size, that an archive may unpack to; weights are hardly packed


@contextmanager
def written(path: str | Path) -> Iterator[Path]:
    """A path beside `path`, same ending; what is written there becomes `path` when the block ends well."""
    path = Path(path)
    beside = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def json_object(path: str | Path) -> dict:
    """What the file holds. ValueError, which names it, where that is no JSON in UTF-8 or no object."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON in UTF-8: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} must hold an object {{...}}, got a {type(found).__name__}")
    return found


@contextmanager
def understood(path: str | Path, expected: str) -> Iterator[None]:
    """A block in which a library reads the file: whatever its bytes make the library raise is a ValueError of one line.

    Errors of the system (missing, not allowed) stay as they are.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{path}: expected {expected}: {one_line(error)}") from None


def one_line(error: Exception) -> str:
    """Kind and message of an error, without what is on further lines."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:300].strip()


def check_unpacked(path: str | Path):
    """ValueError for a zip archive whose members are far larger than itself: reading them would fill the memory."""
    size = os.stat(path).st_size
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > UNPACKED + RATIO * size:
        raise ValueError(f"{path} has {size} bytes and would unpack to {unpacked}: no file of weights does so")
