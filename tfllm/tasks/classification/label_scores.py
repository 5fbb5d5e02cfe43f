"""Scores of a classifier from logits and targets: reports, and the temperature that calibrates probabilities.

labels: the Labels of a classifier. logits [N, C], targets of `Labels.targets`, NumPy arrays.
"""

import numpy as np


def report(labels, logits, targets, temperature=1.0, **options):
    """-> evaluation.ClassificationReport, or the report of the kind of labels. options: its arguments, such as seed."""
    from tfllm import evaluation

    if labels.kind == "regression":
        return evaluation.regression_report(targets[:, 0], logits[:, 0], **options)
    result = labels.answer(logits / temperature, np.zeros(len(logits), bool))
    options |= {"labels": list(labels.names), "probabilities": result["probabilities"].numpy()}
    if labels.kind == "multi":
        return evaluation.multilabel_report(targets.astype(int), (logits > 0).astype(int), **options)
    return evaluation.classification_report(targets[:, 0], logits.argmax(axis=1), **options)


def fitted_temperature(labels, logits, targets):
    """The temperature with the best calibrated probabilities, Guo et al. 2017, sec. 4.2."""
    from tfllm import evaluation

    targets = targets[:, 0] if labels.kind == "single" else targets
    return float(evaluation.fit_temperature(logits, targets, labels.kind))
