"""One vector for the places x [T, D] of a text, all of them real."""

import numpy as np


def pooled(x, kind, kernel=None):
    """kernel [D]: of "attention", by which the places are scored."""
    if kind in ("first", "last"):
        return x[0 if kind == "first" else len(x) - 1]
    weights = [np.exp(row @ kernel) if kind == "attention" else 1.0 for row in x]
    out = np.zeros(x.shape[1])
    for d in range(x.shape[1]):
        if kind == "max":
            out[d] = max(row[d] for row in x)
        else:
            out[d] = sum(w * row[d] for w, row in zip(weights, x, strict=True)) / sum(weights)
    return out
