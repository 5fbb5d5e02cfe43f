"""Subgroup scores against loops over records."""

import numpy as np
import pytest

from tfllm.audit import subgroup_metrics

DRAW = np.random.default_rng(2)
GROUPS = DRAW.choice(["a", "b", "c"], 150)
LABELS = DRAW.random(150) < 0.4
SCORES = np.round(LABELS * 0.3 + DRAW.random(150), 1)  # with ties
SAID = SCORES > 0.6


def counted(group):
    rows = [(y, p, s) for y, p, s, g in zip(LABELS, SAID, SCORES, GROUPS, strict=True) if g == group]
    negative, positive = [row for row in rows if not row[0]], [row for row in rows if row[0]]
    wins = [(a[2] > b[2]) + 0.5 * (a[2] == b[2]) for a in positive for b in negative]
    return {
        "accuracy": sum(y == p for y, p, _ in rows) / len(rows),
        "false positive rate": sum(p for _, p, _ in negative) / len(negative),
        "true positive rate": sum(p for _, p, _ in positive) / len(positive),
        "AUC": sum(wins) / len(wins),
    }


def test_scores_and_gaps():
    report = subgroup_metrics(LABELS, SAID, GROUPS, SCORES, resamples=200)
    expected = {group: counted(group) for group in "abc"}
    for group, scores in expected.items():
        for name, value in scores.items():
            result, low, high = report.groups[group][name]
            assert result == pytest.approx(value) and low <= value <= high and high - low < 0.5
    for name, (gap, low, high) in report.gaps.items():
        values = [scores[name] for scores in expected.values()]
        assert gap == pytest.approx(max(values) - min(values)) and 0 <= low <= high
    assert sum(report.sizes.values()) == 150 and "gap" in str(report)


def test_a_large_gap_has_an_interval_above_zero():
    groups = ["a"] * 100 + ["b"] * 100
    labels = [True, False] * 100
    said = labels[:100] + [not label if i % 2 else label for i, label in enumerate(labels[100:])]
    report = subgroup_metrics(labels, said, groups, resamples=200)
    assert report.gaps["accuracy"][1] > 0.3 and "AUC" not in report.gaps


def test_a_group_without_a_class_has_no_rate():
    report = subgroup_metrics([True, True, False], [True, False, False], ["a", "a", "b"], resamples=10)
    assert np.isnan(report.groups["a"]["false positive rate"]).all() and report.groups["b"]["accuracy"][0] == 1
    with pytest.raises(ValueError, match="equally long"):
        subgroup_metrics([True], [True, False], ["a", "b"])
