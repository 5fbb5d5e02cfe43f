"""A report on data before training: sizes, lengths, languages, duplicates, leakage, labels, personal data, hidden text.

The figures are counts of all records given, not estimates from a sample, so they have no intervals. What each figure
means is in the file that computes it: near_duplicates.py, personal.py, hidden_text.py, languages.py.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from tfllm.audit import languages, near_duplicates
from tfllm.audit.columns import columns
from tfllm.audit.hidden_text import hidden_characters
from tfllm.audit.personal import PersonalData, personal_data
from tfllm.evaluation.scripts import characters

EXAMPLES = 3  # pairs of duplicates that are shown


@dataclass(frozen=True)
class Lengths:
    """Of a column's texts, in words (in scripts without spaces, in characters)."""

    shortest: int
    median: float
    mean: float
    percentile_95: float
    longest: int
    total: int


@dataclass(frozen=True)
class ColumnReport:
    """One column of one part of the data."""

    records: int
    empty: int  # blank texts
    characters: int
    lengths: Lengths
    scripts: dict[str, float]  # share of letters
    languages: dict[str, int]  # number of texts; a rough guess
    equal: int  # texts equal to an earlier one
    near: int | None  # other texts nearly equal to an earlier one; None: not looked for
    personal: dict[str, int]  # number of matches
    personal_records: int  # texts with a match
    hidden: dict[str, int]  # number of characters
    hidden_records: int
    examples: list[tuple[int, int, float]] = field(default_factory=list)  # index, index of the earlier text, similarity


@dataclass(frozen=True)
class Leakage:
    """Texts of the test data that are in the training data too."""

    records: int  # of the test data
    equal: int
    near: int | None  # and not equal
    examples: list[tuple[int, int, float]]  # index in the test data, in the training data, similarity


@dataclass(frozen=True)
class DataReport:
    """The result of `data_report`; str() is a table, `html()` a page."""

    parts: dict[str, dict[str, ColumnReport]]  # {"train": {column: its report}}
    leakage: dict[str, Leakage]  # {column}; empty without test data
    labels: dict[str, dict[str, int]]  # {part: {label: records}}, the most frequent first
    threshold: float | None  # of near duplicates; None: not looked for
    finder: str = "patterns"  # what found the personal data

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self):
        from tfllm.audit.data_report_pages import text

        return text(self)

    def html(self) -> str:
        """A page that needs no other file."""
        from tfllm.audit.data_report_pages import page

        return page(self)


def data_report(
    train: Any, test: Any = None, label: str | None = "label", threshold: float | None = 0.8, seed: int = 1,
    find: Callable[[str], list[PersonalData]] = personal_data,
) -> DataReport:  # fmt: skip
    """Examine the data of a task, before training.

    train, test: texts, {column: texts}, or records, in a list or a tf.data.Dataset.
    label: the column of labels, if there is one of this name: it is counted and not examined as text.
    threshold: Jaccard similarity from which two texts are nearly equal; None: do not look for them.
    find: finds personal data; `Presidio()` finds more kinds.

    Raises ValueError for data without texts and for test data with other columns; ImportError if the threshold is not
    None and datasketch is missing.
    """
    given = {"train": columns(train)} | ({} if test is None else {"test": columns(test)})
    if test is not None and list(given["train"]) != list(given["test"]):
        raise ValueError(
            f"the training data has the columns {list(given['train'])}, the test data {list(given['test'])}"
        )
    texts = {part: {name: column for name, column in table.items() if name != label} for part, table in given.items()}
    if not texts["train"]:
        raise ValueError(f"expected a column of texts beside the labels; got only {label!r}")
    labels = {part: dict(Counter(table[label]).most_common()) for part, table in given.items() if label in table}
    parts: dict[str, dict[str, ColumnReport]] = {part: {} for part in texts}
    leakage = {}
    for name, column in texts["train"].items():
        index = None if threshold is None else near_duplicates.NearDuplicates(column, threshold, seed)
        parts["train"][name] = _column(column, index and index.matches, find)
        if test is not None:
            others = texts["test"][name]
            known = None if threshold is None else near_duplicates.NearDuplicates(others, threshold, seed).matches
            parts["test"][name] = _column(others, known, find)
            leakage[name] = _leakage(others, column, index and index.find(others))
    finder = "patterns" if find is personal_data else str(find)
    return DataReport(parts, leakage, labels, threshold, finder)


def _column(texts, near, find):
    equal = near_duplicates.equal(texts)
    personal, hidden = [find(text) for text in texts], list(map(hidden_characters, texts))
    kinds: Counter[str] = Counter()
    for one in hidden:
        kinds.update(one)
    return ColumnReport(
        records=len(texts),
        empty=sum(not text.strip() for text in texts),
        characters=sum(map(len, texts)),
        lengths=_lengths([len(characters(text)) for text in texts]),
        scripts=languages.scripts(texts),
        languages=dict(Counter(map(languages.language, texts)).most_common()),
        equal=len(equal),
        near=None if near is None else len(near.keys() - equal.keys()),
        personal=dict(Counter(one.kind for row in personal for one in row).most_common()),
        personal_records=sum(map(bool, personal)),
        hidden=dict(kinds.most_common()),
        hidden_records=sum(map(bool, hidden)),
        examples=_examples(equal, near),
    )


def _lengths(sizes):
    low, middle, high = np.quantile(sizes, [0, 0.5, 0.95])
    return Lengths(int(low), float(middle), float(np.mean(sizes)), float(high), max(sizes), sum(sizes))


def _leakage(test, train, near):
    equal = near_duplicates.equal(test, train)
    count = None if near is None else len(near.keys() - equal.keys())
    return Leakage(len(test), len(equal), count, _examples(equal, near))


def _examples(equal, near):
    """Pairs that are nearly equal before those that are equal, the least similar first."""
    pairs = [(i, other, similarity) for i, (other, similarity) in (near or {}).items() if i not in equal]
    pairs = sorted(pairs, key=lambda pair: pair[2])[:EXAMPLES]
    return pairs + [(i, other, 1.0) for i, other in equal.items()][: EXAMPLES - len(pairs)]
