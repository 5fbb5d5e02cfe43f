"""Detects the format of a file of word vectors from its first bytes, never from its name.

- word2vec text: a header, "rows columns", then lines of a word and numbers. FastText's .vec is the same.
- word2vec binary: the same header, then rows of a word, a space and the float32 numbers, little-endian.
- GloVe text: lines of a word and numbers, no header.

A first line of two whole numbers is a header, unless the lines after it have one number each: then "7 1" could also be
the word 7 and its vector [1.]. In that case it is a header if it announces one column and the right number of rows.
"""

import codecs
import re
import struct
from collections import Counter
from typing import NamedTuple

HEAD = 2**20  # bytes that are examined
LOOK = 1000  # lines that vote on the number of columns
NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
NOT_FINITE = re.compile(rb"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
HEADER = re.compile(rb"[ \t]*(\d+)[ \t]+(\d+)[ \t\r]*")
OLD_FASTTEXT = struct.Struct("<12id3i")
OTHERS = {  # first bytes of other files that users may have
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"\xba\x16\x4f\x2f": "a whole FastText model: gensim.models.fasttext.load_facebook_vectors reads it",
    b"\x93NUMPY": "a NumPy array without words: see tfllm.vectors.keyed_vectors",
    b"BZh": "packed with bzip2: unpack it first",
    b"\xfd7zXZ": "packed with xz: unpack it first",
}


class Layout(NamedTuple):
    """format: "word2vec", "binary", "glove"; rows: from the header, None without one; begin: offset of row 1 in
    bytes.
    """

    format: str
    rows: int | None
    columns: int
    begin: int


def sniff(source, format=None):
    """The layout of an `Unpacked` file. Raises ValueError if it has none, or another one than `format`."""
    head = source.read(HEAD)
    for first, what in OTHERS.items():
        if head.startswith(first):
            raise ValueError(f"{source.path}: expected word vectors, got {what}")
    if _is_old_fasttext(head):
        raise ValueError(
            f"{source.path}: expected word vectors, got a whole FastText model in its format of before 2017: "
            "gensim.models.fasttext.load_facebook_vectors reads it"
        )
    bom = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) and head[3:4] not in (b" ", b"\t") else 0
    lines = head[bom:].split(b"\n")
    if len(lines) > 1 and (len(head) == HEAD or not lines[-1]):
        lines.pop()  # incomplete, or empty after the last line end
    header = HEADER.fullmatch(lines[0])
    begin = bom + len(lines[0]) + 1
    if header and format is None:
        format = _with_header(source, header, head[begin:], lines[1:])
    if format in ("word2vec", "binary"):
        if not header:
            raise ValueError(
                f"{source.path}:1: expected a header, rows and columns such as '400000 50'; got {shown(lines[0])}"
            )
        rows, columns = _sizes(header)
        if not rows or not columns:
            raise ValueError(f"{source.path}:1: expected a header of rows and columns above 0, got {shown(lines[0])}")
        if 2 * columns > HEAD + source.most:
            raise ValueError(
                f"{source.path}:1: the header announces {columns:.4g} columns in at most {source.most} bytes"
            )
        return Layout(format, rows, columns, begin)
    if not (columns := _vote(lines)):
        raise ValueError(f"{source.path}:1: expected a word and its numbers, got {shown(lines[0])}")
    return Layout("glove", None, columns, bom)


def _is_old_fasttext(head):
    """Whether a file begins like a FastText model without a version: settings, then the sizes of its dictionary."""
    if len(head) < OLD_FASTTEXT.size:
        return False
    dim, *counts, sample, words, own, labels = OLD_FASTTEXT.unpack(head[: OLD_FASTTEXT.size])
    loss, model = counts[5:7]
    settings = 0 < dim <= 10_000 and {loss, model} <= {1, 2, 3} and 0 <= sample < 1
    return settings and all(0 <= count < 10**8 for count in counts) and words == own + labels > 0


def _sizes(header):
    """Rows and columns; numbers of more than 18 digits count as the largest."""
    return [int(digits) if len(digits.lstrip(b"0")) <= 18 else 10**18 for digits in header.groups()]


def _with_header(source, header, body, lines):
    """The format of a file whose first line may be a header."""
    rows, columns = _sizes(header)
    if not lines:
        return "glove" if columns == 1 else "word2vec"
    if numbers_at_end(lines[0]) < columns and _looks_binary(body, columns, source.path):
        return "binary"
    if _vote(lines) != 1:
        return "word2vec"
    return "word2vec" if columns == 1 and rows == _lines(source) - 1 else "glove"


def _looks_binary(body, columns, path):
    """Whether the numbers of the first row contain bytes that never occur in text."""
    _, _, numbers = body.partition(b" ")
    numbers = numbers[: 4 * columns]
    if any(byte < 32 and byte not in b"\t\n\r" for byte in numbers):
        return True
    try:
        codecs.getincrementaldecoder("utf-8")().decode(numbers)
    except UnicodeDecodeError:
        return True
    return str(path).lower().endswith((".bin", ".bin.gz"))


def _vote(lines):
    """The number of columns that most lines have, the larger one if tied; 0 if no line has a number."""
    votes = Counter(map(numbers_at_end, lines[:LOOK]))
    votes.pop(0, None)
    return max(votes, key=lambda columns: (votes[columns], columns), default=0)


def numbers_at_end(line):
    """How many numbers a line ends with, after a word of at least one part."""
    parts = re.split(rb"[ \t]", line.rstrip(b" \t\r"))
    count = 0
    for part in reversed(parts[1:]):
        if not (NUMBER.fullmatch(part) or NOT_FINITE.fullmatch(part)):
            break
        count += 1
    return count


def _lines(source):
    """The lines of the whole file."""
    source.rewind()
    count, last = 0, b""
    while data := source.read(2**22):
        count, last = count + data.count(b"\n"), data
    return count + (not last.endswith(b"\n"))


def shown(line):
    """Bytes, shortened for a message."""
    try:
        return repr(line.decode()[:60])
    except UnicodeDecodeError:
        return repr(line[:60])[1:]
