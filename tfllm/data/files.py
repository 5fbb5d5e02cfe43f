"""A text file -> its lines, as exact as alignment needs. No streaming, no encoding but UTF-8.

A line ends at LF or CR LF and nowhere else: U+2028, U+0085, VT, FF and a lone CR are characters of the text
(here str.splitlines would cut, and shift one side of a parallel corpus). A BOM at the beginning is dropped.
Names ending in .gz are unpacked.
"""

import codecs
import gzip
import zlib
from pathlib import Path


def read_lines(path):
    """The lines of a text file as a list of str, without their ends.

    Raises ValueError with file and line for invalid UTF-8 and for broken gzip; OSError where there is no
    such file.
    """
    data = _read(path).removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}:{_line(data[: error.start])}: expected UTF-8, got the byte 0x{data[error.start]:02x} "
            f"({error.reason}). Convert the file first, e.g. iconv -f LATIN1 -t UTF-8"
        ) from error
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines if lines[-1] else lines[:-1]  # the last LF ends a line, it begins none


def _read(path):
    if Path(path).suffix.lower() != ".gz":
        return Path(path).read_bytes()
    data = bytearray()
    try:
        with gzip.open(path) as file:
            while chunk := file.read1():
                data += chunk
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path}:{_line(data)}: broken gzip from about here: {error}. Fetch the file again") from error
    return bytes(data)


def _line(before):
    return before.count(b"\n") + 1
