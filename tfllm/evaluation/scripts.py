"""Tokens for text scores, in every script, and which kind of token suits a text.

Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan and some more are written without spaces between words: there each
character (code point) is a token. In all other scripts, including Korean, a token is a word: a run of letters and
numbers with their combining marks, so that words of Hindi or Arabic are not split. Texts are lower-cased and composed
(NFC) first. Not included: word segmentation of text without spaces, which needs a dictionary.
"""

import logging
import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

log = logging.getLogger("tfllm")


def _marks() -> str:
    """All combining marks and letter joiners, as the inside of a character class: `re` has no name for them."""
    codes = [code for code in range(0x300, 0x20000) if unicodedata.category(chr(code))[0] == "M"]
    first = [code for i, code in enumerate(codes) if not i or codes[i - 1] != code - 1]
    last = [code for i, code in enumerate(codes) if i + 1 == len(codes) or codes[i + 1] != code + 1]
    ranges = "".join(f"{chr(a)}-{chr(b)}" for a, b in zip(first, last, strict=True))
    return ranges + "\u200c\u200d\U000e0100-\U000e01ef"


HAN = "\u3005-\u3007\u3021-\u3029\u3100-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
KANA = "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\U0001aff0-\U0001b16f"
# Thai, Lao, Tibetan, Burmese, Khmer, Tai Le, New Tai Lue, Tai Tham, Balinese, Yi, Javanese, Tai Viet
OTHERS = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f"
    "\ua000-\ua4cf\ua980-\ua9ff\uaa60-\uaadf"
)
UNSPACED = HAN + KANA + OTHERS
# Korean has spaces; its syllables are tokens if tokens="characters"
HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
MARKS = _marks()


def run(but: str = "", no: str = "") -> str:
    """The pattern of a word without the characters of `but`, whose first character is not in `no`."""
    return rf"[^\W_{but}{no}][^\W_{but}{MARKS}]*(?:[{MARKS}]+[^\W_{but}{MARKS}]*)*"


def one(of: str, no: str = "") -> str:
    """The pattern of a character in `of` that is a letter, number or mark, and not in `no`."""
    return rf"(?=[^\W_{no}]|[{MARKS}])[{of}]"


WORDS = re.compile(run())
CHARACTERS = re.compile(f"{one(UNSPACED + HANGUL)}|{run(UNSPACED + HANGUL)}")
_UNITS = [re.compile(p) for p in (run(UNSPACED, r"\d"), *(one(script, r"\d") for script in (HAN, KANA, OTHERS)))]


def normal(text: str) -> str:
    return unicodedata.normalize("NFC", text.lower())


def words(text: str) -> list[str]:
    """For ASCII text the tokens of rouge-score: runs of a-z and 0-9."""
    return WORDS.findall(normal(text))


def characters(text: str) -> list[str]:
    """Each character of a script without spaces, and each Korean syllable; runs of other letters and numbers."""
    return CHARACTERS.findall(normal(text))


TOKENS = {"words": words, "characters": characters}


class Units(NamedTuple):
    """The amount of text in words with spaces, and in characters of scripts without spaces."""

    words: int
    han: int
    kana: int
    others: int

    @property
    def alone(self) -> int:
        return self.han + self.kana + self.others


def units(text: str) -> Units:
    return Units(*(len(pattern.findall(text)) for pattern in _UNITS))


def total(texts: Iterable[str]) -> Units:
    return Units(*map(sum, zip(Units(0, 0, 0, 0), *map(units, texts), strict=True)))


def unspaced(result: Units) -> bool:
    """Whether most of the text is written without spaces."""
    return result.alone > 0 and result.alone >= result.words


def checked(tokens: str | None):
    """Raises ValueError for unknown tokens, before anything is generated."""
    if tokens is not None and tokens not in TOKENS:
        raise ValueError(f"tokens must be None (by the script), 'words' or 'characters'; got {tokens!r}")


def tokens_of(texts: list[str], tokens: str | None) -> str:
    """`tokens`, checked; None: "characters" if most of the text is written without spaces, else "words"."""
    checked(tokens)
    return tokens or ("characters" if unspaced(total(texts)) else "words")


def warn(score: str, texts: list[str], unread, option: str, instead: str):
    """Log how many references a score would read as a few very long words, if they are at least a tenth.

    unread: Units -> the number of characters that it does not separate.
    """
    result = [one for one in map(units, texts) if 0 < unread(one) >= one.words]
    if result and 10 * len(result) >= len(texts):
        log.warning("%s: %d of %d references have no spaces between words, and %s treats each run of such characters "
                    "as one word; use %s", score, len(result), len(texts), option, instead)  # fmt: skip
