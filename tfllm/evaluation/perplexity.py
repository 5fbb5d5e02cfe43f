"""Perplexity of a language model on a text, in comparable units: from summed log-probabilities and counts.

A perplexity per token depends on the tokenizer. The probability of the text itself does not: per word, per character
and per byte of the raw text, models with different tokenizers can be compared, as long as every token stands for one
text (no lower case, no UNKNOWN) and they get the same amount of context.

Every text ends with END, which is predicted too: its log-probability is part of the sum, and it counts as a token, but
not as a word, character or byte. Chinese, Japanese, Thai and others are written without spaces between words: their
texts have no perplexity per word.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tfllm.evaluation import scripts


@dataclass(frozen=True)
class Counts:
    """The sizes of some texts."""

    texts: int
    words: int | None  # runs without white space (str.split); None: written without spaces between words
    characters: int  # Unicode code points
    bytes: int  # in UTF-8


def counts(texts: Iterable[str | bytes]) -> Counts:
    """The counts of raw texts; invalid UTF-8 is read as U+FFFD for words and characters."""
    total, written = [0, 0, 0, 0], scripts.Units(0, 0, 0, 0)
    for text in texts:
        data = text.encode() if isinstance(text, str) else text
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        total = [a + b for a, b in zip(total, (1, len(text.split()), len(text), len(data)), strict=True)]
        written = scripts.Units(*map(sum, zip(written, scripts.units(text), strict=True)))
    return Counts(total[0], None if scripts.unspaced(written) else total[1], *total[2:])


@dataclass(frozen=True)
class Perplexity:
    """exp(-log P / n) for several n; str() is a table. Raises ValueError if there was nothing to predict."""

    log_probability: float  # natural logarithm, summed over all tokens
    tokens: int  # number of predicted tokens, including the END of each text
    of: Counts
    unknown: int = 0  # number of UNKNOWN tokens: with them, only scores per token are meaningful

    def __post_init__(self):
        if self.tokens < 1 or self.of.bytes < 1:
            raise ValueError(f"nothing to score: {self.tokens} tokens, {self.of.bytes} bytes of text")

    def as_dict(self) -> dict[str, float]:
        names = "loss", "per_token", "per_word", "per_byte", "bits_per_character", "bits_per_byte", "tokens", "unknown"
        return {name: getattr(self, name) for name in names}

    @property
    def loss(self) -> float:
        """Mean over the tokens of -log p, natural logarithm: the loss that `evaluate` returns."""
        return -self.log_probability / self.tokens

    @property
    def per_token(self) -> float:
        return self._perplexity(self.tokens)

    @property
    def per_word(self) -> float:
        """NaN for texts that are written without spaces between words."""
        return self._perplexity(self.of.words)

    @property
    def per_byte(self) -> float:
        return self._perplexity(self.of.bytes)

    @property
    def bits_per_character(self) -> float:
        return self._bits(self.of.characters)

    @property
    def bits_per_byte(self) -> float:
        return self._bits(self.of.bytes)

    def _bits(self, count) -> float:
        return -self.log_probability / math.log(2) / count if count else math.nan

    def _perplexity(self, count) -> float:
        bits = self._bits(count)
        return 2.0**bits if not bits > 1000 else math.inf

    def __str__(self) -> str:
        counts = (
            ("token", self.tokens),
            ("word", self.of.words),
            ("character", self.of.characters),
            ("byte", self.of.bytes),
        )
        lines = [f"{'per':10}{'count':>12}{'bits':>10}{'perplexity':>14}"]
        rows = [(name, n) for name, n in counts if n is not None]
        lines += [f"{name:10}{n:12,}{self._bits(n):10.4f}{self._perplexity(n):14.6g}" for name, n in rows]
        if self.unknown:
            share = self.unknown / self.tokens
            lines.append(f"{share:.1%} of the tokens are UNKNOWN: only scores per token are meaningful")
        return "\n".join(lines)
