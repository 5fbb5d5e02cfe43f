"""Text files with a word and its numbers per line, as written by word2vec, GloVe and FastText: "the 0.418 ...", UTF-8.

The last `columns` parts of a line are its numbers, so a word may contain spaces, like ". . ." and "at name@domain.com"
in GloVe 840B. A line ends at LF or CR LF; spaces and tabs separate the numbers, and may follow the last one. A number
becomes float32(float(text)).

Blocks of lines are read at once: the positions of the separators show which bytes are words and whether each line has
the right number of columns, and all numbers of a block are parsed together. Only invalid blocks are read line by line.
"""

import codecs
import re
import warnings

import numpy as np

from tfllm.vectors.formats.rows import WRITTEN, Rows, Table
from tfllm.vectors.formats.sniffing import NOT_FINITE, NUMBER, numbers_at_end, shown

BLOCK = 2**22  # bytes
TRAILING = 3  # blanks at the end of a line that the fast path accepts
LF, CR, SPACE, TAB = b"\n\r \t"


def read_text(source, layout, limit, faults):
    """The `Table` of an `Unpacked` file."""
    source.rewind()
    source.read(layout.begin)
    header = layout.rows is not None
    table = Table(layout.columns, limit, faults)
    number = first = 2 if header else 1  # number of the next line
    for block in _blocks(source):
        while block and not table.full:
            lines, block = _split(block, table.remaining)
            table.add(_quick(lines, layout.columns, number) or _careful(lines, layout.columns, number, faults))
            number += lines.count(b"\n")
    table.read = number - first
    if header and not table.full and table.read != layout.rows:
        faults.of_file(f"the header announces {layout.rows} words, but {table.read} lines follow")
    return table


def _blocks(source):
    """Blocks of whole lines, as bytes, with line ends."""
    rest = []
    while data := source.read(BLOCK):
        if cut := data.rfind(b"\n") + 1:
            yield b"".join([*rest, data[:cut]])
            rest = []
        rest.append(data[cut:])
    if rest := b"".join(rest):
        yield rest + b"\n"


def _split(block, count):
    """The first `count` lines (None: all) and the rest."""
    if count is None:
        return block, b""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == LF)[:count]
    return block[: ends[-1] + 1], block[ends[-1] + 1 :]


def _quick(block, columns, first):
    """The rows of a block without errors; None if there may be one. Its lines are numbered from `first`."""
    byte = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(byte == LF)
    starts = np.append(0, ends[:-1] + 1)
    blank = (byte == SPACE) | (byte == TAB)
    for _ in range(TRAILING):  # move `ends` before trailing blanks
        ends = ends - ((blank[ends - 1] | (byte[ends - 1] == CR)) & (ends > starts))
    blanks = np.flatnonzero(blank)
    before = np.searchsorted(blanks, ends) - columns  # the blank before the first number
    excess = before - np.searchsorted(blanks, starts)  # number of blanks inside the word
    if (excess < 0).any():
        return None
    splits = blanks[before]
    double = np.flatnonzero(np.diff(blanks) == 1)
    line = np.searchsorted(ends, blanks[double])
    inside = line < len(ends)
    if (splits == starts).any() or (double[inside] >= before[line[inside]]).any():  # no word, or an empty number
        return None
    begins, splits, ends = starts.tolist(), splits.tolist(), ends.tolist()
    if any(_ends_in_number(block[begins[i] : splits[i]]) for i in np.flatnonzero(excess)):
        return None
    values = _parsed(b" ".join([block[split:end] for split, end in zip(splits, ends, strict=True)]))
    if values is None or len(values) != len(begins) * columns:
        return None
    try:
        words = [block[begin:split].decode() for begin, split in zip(begins, splits, strict=True)]
    except UnicodeDecodeError:
        return None
    return Rows(words, _float32(values).reshape(-1, columns), range(first, first + len(words)))


def _parsed(numbers):
    """float64 of all the numbers; None if something else is among them."""
    if any(blank in numbers for blank in (b"\r", b"\v", b"\f")):  # NumPy would skip them
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # NumPy's "could not be read to its end"
            return np.fromstring(numbers, np.float64, sep=" ")
    except (DeprecationWarning, ValueError):
        return None


def _float32(values):
    with np.errstate(over="ignore"):  # infinite values are rejected later: see Table
        return np.asarray(values, np.float64).astype(np.float32)


def _careful(block, columns, first, faults):
    """The valid rows of a block, read line by line."""
    words, values, numbers = [], [], []
    for number, line in enumerate(block.split(b"\n")[:-1], first):
        line = line.rstrip(b" \t\r")
        parts = re.split(rb"[ \t]", line)
        wanted = f"expected a word and {columns} numbers"
        if len(parts) <= columns:
            got = f"{numbers_at_end(line)} numbers" if line else "an empty line"
            faults("with too few numbers", number, f"{wanted}, got {got}")
            continue
        word, parts = line[: -columns - sum(map(len, parts[-columns:]))], parts[-columns:]
        if wrong := [part for part in parts if not (NUMBER.fullmatch(part) or NOT_FINITE.fullmatch(part))]:
            faults("with something that is not a number", number, f"{wanted}, got {shown(wrong[0])} for a number")
        elif not word:
            faults("without a word", number, f"{wanted}, got no word")
        elif _ends_in_number(word):
            faults("with too many numbers", number, f"{wanted}, got {numbers_at_end(line)} numbers")
        else:
            try:
                words.append(word.decode())
            except UnicodeDecodeError as error:
                message = f"expected UTF-8, got the byte 0x{word[error.start]:02x} in the word {shown(word)}"
                faults("that are not UTF-8", number, message)
                continue
            values.append([float(part) for part in parts])
            numbers.append(number)
    return Rows(words, _float32(values).reshape(-1, columns), numbers)


def _ends_in_number(word):
    """Whether a word with blanks is more likely a word and an extra number. A token " 5" is a word."""
    parts = re.split(rb"[ \t]", word)
    return len(parts) > 1 and parts[0] != b"" and NUMBER.fullmatch(parts[-1]) is not None


def text_blocks(words, matrix):
    """The lines to write, in blocks of `WRITTEN`: the shortest digits that give the same float32 again."""
    for i in range(0, len(words), WRITTEN):
        lines, rows = words[i : i + WRITTEN], matrix[i : i + WRITTEN].astype("S").tolist()
        yield b"".join(b"%b %b\n" % (word.encode(), b" ".join(row)) for word, row in zip(lines, rows, strict=True))


def unwritable(word, first, header):
    """Why a word cannot be written to a text file, or None: it would be read as something else."""
    word = word.encode()
    last = re.split(rb"[ \t]", word)[-1]
    if not word:
        return "is empty"
    if b"\n" in word:
        return "contains a line end"
    if _ends_in_number(word):
        return "contains a blank and ends with a number"
    if not header and last != word and (NUMBER.fullmatch(last) or NOT_FINITE.fullmatch(last)):
        return "contains a blank and ends with a number, in a file without a header"
    if not header and first and word.startswith(codecs.BOM_UTF8) and word != codecs.BOM_UTF8:
        return "begins with a byte order mark"
    return None
