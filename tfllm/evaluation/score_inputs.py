"""Checks of the inputs of reports: class numbers or names, probabilities."""

import numpy as np


def classes(y_true, y_pred, labels=None):
    """(true [N], predicted [N] class numbers, names of the classes)"""
    columns = [_column(name, values) for name, values in (("y_true", y_true), ("y_pred", y_pred))]
    equally_many(*columns)
    named = [column.dtype.kind == "U" for column in columns]
    if named[0] != named[1]:
        raise ValueError("y_true and y_pred: expected both as names or both as class numbers, got one of each")
    if labels is None:
        labels = np.unique(np.concatenate(columns)).tolist() if named[0] else range(max(map(np.max, columns)) + 1)
    labels = _named(labels)
    return (*(_numbers(column, labels) for column in columns), labels)


def yes_or_no(y_true, y_pred, labels=None):
    """(true [N, C] bool, predicted [N, C] bool, names of the labels)"""
    columns = [np.asarray(y_true), np.asarray(y_pred)]
    equally_many(*columns)
    for name, result in zip(("y_true", "y_pred"), columns, strict=True):
        if result.ndim != 2 or result.dtype.kind not in "biuf" or not np.isin(result, (0, 1)).all():
            raise ValueError(f"{name}: expected 0 or 1 for each example and label; got {result.dtype} {result.shape}")
    if columns[0].shape != columns[1].shape:
        raise ValueError(f"y_true is of shape {columns[0].shape} but y_pred is of shape {columns[1].shape}")
    size = columns[0].shape[1]
    return (*(result.astype(bool) for result in columns), _named(range(size) if labels is None else labels, size))


def _named(labels, size=None):
    labels = tuple(map(str, labels))
    if len(set(labels)) != len(labels) or len(labels) != (size or len(labels)) or not labels:
        raise ValueError(f"labels: expected a unique name for each class; got {list(labels)}")
    return labels


def equally_many(y_true, y_pred):
    if len(y_true) != len(y_pred):
        raise ValueError(f"y_true has {len(y_true)} examples but y_pred has {len(y_pred)}: they must be equal")
    if not len(y_true):
        raise ValueError("nothing to score: no examples")


def _column(name, values):
    """One dimension of int64 or str; bytes are read as UTF-8."""
    values = np.asarray(values)
    if values.ndim == 1 and values.dtype.kind in "OS":
        values = np.asarray([v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values.tolist()])
    if values.ndim == 1 and (values.dtype.kind in "iubU" or not len(values)):
        return values if values.dtype.kind == "U" else values.astype(np.int64)
    raise ValueError(
        f"{name}: expected class numbers or names, one for each example; got {values.dtype} of shape {values.shape}"
    )


def _numbers(column, labels):
    if column.dtype.kind == "U":
        number_of = {label: index for index, label in enumerate(labels)}
        if unknown := sorted(set(column.tolist()) - set(number_of)):
            raise ValueError(f"{unknown[0]!r} is not one of the labels {', '.join(map(repr, labels))}")
        return np.asarray([number_of[name] for name in column.tolist()], np.int64)
    if column.min() < 0 or column.max() >= len(labels):
        raise ValueError(f"expected class numbers from 0 to {len(labels) - 1}; got {column.min()} to {column.max()}")
    return column


def chances(probabilities, shape, normalized):
    """probabilities as float64 of this shape. normalized: each row is a distribution."""
    result = np.asarray(probabilities, np.float64)
    if result.shape != shape:
        raise ValueError(f"probabilities: expected the shape {shape}, a row for each example; got {result.shape}")
    if (
        not (result >= 0).all()
        or not (result <= 1 + 1e-3).all()
        or (normalized and abs(result.sum(axis=1) - 1).max() > 1e-2)
    ):
        what = "rows that sum to 1" if normalized else "numbers between 0 and 1"
        got = f"{result.min():.4g} to {result.max():.4g}"
        raise ValueError(f"probabilities: expected {what}; got numbers from {got}. Are they logits?")
    return result
