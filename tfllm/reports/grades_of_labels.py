"""Grades of a TextClassifier: its report with an interval for each figure, and the log loss of each text."""

import numpy as np

from tfllm.reports.report_parts import Example, Figure, Grades, Table, mean, share
from tfllm.tasks import user_data
from tfllm.tasks.classification import label_scores

SHOWN = 12  # maximum number of labels for a confusion matrix


def grade_labels(task, records, seed=1, tick=lambda share: None):
    """A TextClassifier and a dataset of its records -> Grades."""
    *texts, labels = user_data.strings(records, *task.fields)
    logits, targets = task.judged(records, verbose=0)
    report = label_scores.report(task.kinds, logits, targets, task.temperature, seed=seed)
    given = [dict(zip(task.asks, row, strict=True)) for row in zip(*texts, strict=True)]
    kinds = {"single": single, "multi": several, "regression": numbers}
    return kinds[task.kind](task, report, logits, targets, given, labels, seed)


def single(task, report, logits, targets, given, labels, seed):
    chances = softmax(logits / task.temperature)
    rows = np.arange(len(logits))
    losses = -np.log(np.maximum(chances[rows, targets[:, 0]], 1e-15))
    count, most = int(report.confusion.sum()), int(report.support.argmax())
    figures = [
        share("accuracy", int(report.hits.sum()), count, "texts"),
        interval_of("macro F1", report, "macro_f1", count),
        mean("log loss", losses, "texts", seed),
        share(f"share of the most frequent label, {report.labels[most]}", int(report.support[most]), count, "texts"),
    ]
    examples = [
        Example(given[i], labels[i], f"{task.labels[logits[i].argmax()]} {chances[i].max():.2f}", -float(losses[i]),
                f"probability of {labels[i]}: {chances[i, targets[i, 0]]:.3f}")
        for i in range(count)
    ]  # fmt: skip
    tables = [by_label(report)]
    if len(report.labels) <= SHOWN:
        cells = [[label, *(f"{n:,}" for n in row)] for label, row in zip(report.labels, report.confusion, strict=True)]
        tables.append(Table("confusion matrix", ["true \\ predicted", *report.labels], cells))
    return Grades(figures, examples, "log-probability of the right label", tables)


def several(task, report, logits, targets, given, labels, seed):
    right = ((logits > 0) == (targets > 0.5)).all(axis=1)
    losses = np.logaddexp(0, np.where(targets > 0.5, -logits, logits) / task.temperature).mean(axis=1)
    figures = [
        share("all labels right", int(right.sum()), report.examples, "texts"),
        interval_of("micro F1", report, "micro_f1", report.examples),
        interval_of("macro F1", report, "macro_f1", report.examples),
        mean("log loss of a label", losses, "texts", seed),
    ]
    examples = []
    for i, row in enumerate(logits):
        chosen = task.separator.join(name for name, logit in zip(task.labels, row, strict=True) if logit > 0)
        shown = f"log loss of a label: {losses[i]:.3f}"
        examples.append(Example(given[i], labels[i] or "none", chosen or "none", -float(losses[i]), shown))
    return Grades(figures, examples, "log-likelihood of a label", [by_label(report)])


def numbers(task, report, logits, targets, given, labels, seed):
    errors = np.abs(logits[:, 0] - targets[:, 0])
    figures = [
        interval_of("Pearson's correlation", report, "pearson", report.examples),
        interval_of("mean squared error", report, "mse", report.examples),
        mean("mean absolute error", errors, "texts", seed),
    ]
    examples = [
        Example(given[i], labels[i], f"{logits[i, 0]:.4g}", -float(error), f"error: {error:.3g}")
        for i, error in enumerate(errors)
    ]
    return Grades(figures, examples, "absolute error, negative")


def interval_of(name, report, key, count):
    """A figure whose bootstrap interval the report has."""
    return Figure(name, getattr(report, key), report.intervals[key], count, "texts", "bootstrap", key != "mse"
                  and key != "pearson")  # fmt: skip


def by_label(report):
    """Precision and recall of each label, with Wilson's intervals."""
    rows = []
    for label, hits, true, predicted in zip(report.labels, report.hits, report.support, report.predicted, strict=True):
        cells = [f"{part.shown} ({part.shown_interval}) of {part.size:,}" if part.size else "none"
                 for part in (share("", int(hits), int(n), "texts") for n in (predicted, true))]  # fmt: skip
        rows.append([label, *cells])
    return Table("by label", ["label", "precision, of the texts with this answer", "recall, of its texts"], rows)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
