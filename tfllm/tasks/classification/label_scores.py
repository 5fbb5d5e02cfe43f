"""Logits of texts whose labels are known: how well the labels are found, and how far to trust the probabilities.

labels: the Labels of a classifier. logits [N, C], targets as `Labels.targets` gives them, NumPy arrays.
"""

import numpy as np


def report(labels, logits, targets, temperature=1.0, **options):
    """-> evaluation.ClassificationReport, or that of the kind of labels. options: of it, such as seed."""
    from tfllm import evaluation

    if labels.kind == "regression":
        return evaluation.regression_report(targets[:, 0], logits[:, 0], **options)
    found = labels.answer(logits / temperature, np.zeros(len(logits), bool))
    options |= {"labels": list(labels.names), "probabilities": found["probabilities"].numpy()}
    if labels.kind == "multi":
        return evaluation.multilabel_report(targets.astype(int), (logits > 0).astype(int), **options)
    return evaluation.classification_report(targets[:, 0], logits.argmax(axis=1), **options)


def fitted_temperature(labels, logits, targets):
    """The temperature by which the probabilities fit best, Guo et al. 2017, sec. 4.2."""
    from tfllm import evaluation

    targets = targets[:, 0] if labels.kind == "single" else targets
    return float(evaluation.fit_temperature(logits, targets, labels.kind))
