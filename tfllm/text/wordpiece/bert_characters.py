"""How BERT's tokenizer treats single characters: dropped, white space, separate words, accents, lower case.

The tables are ranges of code points, as in Hugging Face's `tokenizers`, which uses the categories of Unicode 8: a text
must always give the same ids, whatever Unicode version a library or Python has. A test compares the two.
The long tables are in unicode8.txt, written by scripts/unicode_tables.py.
Decompositions and lower case come from Python's `unicodedata`; NEWER and UNDIVIDED correct other Unicode versions.
"""

import functools
import unicodedata

from tfllm.text.code_points import points, table

CHANGING = (  # characters outside these ranges stay unchanged
    *range(0x3400), *range(0xA000, 0xD800), *range(0xF900, 0x20000), *range(0x2F800, 0x2FA20), *range(0xE0100, 0xE01F0),
)  # fmt: skip


@functools.cache
def replacements(lowercase, strip_accents):
    """{code point: code points it becomes}, for all that change: NFD without MARKS, then lower case."""
    newer, result = _newer(), {}
    undivided, marks = points(UNDIVIDED), points(MARKS)
    for point in CHANGING:
        new = character = chr(point)
        if strip_accents:
            new = character if undivided[point] else unicodedata.normalize("NFD", character)
            new = "".join(part for part in new if not marks[ord(part)])
        if lowercase:
            new = "".join(newer.get(part) or part.lower() for part in new)
        if new != character:
            result[point] = tuple(map(ord, new))
    return result


def _newer():
    result = {}
    for stretch in NEWER.split():
        stretch, _, target = stretch.partition(":")
        first, _, last = stretch.partition("-")
        for step in range(int(last or first, 16) - int(first, 16) + 1):
            result[chr(int(first, 16) + step)] = chr(int(target, 16) + step)
    return result


_TABLE = table("tfllm.text.wordpiece", "unicode8.txt")
MARKS = _TABLE["M"]  # nonspacing marks, the category Mn of Unicode 8
PUNCTUATION = _TABLE["P"]  # ASCII punctuation, and the categories P of Unicode 8: each is a separate word

# Controls, formats, private use and U+FFFD are removed; unassigned code points are not.
DROPPED = """
0-8 B-C E-1F 7F-9F AD 600-605 61C 6DD 70F 180E 200B-200F 202A-202E 2060-2064 2066-206F E000-F8FF FEFF FFF9-FFFB FFFD
110BD 1BCA0-1BCA3 1D173-1D17A E0001 E0020-E007F F0000-FFFFD 100000-10FFFD
"""

SPACES = """
9-A D A0 1680 2000-200A 2028-2029 202F 205F 3000
"""

# Ideographs, without 2B820-2B91F, which `tokenizers` omits: each is a separate word.
CHINESE = """
3400-4DBF 4E00-9FFF F900-FAFF 20000-2A6DF 2A700-2B81F 2B920-2CEAF 2F800-2FA1F
"""

# Capitals of Unicode 14 and later, and their lower-case letters.
NEWER = """
1C89:1C8A 2C2F:2C5F A7C0:A7C1 A7CB:264 A7CC:A7CD A7CE:A7CF A7D0:A7D1 A7D2:A7D3 A7D4:A7D5 A7D6:A7D7 A7D8:A7D9 A7DA:A7DB
A7DC:19B 10570-1057A:10597 1057C-1058A:105A3 1058C-10592:105B3 10594-10595:105BB 10D50-10D65:10D70 16EA0-16EB8:16EBB
"""

# Decomposed by Unicode 13 and later, but not here.
UNDIVIDED = """
11938 105C9 105E4 11383 11385 1138E 11391 113C5 113C7-113C8 16121-16128 16D68-16D6A
"""
