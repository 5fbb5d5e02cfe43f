"""Atomic writes, and reading with errors of one line that name the file.

An unfinished write is in its own hidden folder next to the file, `.part-...`, which its process keeps locked. If the
process is killed, the folder remains: nothing mistakes it for a file, and the next write into its parent removes it.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    fcntl = None  # type: ignore[assignment]

# Unfinished writes; the second pattern is the former one of run folders.
PART = re.compile(r"\.part-\d+-[0-9a-f]{8}|\.(last|best|average|config|history|curve|\d{6})\.part\.\w+")
FAR = 2**30  # bytes
DAY = 24 * 3600  # seconds after which an unfinished write counts as dead, if there are no locks
_cleared: set = set()  # folders


@contextmanager
def written(path: str | Path) -> Iterator[Path]:
    """A path with the same name; the file or folder written there becomes `path` when the block ends without error.

    It is on the disk then: a loss of power leaves the old or the new file. An OSError names `path`.
    """
    path = Path(path)
    if (folder := path.parent.absolute()) not in _cleared:
        clear(folder)
        _cleared.add(folder)
    part = path.parent / f".part-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        part.mkdir()
        with _locked(part):
            yield part / path.name
            _flush(part / path.name)
            os.replace(part / path.name, path)
            _flush_entry(path.parent)
    except OSError as error:
        if error.filename is not None and str(part) not in str(error.filename):
            raise  # about another file
        note = "; the previous file is unchanged" if path.exists() else ""
        reason = one_line(error.strerror or error)
        if error.errno is None:
            raise OSError(f"{path}: {reason}{note}") from error
        raise OSError(error.errno, f"{reason}{note}", str(path)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def clear(folder: str | Path):
    """Remove unfinished writes in the folder whose process has ended."""
    with contextlib.suppress(OSError):  # no folder, or no permission
        for entry in list(os.scandir(folder)):
            if PART.fullmatch(entry.name) and _abandoned(entry):
                shutil.rmtree(entry.path, ignore_errors=True) if entry.is_dir() else os.unlink(entry.path)


def _abandoned(entry) -> bool:
    if not entry.is_dir():
        return True
    with contextlib.suppress(OSError), _locked(entry.path) as held:
        return True if held else time.time() - entry.stat().st_mtime > DAY
    return False


@contextmanager
def _locked(folder) -> Iterator[bool]:
    """Context manager: whether this process could lock the folder. BlockingIOError if another process has locked it."""
    descriptor = None
    try:
        with contextlib.suppress(PermissionError):
            descriptor = os.open(folder, os.O_RDONLY)
        yield descriptor is not None and lock(descriptor)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def lock(descriptor: int) -> bool:
    """Lock an open file until it is closed or its process ends; False if the system does not support it.

    Raises BlockingIOError if another process has locked it.
    """
    try:
        if fcntl is None:
            _lock_on_windows(descriptor)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a network file system without locks
        return False
    return True


def _lock_on_windows(descriptor):
    """A locked range cannot be read by others: so lock a byte far past the end, which need not exist."""
    offset = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, FAR, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except PermissionError as error:
        raise BlockingIOError(error.errno, "locked by another process") from None
    finally:
        os.lseek(descriptor, offset, os.SEEK_SET)


def _flush(path):
    """Flush a file, or all files in a folder, to the disk."""
    for root, folders, names in os.walk(path) if path.is_dir() else [(path.parent, [], [path.name])]:
        for name in names:
            with open(os.path.join(root, name), "rb" if fcntl else "r+b") as file:
                os.fsync(file.fileno())
        for name in folders:
            _flush_entry(os.path.join(root, name))


def _flush_entry(folder):
    with contextlib.suppress(OSError):  # Windows cannot open folders, and some systems cannot flush them
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def json_object(path: str | Path) -> dict:
    """The content of a JSON file. Raises ValueError, with the path, if it is not JSON in UTF-8 or not an object."""
    return parsed_object(Path(path).read_bytes(), path)


def parsed_object(text: str | bytes, where) -> dict:
    """The JSON object in a text. Raises ValueError, which starts with `where`, for anything else."""
    result = parsed(text, where)
    if not isinstance(result, dict):
        raise ValueError(f"{where} must be an object {{...}}, got a {type(result).__name__}")
    return result


def parsed(text: str | bytes, where):
    """The value in a JSON text in UTF-8. Raises ValueError, which starts with `where`, for anything else."""
    try:
        return json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON in UTF-8: {one_line(error)}") from None


@contextmanager
def understood(path: str | Path, expected: str) -> Iterator[None]:
    """Context manager for reading a file: any error of a library becomes a ValueError of one line that names the file.

    Errors of the system (missing file, permissions), missing packages, and errors that name the file are unchanged.
    """
    try:
        yield
    except (FileNotFoundError, ImportError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if type(error) is ValueError and str(error).startswith(str(path)):
            raise
        kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
        raise ValueError(f"{path}: expected {expected}: {kind}{one_line(error)}") from error


def one_line(error: Exception | str) -> str:
    """The first line of an error message."""
    return (str(error).splitlines() or ["no reason given"])[0][:300].strip()
