"""One process at a time trains in the folder of a run: it holds `folder/.lock`, which says who it is.

The system drops the lock of a process that ends, however it ends: a file that one left behind is taken over. Parts of
one process share its lock. Left out: file systems without locks, where nothing is refused.
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
_ours = {}  # folder -> [descriptor, how often it is held]


class RunLock:
    """Held from its making until `release`, or until it is forgotten. The folder is made where there is none.

    BlockingIOError, which names the process, where another one trains there.
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
    """A block that holds the lock. A folder that it made and left empty is removed."""
    new = not Path(folder).exists()
    held = RunLock(folder)
    try:
        yield
    finally:
        held.release()
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
            raise BlockingIOError(f"{folder} is in use: {who} trains there; wait, stop it, or take another") from None
        os.close(descriptor)  # of a file that its owner has just removed
    os.ftruncate(descriptor, 0)
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}, since {since}".encode())
    return descriptor


def _is_file(descriptor, path) -> bool:
    if os.name == "nt":  # removes no file that is open
        return True
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _release(folder):
    held = _ours[folder]
    held[1] -= 1
    if not held[1]:
        del _ours[folder]
        if os.name == "nt":  # removes no file that is open: neither ours now, nor that of who has locked it since
            os.close(held[0])
        with contextlib.suppress(OSError):
            os.unlink(folder / NAME)
        if os.name != "nt":
            os.close(held[0])
