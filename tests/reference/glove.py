"""Pennington, Socher, Manning 2014, eq. 8 and 9, and AdaGrad over single pairs, as plain NumPy in float64.

table: a list of (i, j, X_ij). w, c [V, D] are the words' and the contexts' vectors, b, a [V] their biases.
"""

import numpy as np


def weight(x, x_max, alpha):
    return (x / x_max) ** alpha if x < x_max else 1.0


def objective(table, w, c, b, a, x_max, alpha):
    return sum(weight(x, x_max, alpha) * (w[i] @ c[j] + b[i] + a[j] - np.log(x)) ** 2 for i, j, x in table)


def epoch(table, values, squares, x_max, alpha, rate):
    """One pass over the pairs. values and squares: ([V, D], [V, D], [V], [V]), changed. -> mean of half the terms."""
    (w, c, b, a), loss = values, 0.0
    for i, j, x in table:
        diff = w[i] @ c[j] + b[i] + a[j] - np.log(x)
        slope = weight(x, x_max, alpha) * diff
        loss += slope * diff / 2
        steps = (rate * slope * c[j], rate * slope * w[i], rate * slope, rate * slope)
        for value, square, at, step in zip(values, squares, (i, j, i, j), steps, strict=True):
            value[at] -= step / np.sqrt(square[at])
            square[at] += step**2
    return loss / len(table)
