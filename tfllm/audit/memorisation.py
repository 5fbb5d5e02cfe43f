"""Does a language model repeat its training text? Longest verbatim overlap, extraction, and screens of what it writes.

Extraction: Carlini et al. 2023, "Quantifying memorization across neural language models", sec. 3: the model continues
a prefix of training text by its most probable tokens, and is compared with the true suffix. Differs: of each text, the
first tokens are taken, not random ones.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from tfllm.audit.columns import listed
from tfllm.audit.listed_words import whole_word
from tfllm.evaluation.scripts import characters
from tfllm.evaluation.wilson import wilson


@dataclass(frozen=True)
class Overlap:
    """The longest run of words of a text that is in one training text too."""

    words: int  # its length; in scripts without spaces characters
    run: str  # lower-case words
    training: int | None  # index of the training text; None: no word in common


@dataclass(frozen=True)
class Share:
    """`count` of `total`, with the 95 % interval of Wilson."""

    count: int
    total: int

    @property
    def share(self) -> float:
        return self.count / self.total if self.total else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.count, self.total)

    def __str__(self):
        low, high = self.interval
        return f"{self.share:.2%} ({low:.2%} to {high:.2%}), {self.count:,} of {self.total:,}"


def overlaps(texts: Iterable[str], training: Sequence[str]) -> list[Overlap]:
    """The longest verbatim overlap of each text with the training texts; case and punctuation are ignored."""
    texts, training = listed(texts, "texts"), listed(training, "training")
    ids: dict[str, int] = {}
    rows = [[ids.setdefault(word, len(ids)) for word in characters(text)] for text in training]
    corpus = np.array([word for row in rows for word in [-1, *row]], np.int64)  # -1: no run crosses it
    begins = np.cumsum([0] + [len(row) + 1 for row in rows])[:-1]
    order = np.argsort(corpus, kind="stable")
    places = np.split(order, np.searchsorted(corpus[order], np.arange(len(ids) + 1)))[1:]  # positions of each word
    run = np.zeros(len(corpus), np.int32)  # length of the common run that ends at a position of the corpus
    result = []
    for text in texts:
        words, best, before = characters(text), (0, 0, 0), places[-1][:0]
        for i, word in enumerate([*words, ""]):  # "" clears the last runs
            here = places[ids.get(word, -1)]  # the last of the places is empty
            longer = run[here - 1] + 1
            run[before] = 0
            run[here], before = longer, here
            if len(here) and longer.max() > best[0]:
                best = int(longer.max()), i, int(here[longer.argmax()])
        size, last, position = best
        where = int(np.searchsorted(begins, position, "right")) - 1 if size else None
        result.append(Overlap(size, " ".join(words[last + 1 - size : last + 1]) if size else "", where))
    return result


def extraction(model: Any, texts: Sequence[str], prefix: int = 50, suffix: int = 50, batch_size: int = 16) -> Share:
    """How many texts a LanguageModel continues exactly: its first `prefix` tokens, then the next `suffix` tokens.

    Texts of fewer than prefix + suffix tokens are left out. Raises ValueError if all are, and if the model's limit is
    too small.
    """
    if not (hasattr(model, "model") and hasattr(model, "tokenizer")):
        raise ValueError(f"extraction needs a LanguageModel; got a {type(model).__name__}")
    texts = listed(texts, "texts")
    for name, value in (("prefix", prefix), ("suffix", suffix), ("batch_size", batch_size)):
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a whole number, 1 or more; got {value!r}")
    start = [] if model.tokenizer.start is None else [model.tokenizer.start]
    if model.model.max_length is not None and len(start) + prefix + suffix - 1 > model.model.max_length:
        limit = model.model.max_length
        raise ValueError(f"prefix and suffix have {prefix + suffix} tokens; the model's limit is {limit}")
    rows = [row for row in model.tokenizer.encode(texts or [""]).to_list() if len(row) >= prefix + suffix]
    if not rows:
        raise ValueError(f"none of {len(texts)} texts has {prefix + suffix} tokens; use a shorter prefix or suffix")
    count = 0
    for first in range(0, len(rows), batch_size):
        whole = np.array([start + row[: prefix + suffix] for row in rows[first : first + batch_size]], np.int32)
        # up to the first mistake the model reads the true tokens, so one call tells whether there is one
        logits = np.asarray(model(whole[:, :-1], training=False)[:, -suffix:])  # [B, suffix, V]
        count += int((logits.argmax(axis=-1) == whole[:, -suffix:]).all(axis=1).sum())
    return Share(count, len(rows))


def screen(texts: Iterable[str], words: Iterable[str]) -> dict[str, Share]:
    """{word: share of the texts that contain it}, and "any", for a list of words or phrases of yours, without case.

    Words are whole words; in scripts without spaces, any part of a text. To forbid words while writing, use the option
    `bad_words` of `generate`. Raises ValueError for an empty list.
    """
    texts, words = listed(texts, "texts"), list(dict.fromkeys(listed(words, "words")))
    if not words or not all(word.strip() for word in words):
        raise ValueError(f"expected words that are not empty; got {words}")
    found = {}
    for word in words:
        whole = re.compile(whole_word(word), re.IGNORECASE)
        found[word] = {i for i, text in enumerate(texts) if whole.search(text)}
    result = {word: Share(len(hits), len(texts)) for word, hits in found.items()}
    return result | {"any": Share(len(set().union(*found.values())), len(texts))}
