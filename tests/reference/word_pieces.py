"""BERT's tokenizer, one character after the other, as the authors' tokenization.py has it (google-research/bert).

It asks `unicodedata`, whose Unicode is Python's own, so it is for characters that are old: see OLD.
"""

import unicodedata

OLD = [(0, 0x52F), (0x531, 0x556), (0x5D0, 0x5EA), (0x900, 0x939), (0x1E00, 0x1EFF), (0x1F00, 0x1FFF), (0x2000, 0x206F),
       (0x20A0, 0x20BD), (0x2190, 0x23F3), (0x3000, 0x30FF), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xE000, 0xE010),
       (0xF900, 0xFA6A), (0xFE00, 0xFE0F), (0xFF01, 0xFFEE), (0x1F600, 0x1F640), (0x20000, 0x20100)]  # fmt: skip
IDEOGRAPHS = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]


def words(text, lowercase=True, strip_accents=None, chinese=True):
    """Text -> its words, cleaned, in lower case and without accents where that is wanted."""
    strip_accents = lowercase if strip_accents is None else strip_accents
    out = ""
    for character in text:
        kind = unicodedata.category(character)
        if character in "\t\n\r" or kind in ("Zs", "Zl", "Zp"):
            out += " "
        elif kind in ("Cc", "Cf", "Co") or character == "\ufffd":
            continue
        elif chinese and any(low <= ord(character) <= high for low, high in IDEOGRAPHS):
            out += f" {character} "
        else:
            out += character
    found = []
    for word in out.split(" "):
        if strip_accents:
            word = "".join(c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn")
        if lowercase:
            word = "".join(c.lower() for c in word)  # one by one: no word-final sigma
        start = True
        for character in word:
            if punctuation(character):
                found.append(character)
                start = True
            elif start:
                found.append(character)
                start = False
            else:
                found[-1] += character
    return found


def punctuation(character):
    mark = 33 <= ord(character) <= 47 or 58 <= ord(character) <= 64 or 91 <= ord(character) <= 96
    return mark or 123 <= ord(character) <= 126 or unicodedata.category(character).startswith("P")


def pieces(word, vocabulary):
    """Greedy longest match; a word that cannot be cut, or of more than 100 characters, is [UNK]."""
    if len(word) > 100:
        return ["[UNK]"]
    found, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary:
                break
        else:
            return ["[UNK]"]
        found.append(piece)
        start = end
    return found


def encode(text, vocabulary, **options):
    return [piece for word in words(text, **options) for piece in pieces(word, vocabulary)]
