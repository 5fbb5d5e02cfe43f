"""Figures of classifiers one example at a time, from their definitions."""

import numpy as np


def counts(y_true, y_pred, c):
    """(TP, FP, FN) of class c."""
    tp = sum(1 for t, p in zip(y_true, y_pred, strict=True) if t == c and p == c)
    fp = sum(1 for t, p in zip(y_true, y_pred, strict=True) if t != c and p == c)
    fn = sum(1 for t, p in zip(y_true, y_pred, strict=True) if t == c and p != c)
    return tp, fp, fn


def f1(y_true, y_pred, c):
    """The harmonic mean of precision and recall."""
    tp, fp, fn = counts(y_true, y_pred, c)
    if tp == 0:
        return 0.0
    precision, recall = tp / (tp + fp), tp / (tp + fn)
    return 2 * precision * recall / (precision + recall)


def macro_f1(y_true, y_pred):
    occur = sorted(set(y_true) | set(y_pred))
    return sum(f1(y_true, y_pred, c) for c in occur) / len(occur)


def accuracy(y_true, y_pred):
    return sum(t == p for t, p in zip(y_true, y_pred, strict=True)) / len(y_true)


def matthews(y_true, y_pred, classes):
    """Gorodkin 2004, eq. 2: the correlation of the two N x C matrices of 0 and 1, column by column."""
    x = np.array([[float(p == c) for c in range(classes)] for p in y_pred])
    y = np.array([[float(t == c) for c in range(classes)] for t in y_true])

    def covariance(a, b):
        return sum(((a[:, c] - a[:, c].mean()) * (b[:, c] - b[:, c].mean())).mean() for c in range(classes))

    return covariance(x, y) / np.sqrt(covariance(x, x) * covariance(y, y))


def calibration_error(confidence, correct, bins):
    """Guo et al. 2017, eq. 3."""
    error = 0.0
    for m in range(1, bins + 1):
        inside = [i for i, c in enumerate(confidence) if (m - 1) / bins < c <= m / bins]
        if inside:
            accuracy = sum(correct[i] for i in inside) / len(inside)
            error += len(inside) / len(confidence) * abs(accuracy - sum(confidence[i] for i in inside) / len(inside))
    return error


def log_loss(logits, targets, temperature):
    """The mean of -log softmax(z / T) of the target."""
    total = 0.0
    for z, target in zip(logits, targets, strict=True):
        e = np.exp(np.array(z) / temperature)
        total -= np.log(e[target] / e.sum())
    return total / len(targets)


def binary_log_loss(logits, targets, temperature):
    """The mean over all decisions of -log sigmoid."""
    p = 1 / (1 + np.exp(-np.array(logits) / temperature))
    return -np.mean(np.where(np.array(targets) == 1, np.log(p), np.log(1 - p)))
