"""The inner loop of GloVe: weighted least squares by AdaGrad, one pair at a time, compiled by numba."""

import numba
import numpy as np


@numba.njit(nogil=True, fastmath={"reassoc", "contract"})
def sweep(rows, columns, logs, weights, values, squares, rate, clip):
    """One pass over the pairs, in their order; changes `values` and `squares`. -> sum of f diff² / 2 before each step.

    rows, columns: int64 [N], rows of `values` (word and context). logs: log X [N]. weights: f(X) [N].
    values: vectors and, last, the bias of each word, then of each context [2V, D + 1]. squares: their sums of squared
    gradients, of the same shape. All floats of one type, float32 or float64.

        diff = w · c + b + b̃ - log X
        step = rate * clip(f diff c), that of c likewise with w, those of the biases rate * f diff
        w -= step / sqrt(square); square += step²
    """
    bias = values.shape[1] - 1
    loss = 0.0
    for n in range(len(rows)):
        w, c = rows[n], columns[n]
        diff = values[w, bias] + values[c, bias] - logs[n]
        for k in range(bias):
            diff += values[w, k] * values[c, k]
        slope = weights[n] * diff
        loss += 0.5 * slope * diff
        for k in range(bias):
            step = rate * min(max(slope * values[c, k], -clip), clip)
            other = rate * min(max(slope * values[w, k], -clip), clip)
            values[w, k] -= step / np.sqrt(squares[w, k])
            values[c, k] -= other / np.sqrt(squares[c, k])
            squares[w, k] += step * step
            squares[c, k] += other * other
        step = rate * slope
        values[w, bias] -= step / np.sqrt(squares[w, bias])
        values[c, bias] -= step / np.sqrt(squares[c, bias])
        squares[w, bias] += step * step
        squares[c, bias] += step * step
    return loss
