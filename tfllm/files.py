"""Files that are whole or not there, and what is read is what it should be: one line says where not.

An unfinished write lies in a hidden folder of its own beside the file, `.part-...`, which its process holds locked. A
process that was killed leaves it behind: no one takes it for a file, and the next write into that folder removes it.
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

    fcntl = None

# Unfinished writes; the second as once in the folders of runs.
PART = re.compile(r"\.part-\d+-[0-9a-f]{8}|\.(last|best|average|config|history|curve|\d{6})\.part\.\w+")
FAR = 2**30  # bytes
DAY = 24 * 3600  # seconds after which an unfinished write is dead, where locks do not tell
_cleared = set()  # folders


@contextmanager
def written(path: str | Path) -> Iterator[Path]:
    """A path with the same name; the file or folder written there becomes `path` when the block ends well.

    It is on the disk by then: a loss of power leaves the old or the new file. An OSError names `path`.
    """
    path = Path(path)
    if (folder := path.parent.absolute()) not in _cleared:
        clear(folder)
        _cleared.add(folder)
    part = path.parent / f".part-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        part.mkdir()
        with _held(part):
            yield part / path.name
            _flush(part / path.name)
            os.replace(part / path.name, path)
            _flush_entry(path.parent)
    except OSError as error:
        if error.filename is not None and str(part) not in str(error.filename):
            raise  # of another file
        kept = "; what was there before is kept" if path.exists() else ""
        said = one_line(error.strerror or error)
        if error.errno is None:
            raise OSError(f"{path}: {said}{kept}") from error
        raise OSError(error.errno, f"{said}{kept}", str(path)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def clear(folder: str | Path):
    """Remove what writes into the folder have left unfinished whose process is gone."""
    with contextlib.suppress(OSError):  # no folder, or not allowed
        for entry in list(os.scandir(folder)):
            if PART.fullmatch(entry.name) and _abandoned(entry):
                shutil.rmtree(entry.path, ignore_errors=True) if entry.is_dir() else os.unlink(entry.path)


def _abandoned(entry) -> bool:
    if not entry.is_dir():
        return True
    with contextlib.suppress(OSError), _held(entry.path) as held:
        return True if held else time.time() - entry.stat().st_mtime > DAY
    return False


@contextmanager
def _held(folder) -> Iterator[bool]:
    """A block in which this process has the folder locked: whether it could. BlockingIOError where another has it."""
    descriptor = None
    try:
        with contextlib.suppress(PermissionError):
            descriptor = os.open(folder, os.O_RDONLY)
        yield descriptor is not None and lock(descriptor)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def lock(descriptor: int) -> bool:
    """Lock an open file until it is closed or its process ends; False where the system cannot.

    BlockingIOError where another has it.
    """
    try:
        if fcntl is None:
            _lock_on_windows(descriptor)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system of the network without locks
        return False
    return True


def _lock_on_windows(descriptor):
    """What is locked there cannot be read by others: a byte far behind the end is, which need not exist."""
    place = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, FAR, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except PermissionError as error:
        raise BlockingIOError(error.errno, "locked by another process") from None
    finally:
        os.lseek(descriptor, place, os.SEEK_SET)


def _flush(path):
    """Have the system put a file, or all in a folder, onto the disk."""
    for root, folders, names in os.walk(path) if path.is_dir() else [(path.parent, [], [path.name])]:
        for name in names:
            with open(os.path.join(root, name), "rb" if fcntl else "r+b") as file:
                os.fsync(file.fileno())
        for name in folders:
            _flush_entry(os.path.join(root, name))


def _flush_entry(folder):
    with contextlib.suppress(OSError):  # Windows opens no folders, and some systems flush none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def json_object(path: str | Path) -> dict:
    """What the file holds. ValueError, which names it, where that is no JSON in UTF-8 or no object."""
    return parsed_object(Path(path).read_bytes(), path)


def parsed_object(text: str | bytes, where) -> dict:
    """The JSON object in a text. ValueError, which names `where` it is, for anything else."""
    result = parsed(text, where)
    if not isinstance(result, dict):
        raise ValueError(f"{where} must hold an object {{...}}, got a {type(result).__name__}")
    return result


def parsed(text: str | bytes, where):
    """The value in a text of JSON, in UTF-8. ValueError, which names `where` it is, for anything else."""
    try:
        return json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON in UTF-8: {one_line(error)}") from None


@contextmanager
def understood(path: str | Path, expected: str) -> Iterator[None]:
    """A block that reads the file: whatever its bytes make a library raise is a ValueError of one line that names it.

    Errors of the system (missing, not allowed), of what is not installed, and those that name the file stay.
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
    """The message of an error, without what is on further lines."""
    return (str(error).splitlines() or ["no reason given"])[0][:300].strip()
