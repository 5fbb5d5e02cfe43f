"""Allows one process at a time to train in a run folder, by a lock on `folder/.lock`, which names the process.

The system releases the lock when a process ends, in any way, so a leftover file does no harm. Parts of one process
share its lock. Not supported: file systems without locks, where nothing is refused.
"""

import contextlib
import os
import socket
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfllm.files import lock

NAME = ".lock"
_ours: dict = {}  # folder -> [descriptor, number of holders]


class RunLock:
    """Locked from construction until `release` or garbage collection. Creates the folder if it does not exist.

    Raises BlockingIOError, which names the process, if another one trains there.
    """

    def __init__(self, folder: str | Path):
        folder = Path(folder).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        folder = folder.resolve()
        if folder not in _ours:
            _ours[folder] = [_taken(folder), 0]
        _ours[folder][1] += 1
        self.release = weakref.finalize(self, _release, folder)


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Context manager that holds the lock. A folder that it created is removed if still empty."""
    new = not Path(folder).exists()
    run_lock = RunLock(folder)
    try:
        yield
    finally:
        run_lock.release()
        if new:
            with contextlib.suppress(OSError):  # it is not empty
                os.rmdir(folder)


def _taken(folder) -> int:
    path = folder / NAME
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            lock(descriptor)
            if _is_file(descriptor, path):
                break
        except BlockingIOError:
            who = os.read(descriptor, 300).decode("utf-8", "replace").strip() or "another process"
            os.close(descriptor)
            raise BlockingIOError(
                f"{folder} is in use: {who} trains there; wait, stop it, or use another folder"
            ) from None
        os.close(descriptor)  # its owner has just removed that file
    os.ftruncate(descriptor, 0)
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}, since {since}".encode())
    return descriptor


def _is_file(descriptor, path) -> bool:
    if os.name == "nt":  # Windows cannot remove an open file
        return True
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _release(folder):
    entry = _ours[folder]
    entry[1] -= 1
    if not entry[1]:
        del _ours[folder]
        if os.name == "nt":  # Windows cannot remove an open file: so close ours first
            os.close(entry[0])
        with contextlib.suppress(OSError):
            os.unlink(folder / NAME)
        if os.name != "nt":
            os.close(entry[0])
