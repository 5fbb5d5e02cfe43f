"""The parts of a report: figures with interval and sample size, examples, tables, sections."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from tfllm.audit.intervals import bootstrap_mean
from tfllm.evaluation import bootstrap
from tfllm.evaluation.wilson import wilson

ONE = "no interval of one"
EMPTY = "(nothing)"  # an answer without text


@dataclass(frozen=True)
class Figure:
    """A number with its 95 % interval and its sample size."""

    name: str
    value: float
    interval: tuple[float, float] | None
    size: int  # of the sample
    unit: str  # what the sample consists of: "texts"
    how: str  # how the interval was computed: "bootstrap", "Wilson"
    share: bool = False  # a number between 0 and 1 that is shown as a percentage
    signature: str = ""  # settings of a score

    def number(self, value: float) -> str:
        if not math.isfinite(value):
            return "undefined"
        if self.share:
            return f"{value:.1%}"
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"

    @property
    def shown(self) -> str:
        return self.number(self.value)

    @property
    def shown_interval(self) -> str:
        return "" if self.interval is None else " to ".join(map(self.number, self.interval))

    def __str__(self):
        ends = f" ({self.shown_interval}, {self.how})" if self.interval else f" ({self.how})"
        return f"{self.name} {self.shown}{ends}, {self.size:,} {self.unit}"


def share(name: str, count: int, total: int, unit: str) -> Figure:
    """count of total, with Wilson's interval."""
    value = count / total if total else math.nan
    return Figure(name, value, wilson(count, total), int(total), unit, "Wilson", share=True)


def mean(name: str, values: Any, unit: str, seed: int = 1, share: bool = False) -> Figure:
    """The mean of values [N], with the percentile bootstrap over them."""
    values = np.asarray(values, "float64")
    interval = bootstrap_mean(values, seed=seed)
    return resampled(name, float(values.mean()), interval, len(values), unit, share)


def resampled(name: str, value: float, interval: tuple[float, float], size: int, unit: str,
              share: bool = False) -> Figure:  # fmt: skip
    """A figure with a bootstrap interval, which is left out for a sample of one: it would have no width."""
    return Figure(name, value, interval if size > 1 else None, size, unit, "bootstrap" if size > 1 else ONE, share)


def ratio(name: str, sums: Any, counts: Any, unit: str, convert: Callable = lambda x: x, seed: int = 1,
          share: bool = False) -> Figure:  # fmt: skip
    """convert(Σ sums / Σ counts) of N rows, with the percentile bootstrap over rows, which keeps what they have in
    common.
    """
    sums, counts = np.asarray(sums, "float64"), np.asarray(counts, "float64")

    def scores(drawn):  # [R, N]
        return {name: convert((drawn @ sums) / (drawn @ counts))}

    interval = bootstrap.intervals(np.ones(len(sums), int), scores, seed=seed)[name]
    value = float(convert(sums.sum() / counts.sum()))
    return resampled(name, value, interval, len(sums), unit, share)


@dataclass(frozen=True)
class Example:
    """What the model read and answered, what was expected, and how good the answer is."""

    given: dict[str, str]  # {name: text}
    expected: str
    answer: str | None  # None: not asked for yet, see `Grades.answer`
    score: float  # higher is better
    shown: str  # the score for people


@dataclass(frozen=True)
class Table:
    title: str
    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, eq=False)
class Grades:
    """The figures of a model on records, and an Example for each."""

    figures: list[Figure]
    examples: list[Example]
    score: str  # what the score of an example is
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    answer: Callable[[Sequence[Example]], Sequence[str]] | None = None  # answers the examples that have none


@dataclass(frozen=True)
class Section:
    """A part of a report. `reason`: why it could not be made; then all else is empty."""

    name: str
    title: str
    reason: str = ""
    notes: list[str] = field(default_factory=list)  # paragraphs
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    html: str = ""  # shown after figures and tables
    data: dict[str, Any] = field(default_factory=dict)  # further values for `as_dict`

    def as_dict(self) -> dict[str, Any]:
        """The section in JSON types; None for numbers that are not finite."""
        result: dict[str, Any] = {
            "title": self.title, "reason": self.reason, "notes": self.notes, "data": self.data,
        }  # fmt: skip
        result["figures"] = [{one.name: getattr(part, one.name) for one in fields(part)} for part in self.figures]
        result["tables"] = [{"title": part.title, "head": part.head, "rows": part.rows} for part in self.tables]
        return plain(result)


def one_line(error: BaseException) -> str:
    """The message of an error on one line, without what Keras and terminals put around it."""
    text = re.sub(r"\x1b\[\d*m", "", str(error)).partition("Arguments received by")[0]
    text = re.sub(r"^\s*Exception encountered when calling [^\n]*\n", "", text)
    return " ".join(text.split()) or type(error).__name__


def reason_of(error: Exception) -> str:
    """Why something could not be made, for readers; of an error that tfllm did not expect, with its type."""
    expected = isinstance(error, ValueError | TypeError | ImportError | OSError)
    return one_line(error) if expected else f"{type(error).__name__}: {one_line(error)}"


def plain(value: Any) -> Any:
    """A value in JSON types: lists for tuples, None for numbers that are not finite."""
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
