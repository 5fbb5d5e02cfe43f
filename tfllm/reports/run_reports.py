"""The report of a trained model: every section, each with its figures or the reason why there are none."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tfllm.explain.explaining import method_of
from tfllm.reports import example_explanations, model_cards, report_pages
from tfllm.reports.bias_checks import expect_label
from tfllm.reports.known_facts import RunFacts, run_facts
from tfllm.reports.report_parts import Figure, Section, Table, plain, reason_of
from tfllm.reports.report_study import SECTIONS, Study

log = logging.getLogger("tfllm")


@dataclass(frozen=True, eq=False)
class RunReport:
    """The result of `report`; `html()` is a page that needs no other file, `card()` a model card in Markdown."""

    facts: RunFacts
    sections: dict[str, Section]

    def as_dict(self) -> dict[str, Any]:
        """The report in JSON types."""
        return plain({"facts": self.facts.as_dict(), "sections": {k: v.as_dict() for k, v in self.sections.items()}})

    def html(self) -> str:
        return report_pages.page(self.facts, self.sections)

    def card(self, license: str | None = None) -> str:
        return model_cards.model_card(self.facts, self.sections, license)

    def __str__(self):
        lines = []
        for section in self.sections.values():
            lines.append(section.title + (f": {section.reason}" if section.reason else ""))
            lines += [f"  {one}" for one in section.figures]
        return "\n".join(lines)


def report(
    task: Any, test: Any = None, train: Any = None, run: Any = None, *, groups: Sequence[str] | None = None,
    pairs: Any = None, agreement: bool = False, label: str | None = None, method: str | None = None,
    most: int | None = 2000, explained: int = 20, repeats: int = 5, seed: int = 1, skip: Sequence[str] = (),
    missing: dict[str, str] | None = None, progress: Callable[[str, float], None] = lambda title, share: None,
) -> RunReport:  # fmt: skip
    """Examine a trained task.

    test: records to score, in any form of `task.score`; None: the scores recorded in the training. train: the training
    data, for the data report. run: the folder of the run, or its .keras file, for the learning curve and the files.
    groups: the name of a group for each test record, e.g. for subgroup metrics; then all records are used.
    pairs: audit.MinimalPair of a language model. agreement: also measure gender agreement, of a Translator from English
    to German. label: of a classifier, whose probability bias is measured on; default: the last.
    method: of the explanations; default: one that suits the task. most: maximum number of test records, evenly spread;
    None: all. explained: number of texts for faithfulness. repeats: of the speed.
    skip: names of sections to leave out: scores, curve, examples, explanations, bias, data, sizes, speed.
    missing: {section: why it cannot be made}, known to the caller. progress: called with the title of what is done now
    and the share of all that is done.

    A section that fails is part of the report, with its reason. Raises ValueError for unknown names in `skip`, for an
    unknown method and for a label that the task does not have.
    """
    if unknown := [name for name in skip if name not in SECTIONS]:
        raise ValueError(f"there is no section {unknown[0]!r} to skip; the sections: {', '.join(SECTIONS)}")
    if method is not None:
        method_of(method)
    expect_label(task, label)
    study = Study(task, run_facts(task, run), test, train, groups, most, seed, progress)
    makers = {
        "scores": study.scores, "curve": study.curve, "examples": study.examples,
        "explanations": lambda: example_explanations.explanations(
            task, study.ranked(), method, explained, seed, study.tick),
        "bias": lambda: study.bias(pairs, agreement, label),
        "data": study.data, "sizes": study.sizes, "speed": lambda: study.speed(repeats),
    }  # fmt: skip
    reasons = dict.fromkeys(skip, "left out on request") | (missing or {})
    study.plan([name for name in makers if name not in reasons], explained)
    sections = {}
    for name, maker in makers.items():
        study.begin(name)
        reason = reasons.get(name)
        sections[name] = Section(name, SECTIONS[name], reason) if reason else made(name, maker)
    progress("done", 1.0)
    return RunReport(study.facts, sections)


def made(name, maker):
    """The section, or one with the reason why it could not be made."""
    try:
        return maker()
    except Exception as error:  # a report has all other sections all the same
        log.debug("section %s of the report", name, exc_info=True)
        return Section(name, SECTIONS[name], reason_of(error))


def sections_of(values: dict[str, Any]) -> dict[str, Section]:
    """The sections of `RunReport.as_dict` from JSON, without their pictures. Raises ValueError for other values."""
    try:
        return {
            name: Section(
                name, one["title"], one["reason"], one["notes"],
                [Figure(**part | {"value": number(part["value"]), "interval": part["interval"] and (
                    number(part["interval"][0]), number(part["interval"][1]))}) for part in one["figures"]],
                [Table(**part) for part in one["tables"]], "", one["data"],
            )
            for name, one in values["sections"].items()
        }  # fmt: skip
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"expected the JSON of a report; {type(error).__name__}: {error}") from None


def number(value):
    """A number of JSON, which has null for NaN."""
    return math.nan if value is None else float(value)
