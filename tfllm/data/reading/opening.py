"""A text file -> its text or its lines, with exact line boundaries, at once or line by line. UTF-8 only.

A line ends at LF or CR LF and nowhere else: U+2028, U+0085, VT, FF and a lone CR are characters of the text
(str.splitlines would split there, and misalign a parallel corpus). A BOM at the start is dropped.
Names ending in .gz are decompressed.
"""

import codecs
import gzip
import zlib
from pathlib import Path

from tfllm import limits


def read_lines(path):
    """The lines of a text file as a list of str, without their ends.

    Raises ValueError with file and line for invalid UTF-8 and for broken gzip; OSError if there is no such file.
    """
    lines = [line.removesuffix("\r") for line in _decoded(path, _read(path)).split("\n")]
    return lines if lines[-1] else lines[:-1]  # the last LF ends a line, it does not begin one


def read_text(path):
    """The whole text of a file, every line ending in LF. Raises as `read_lines`."""
    return _decoded(path, _read(path)).replace("\r\n", "\n")


def iterate_lines(path):
    """The lines of a text file, with only one line in memory at a time. Yields and raises as `read_lines`."""
    number, path = 0, Path(path).expanduser()
    try:
        for line in limits.lines(path):
            yield _decoded(path, line, number).removesuffix("\n").removesuffix("\r")
            number += 1
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _broken(path, number + 1, error) from error


def _decoded(path, data, before=0):
    """Bytes that follow `before` lines of the file -> str."""
    data = data if before else data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}:{before + _line(data[: error.start])}: expected UTF-8, got the byte 0x{data[error.start]:02x} "
            f"({error.reason}). Convert the file first, e.g. iconv -f LATIN1 -t UTF-8"
        ) from error


def _read(path):
    path = Path(path).expanduser()
    if not _is_gzip(path):
        return Path(path).read_bytes()
    data = bytearray()
    try:
        with gzip.open(path) as file:
            while chunk := file.read1():
                data += chunk
                limits.check_text(path, len(data))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _broken(path, _line(data), error) from error
    return bytes(data)


def _is_gzip(path):
    return Path(path).suffix.lower() == ".gz"


def _broken(path, line, error):
    return ValueError(f"{path}:{line}: broken gzip from about here: {error}. Download the file again")


def _line(before):
    return before.count(b"\n") + 1
