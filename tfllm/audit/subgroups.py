"""Scores of a two-class classifier in groups of records, and the gaps between groups.

False and true positive rates: equalised odds, Hardt, Price & Srebro 2016. AUC in a subgroup: Borkan et al. 2019.
Intervals: percentile bootstrap, with the records of each group resampled apart, so that groups keep their sizes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfllm.audit.text_tables import aligned
from tfllm.evaluation.bootstrap import ends

RATES = ("accuracy", "false positive rate", "true positive rate", "AUC")
Interval = tuple[float, float, float]  # value, low, high; NaN where a group lacks a class


@dataclass(frozen=True)
class SubgroupReport:
    """The result of `subgroup_metrics`."""

    sizes: dict[str, int]
    groups: dict[str, dict[str, Interval]]  # {group: {score: ...}}
    gaps: dict[str, Interval]  # {score: the largest minus the smallest value of the groups}

    def rows(self) -> list[list[str]]:
        """A table of texts: the head, a row for each group, and the gaps."""
        rows = [["group", "records", *self.gaps]]
        for group, scores in self.groups.items():
            rows.append([group, f"{self.sizes[group]:,}", *(_shown(scores[name]) for name in self.gaps)])
        return [*rows, ["gap", "", *map(_shown, self.gaps.values())]]

    def __str__(self):
        return aligned(self.rows())


def _shown(interval):
    value, low, high = interval
    return "undefined" if np.isnan(value) else f"{value:.3f} ({low:.3f} to {high:.3f})"


def subgroup_metrics(
    labels: Sequence[bool], predictions: Sequence[bool], groups: Sequence[str], scores: Sequence[float] | None = None,
    resamples: int = 1000, seed: int = 1,
) -> SubgroupReport:  # fmt: skip
    """labels, predictions [N]: whether a record is, and is said to be, of the positive class; groups [N]: names.

    scores [N]: of the positive class, for the AUC; without them it is left out. Raises ValueError for unequal lengths,
    for no records, for labels that are neither True nor False, and for scores that are not finite.
    """
    columns = [truths("labels", labels), truths("predictions", predictions)]
    columns.append(np.zeros(len(columns[0])) if scores is None else np.asarray(scores, "float64"))
    members = np.asarray(groups).astype(str)
    sizes = [np.shape(column) for column in (*columns, members)]
    sizes = [size[0] if len(size) == 1 else size for size in sizes]
    if len(set(sizes)) > 1 or not sizes[0] or isinstance(sizes[0], tuple):
        raise ValueError(f"labels, predictions, scores and groups must be equally long, and not empty; got {sizes}")
    if not np.isfinite(columns[-1]).all():
        raise ValueError("scores must be finite numbers; got NaN or infinity")
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1; got {resamples}")
    draw, values, drawn = np.random.default_rng(seed), {}, {}
    names = RATES if scores is not None else RATES[:-1]
    for group in sorted(set(members.tolist())):
        rows = [column[members == group] for column in columns]
        values[group] = rates(*rows)[: len(names)]  # [scores]
        picks = (draw.integers(0, len(rows[0]), len(rows[0])) for _ in range(resamples))
        drawn[group] = np.array([rates(*(row[pick] for row in rows))[: len(names)] for pick in picks])  # [R, scores]
    report = {group: {name: (float(values[group][i]), *ends(drawn[group][:, i])) for i, name in enumerate(names)}
              for group in values}  # fmt: skip
    gap, gaps = np.ptp(np.array(list(values.values())), axis=0), np.ptp(np.array(list(drawn.values())), axis=0)
    return SubgroupReport(
        {group: int((members == group).sum()) for group in values},
        report,
        {name: (float(gap[i]), *ends(gaps[:, i])) for i, name in enumerate(names)},
    )


def truths(name, values):
    """-> bool [N]; names of labels would all be True."""
    values = np.asarray(values)
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise ValueError(f"{name} must be True or False for each record; got {values.tolist()[:1]!r:.40}")
    return values.astype(bool)


def rates(labels, predictions, scores):
    """[N] each -> (accuracy, false positive rate, true positive rate, AUC); NaN without the class that one needs."""
    positive, negative = int(labels.sum()), int((~labels).sum())
    nan = float("nan")
    return (
        float((labels == predictions).mean()),
        float((predictions & ~labels).sum() / negative) if negative else nan,
        float((predictions & labels).sum() / positive) if positive else nan,
        auc(labels, scores) if positive and negative else nan,
    )


def auc(labels, scores):
    """The probability that a positive record has a higher score than a negative one; ties count half."""
    from scipy.stats import rankdata

    positive = int(labels.sum())
    total = rankdata(scores)[labels].sum() - positive * (positive + 1) / 2
    return float(total / (positive * (len(labels) - positive)))
