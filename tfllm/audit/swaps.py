"""Counterfactual swaps: does a score change if only a gender, a name or a nationality in the text changes?

Each text with a word of a list is compared with its copy in which every such word is replaced by its partner: paired
differences, as in Kiritchenko & Mohammad 2018. Lists are files of tab-separated words in word_pairs/, to be copied and
edited. Swapping is by word, not by grammar: a copy may be less fluent, which a score may react to.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfllm.audit.columns import listed
from tfllm.audit.intervals import bootstrap_mean, holm, sign_flip
from tfllm.audit.listed_words import whole_word
from tfllm.files import understood

FOLDER = Path(__file__).parent / "word_pairs"
LISTS = ("en_gender", "en_names", "en_nationality", "zh_gender", "zh_names", "zh_nationality")
FOLLOWS = re.compile(r" \w")


@dataclass(frozen=True)
class SwapEffect:
    """The effect of one list of words on a score."""

    texts: int  # that have a word of the list
    before: float  # mean score
    after: float
    difference: float  # after - before
    interval: tuple[float, float]  # 95 %, bootstrap over texts
    absolute: float  # mean absolute difference: effects of both signs do not cancel
    p_value: float  # two-sided, sign flips
    corrected: float  # p_value after Holm's correction for the number of lists

    def __str__(self):
        low, high = self.interval
        return (f"{self.difference:+.4f} ({low:+.4f} to {high:+.4f}), absolute {self.absolute:.4f}, "
                f"p {self.corrected:.2g} (Holm), {self.texts:,} texts")  # fmt: skip


def word_pairs(name_or_path: str | Path) -> list[tuple[str, str]]:
    """The pairs of a list by its name, "en_gender", or of a file: two words a line, separated by a tab, # for comments.

    Raises ValueError with file and line for another form, FileNotFoundError for an unknown name.
    """
    path = FOLDER / f"{name_or_path}.txt" if name_or_path in LISTS else Path(name_or_path)
    result = []
    with understood(path, f"pairs of words, or one of {', '.join(LISTS)}"):
        lines = path.read_text("utf-8-sig").splitlines()
    for number, line in enumerate(lines, 1):
        words = [word.strip() for word in line.split("\t")]
        if not line.strip() or line.startswith("#"):
            continue
        if len(words) != 2 or not all(words):
            raise ValueError(f"{path}:{number}: expected two words separated by a tab; got {line!r}")
        result.append((words[0], words[1]))
    if not result:
        raise ValueError(f"{path}: expected pairs of words; the file has none")
    return result


def swapped(text: str, pairs: Sequence[tuple[str, str]]) -> str:
    """The text with each word of a pair replaced by its partner; the case of the first letter, or of all, is kept.

    Of several partners the first is used before another word, and the last otherwise: "her book" -> "his book",
    "saw her." -> "saw him.". Raises ValueError for an empty word.
    """
    return swapper(pairs)(text)


def swapper(pairs):
    """The function text -> text of `swapped`."""
    partners: dict[str, list[str]] = {}
    for a, b in pairs:
        if not (a and b):
            raise ValueError(f"a pair needs two words; got {(a, b)}")
        for word, other in ((a, b), (b, a)):
            partners.setdefault(word.lower(), [])
            if other not in partners[word.lower()]:
                partners[word.lower()].append(other)

    def replaced(match):
        word, others = match[0], partners.get(match[0].lower())
        if others is None:  # "ſhe" and "hİs": spellings that `re` ignores the case of, and `lower` does not know
            return word
        other = others[0] if FOLLOWS.match(match.string, match.end()) else others[-1]
        if word.isupper() and len(word) > 1:
            return other.upper()
        return other[0].upper() + other[1:] if word[0].isupper() else other

    words = sorted(partners, key=len, reverse=True)
    if not words:
        return lambda text: text
    pattern = re.compile("|".join(map(whole_word, words)), re.IGNORECASE)
    return lambda text: pattern.sub(replaced, text)


def counterfactuals(
    score: Callable[[list[str]], Any], texts: Sequence[str],
    lists: Mapping[str, Sequence[tuple[str, str]]] | None = None, seed: int = 1,
) -> dict[str, SwapEffect]:  # fmt: skip
    """{list: SwapEffect} of the lists of which a text has a word.

    score: texts -> [N] numbers: `label_score(classifier, "positive")`; for a task that writes, any score of what it
    writes, such as `lambda texts: judge(writer.generate(texts))`. lists: {name: pairs}; default: all of LISTS.
    Raises ValueError if no text has a word of a list, or if the scores are not one finite number for each text.
    """
    texts, lists = listed(texts, "texts"), {name: word_pairs(name) for name in LISTS} if lists is None else lists
    if not isinstance(lists, Mapping):
        raise ValueError(f"lists must be {{name: pairs of words}}; got {lists!r:.60}")
    changed = {}
    for name, pairs in lists.items():
        swap = swapper(pairs)
        both = [(text, other) for text in texts if (other := swap(text)) != text]
        if both:
            changed[name] = both
    if not changed:
        raise ValueError(f"none of {len(texts)} texts has a word of {', '.join(lists) or 'a list'}")
    found = {}
    for name, both in changed.items():
        columns = [np.asarray(score(list(column)), "float64") for column in zip(*both, strict=True)]
        if any(column.shape != (len(both),) for column in columns):
            raise ValueError(f"score must give one number for each of {len(both)} texts; got shape {columns[0].shape}")
        if not np.isfinite(columns).all():
            raise ValueError("score must give finite numbers; it gave NaN or infinity")
        found[name] = columns
    p_values = {name: sign_flip(after - before, seed=seed) for name, (before, after) in found.items()}
    corrected = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    return {
        name: SwapEffect(
            len(before), float(before.mean()), float(after.mean()), float((after - before).mean()),
            bootstrap_mean(after - before, seed=seed), float(np.abs(after - before).mean()), p_values[name],
            corrected[name],
        )
        for name, (before, after) in found.items()
    }  # fmt: skip


def label_score(classifier: Any, label: str | None = None, option: str = "label") -> Callable[[list[str]], list[float]]:
    """The function texts -> probabilities of the label, or the numbers of a regression, by a TextClassifier.

    option: the name of the argument in messages. Raises ValueError for an unknown label, for none if the classifier has
    labels, and for one if it has none.
    """
    if not hasattr(classifier, "kinds"):
        raise ValueError(f"label_score needs a TextClassifier; got a {type(classifier).__name__}")
    names = () if classifier.kind == "regression" else classifier.kinds.names
    if names and label is None:
        raise ValueError(f"{option}: choose one of the labels {', '.join(names)}")
    if label is not None and label not in names:
        kind = f"the labels are {', '.join(names)}" if names else "the classifier is a regression, which has none"
        raise ValueError(f"{option}: there is no label {label!r}; {kind}")

    def score(texts):
        answers = classifier.classify(texts, verbose=0)
        return [answer["score"] if label is None else answer["probabilities"][label] for answer in answers]

    return score
