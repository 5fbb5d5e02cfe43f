"""The binary format of word2vec: a header "rows columns", then each word, a space, and its float32, little-endian.

A line end before a word is skipped: the C program ends each row with one, gensim does not. So a word cannot contain a
space or begin with a line end.
"""

import numpy as np

from tfllm.vectors.formats.rows import WRITTEN, Rows, Table
from tfllm.vectors.formats.sniffing import shown

BLOCK = 2**22  # bytes
LONGEST = 2**16  # bytes of a word


def read_binary(source, layout, limit, faults):
    """The `Table` of an `Unpacked` file."""
    source.rewind()
    source.read(layout.begin)
    table, data, number = Table(layout.columns, limit, faults), b"", 1  # number of the next word
    while not table.full and number <= layout.rows:
        more = source.read(max(BLOCK, 4 * layout.columns))
        data += more
        count = min(layout.rows + 1 - number, len(data) if table.remaining is None else table.remaining)
        words, matrix, data = _rows(data, layout.columns, count)
        table.add(_decoded(words, matrix, number, faults))
        number += len(words)
        if len(data) > LONGEST + 4 * layout.columns and b" " not in data:
            raise ValueError(f"{source.path}, word {number}: expected a space after a word, got none")
        if not more:
            break
    table.read = number - 1
    if not table.full:
        if table.read < layout.rows:
            faults.of_file(f"the header announces {layout.rows} words, but the file ends within word {number}")
        elif (data + source.read(1)).strip(b"\n"):
            faults.of_file(f"the header announces {layout.rows} words, but more bytes follow them")
    return table


def _rows(data, columns, count):
    """At most `count` rows -> (words as bytes, float32 [N, columns], the remaining bytes)."""
    words, vectors, at = [], [], 0
    for _ in range(count):
        space = data.find(b" ", at)
        end = space + 1 + 4 * columns
        if space < 0 or end > len(data):
            break
        words.append(data[at:space].lstrip(b"\n"))
        vectors.append(data[space + 1 : end])
        at = end
    matrix = np.frombuffer(b"".join(vectors), "<f4").astype(np.float32).reshape(-1, columns)
    return words, matrix, data[at:]


def _decoded(words, matrix, first, faults):
    """The rows with valid words; the first has the number `first`."""
    decoded = []
    for i, word in enumerate(words):
        try:
            decoded.append(word.decode())
        except UnicodeDecodeError as error:
            message = f"expected UTF-8, got the byte 0x{word[error.start]:02x} in the word {shown(word)}"
            faults("that are not UTF-8", first + i, message)
            decoded.append("")
            continue
        if not word:
            faults("without a word", first + i, f"expected a word and {matrix.shape[1]} numbers, got no word")
    return Rows(decoded, matrix, range(first, first + len(words))).selected(list(map(bool, decoded)))


def binary_blocks(words, matrix):
    """The rows to write, in blocks of `WRITTEN`, as gensim writes them."""
    for i in range(0, len(words), WRITTEN):
        lines, rows = words[i : i + WRITTEN], matrix[i : i + WRITTEN].astype("<f4")
        yield b"".join(b"%b %b" % (word.encode(), row.tobytes()) for word, row in zip(lines, rows, strict=True))


def unwritable(word):
    """Why a word cannot be written to a binary file, or None: it would be read as something else."""
    if not word:
        return "is empty"
    if " " in word:
        return "holds a space"
    return "begins with the end of a line" if word.startswith("\n") else None
