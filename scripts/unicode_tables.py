"""Writes the tables of characters of tfllm/text from Hugging Face's `tokenizers`: python scripts/unicode_tables.py

GPT-2's letters and numbers have the categories of Unicode 16, BERT's marks and punctuation those of Unicode 8. The
script derives them from how the library tokenizes a text with each code point. tests/text/test_code_points.py checks
that the
files equal the output: if a later `tokenizers` had other categories, texts would get other ids.
"""

from pathlib import Path

import numpy as np
from tokenizers import normalizers, pre_tokenizers

from tfllm.text.code_points import HIGHEST, stretches

TEXT = Path(__file__).parents[1] / "tfllm" / "text"
PAGE = 256
BY = "Written by scripts/unicode_tables.py."


def pages():
    for page in range(0, HIGHEST, PAGE):
        if not 0xD800 <= page < 0xE000:  # surrogates are not characters
            yield range(page, page + PAGE)


def joined(sign, numbers):
    """bool [0x110000]: the code points that GPT-2 keeps in one word with `sign` before them.

    "!" is a separate word on either side, so a word of two characters can only be this pair.
    """
    cut = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    result = np.zeros(HIGHEST, bool)
    for page in numbers:
        for _, (first, end) in cut("".join(f"{sign}{chr(point)}\n" for point in page)):
            result[page[first // 3]] |= first % 3 == 0 and end - first > 1
    return result


def letters_and_numbers():
    """The text of unicode16.txt."""
    return lines(f"# Letters (L) and numbers (N) of Unicode 16.0, stretches of code points. {BY}",
                 {"L": joined("a", pages()), "N": joined("1", pages())})  # fmt: skip


def marks_and_punctuation():
    """The text of unicode8.txt."""
    strip = normalizers.BertNormalizer(False, False, True, False).normalize_str
    cut = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    marks, punctuation = np.zeros(HIGHEST, bool), np.zeros(HIGHEST, bool)
    for page in pages():
        for point, rest in zip(page, strip("".join(f"\n{chr(point)}\n," for point in page)).split(","), strict=False):
            marks[point] = rest == "\n\n"
        for piece, (first, _) in cut("".join(f"x{chr(point)}x" for point in page)):
            if len(piece) == 1 and first % 3 == 1:
                punctuation[page[first // 3]] = True
    return lines(f"# Nonspacing marks (M) of Unicode 8.0; its punctuation and ASCII's (P). {BY}",
                 {"M": marks, "P": punctuation})  # fmt: skip


def lines(head, tables):
    """One range and its category per line, in the order of code points."""
    rows = [(stretch, name) for name, points in tables.items() for stretch in stretches(points).split()]
    rows.sort(key=lambda row: int(row[0].partition("-")[0], 16))
    return "\n".join([head, *(f"{stretch} {name}" for stretch, name in rows), ""])


if __name__ == "__main__":
    (TEXT / "bytepair" / "unicode16.txt").write_text(letters_and_numbers(), encoding="utf-8", newline="\n")
    (TEXT / "wordpiece" / "unicode8.txt").write_text(marks_and_punctuation(), encoding="utf-8", newline="\n")
