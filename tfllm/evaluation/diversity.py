"""Diversity of texts, such as the replies of a dialogue model: distinct n-grams, their entropy, lengths.

A model that answers "I don't know" to everything can have a good perplexity; these numbers show it. Tokens are, in
lower case, words, punctuation marks, and single characters of Korean and of scripts without spaces between words
(Chinese, Japanese, Thai ...: scripts.py), for all languages alike.
Not included: self-BLEU, semantic measures.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from tfllm.evaluation.scripts import HANGUL, MARKS, UNSPACED, normal, one, run

ALONE = UNSPACED + HANGUL
TOKENS = re.compile(rf"{one(ALONE)}|{run(ALONE)}(?:['’]{run(ALONE)})*|[^\w\s{MARKS}]|_")


def tokens(text: str) -> list[str]:
    """The tokens that are counted."""
    return TOKENS.findall(normal(text))


def ngrams(texts: Iterable[str], n: int) -> Counter:
    """{n-gram (a tuple): count}, within texts. Raises ValueError for n below 1."""
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    result: Counter = Counter()
    for text in _checked(texts):
        cut = tokens(text)
        result.update(zip(*(cut[i:] for i in range(n)), strict=False))
    return result


def distinct(texts: Iterable[str], n: int = 1) -> float:
    """distinct-n: the number of different n-grams of all texts, divided by the number of tokens. Li et al. 2016, sec.
    5.3.

    It falls with the amount of text: compare equally many texts. NaN without tokens.
    """
    texts = _checked(texts)
    size = ngrams(texts, 1).total()
    return len(ngrams(texts, n)) / size if size else math.nan


def entropy(texts: Iterable[str], n: int = 4) -> float:
    """Entropy of the n-grams of all texts, natural logarithm: Ent-n of Zhang et al. 2018, sec. 4.1.

    -Σ F(w) / F ln (F(w) / F), F(w) the count of w, F the sum of the counts. NaN without n-grams.
    """
    result = ngrams(texts, n)
    size = result.total()
    return math.log(size) - sum(count * math.log(count) for count in result.values()) / size if size else math.nan


@dataclass(frozen=True)
class Diversity:
    """Diversity of some texts; str() is one line."""

    distinct1: float
    distinct2: float
    entropy4: float  # NaN if no text has four tokens
    different: float  # number of different texts, divided by the number of texts
    length: float  # mean number of tokens per text
    texts: int

    def as_dict(self) -> dict[str, float]:
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"distinct-1 {self.distinct1:.4f}, distinct-2 {self.distinct2:.4f}, entropy-4 {self.entropy4:.2f}, "
            f"{self.different:.1%} of {self.texts} texts different, {self.length:.1f} tokens each"
        )


def diversity(texts: Iterable[str]) -> Diversity:
    """All of these measures. Raises ValueError for one string, for elements that are not str, and without texts."""
    items: list[str] = _checked(texts)
    if not items:
        raise ValueError("nothing to score: no texts")
    size = sum(len(tokens(text)) for text in items)
    return Diversity(
        distinct(items, 1), distinct(items, 2), entropy(items, 4), len(set(items)) / len(items), size / len(items),
        len(items),
    )  # fmt: skip


def _checked(texts):
    if isinstance(texts, (str, bytes)):
        raise ValueError("texts: expected a list of strings, got one string")
    texts = list(texts)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"item {number}: expected str, got {type(text).__name__}; decode it first")
    return texts
