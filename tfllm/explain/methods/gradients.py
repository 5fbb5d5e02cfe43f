"""Scores by gradients at the embeddings: gradient x input, integrated gradients, SmoothGrad.

    gradient x input       s_n = Σ_d x_nd ∂f/∂x_nd. Denil et al. 2014, eq. 1
    integrated gradients   s_n = Σ_d (x_nd - b_nd) ∫ ∂f/∂x_nd (b + α (x - b)) dα, α from 0 to 1. Sundararajan et al.
                           2017, eq. 1; Σ_n s_n = f(x) - f(b), their completeness
    SmoothGrad             gradient x input with the mean of the gradients at x + noise. Smilkov et al. 2017, eq. 1

x are the rows of the embedding, before positions and segments are added; special tokens are not changed.
Differs: the integral is a sum at Gauss-Legendre points (theirs: at equal steps), doubled until it is complete.

Axes:  K numbers  N tokens  D width of the embedding  M points, or samples
"""

import numpy as np

from tfllm.explain.methods.division import Division
from tfllm.explain.methods.embedding_rows import rows_of

TOGETHER = 64  # rows of one backward pass
BASELINES = ("zero", "pad", "unknown", "mask")


def gradient_x_input(subject):
    """-> Division; scores need not be complete."""
    x = subject.vectors()
    value, slopes = averaged(subject, [part[None] for part in x])
    return Division(products(slopes, x), value)


def integrated_gradients(subject, baseline="zero", tolerance=0.01, points=16, most_points=512):
    """-> Division, whose base is that of the baseline.

    baseline: what each token is replaced by: a zero vector, or the embedding of a special token, one of `BASELINES`.
    points: initial number of points; it is doubled until the relative error of completeness is below `tolerance`, up to
    `most_points`.
    """
    if not 1 <= points <= most_points:
        raise ValueError(f"points must be between 1 and most_points ({most_points}); got {points}")
    x, numbers = subject.vectors(), len(subject.targets)
    b = baselines(subject, baseline)
    ends = [np.stack([one, other]) for one, other in zip(x, b, strict=True)]
    value, base = subject.gradients(ends, np.ones((2, numbers)))[0]
    while True:
        at, weights = np.polynomial.legendre.leggauss(points)
        path = [start + (at[:, None, None] + 1) / 2 * (end - start) for start, end in zip(b, x, strict=True)]
        _, slopes = averaged(subject, path, weights / 2)
        result = Division(products(slopes, [end - start for start, end in zip(b, x, strict=True)]), value, base)
        if result.error.max(initial=0.0) <= tolerance or points >= most_points:
            return result
        points = min(2 * points, most_points)


def smoothgrad(subject, samples=32, noise=0.1, seed=0):
    """-> Division; scores need not be complete.

    noise: standard deviation, relative to the range of the elements in the embeddings of the text.
    """
    x, draw = subject.vectors(), np.random.default_rng(seed)
    spreads = [noise * (part.max(initial=0.0) - part.min(initial=0.0)) for part in x]
    points = [part + spread * draw.normal(size=(samples, *part.shape)) for part, spread in zip(x, spreads, strict=True)]
    _, slopes = averaged(subject, points)
    value = subject.values(np.ones((1, subject.size), bool))[0]
    return Division(products(slopes, x), value)


def averaged(subject, points, weights=None):
    """points: for each embedding [M, N, D]; weights [M], by default those of a mean.

    -> (mean of the numbers [K], for each embedding the mean gradient of each number [K, N, D]).
    """
    count, numbers = len(points[0]), len(subject.targets)
    weights = np.full(count, 1 / count) if weights is None else weights
    value, totals = np.zeros(numbers), [np.zeros((numbers, *part.shape[1:])) for part in points]
    pairs = np.array([(m, k) for m in range(count) for k in range(numbers)])
    for i in range(0, len(pairs), TOGETHER):
        m, k = pairs[i : i + TOGETHER].T
        values, result = subject.gradients([part[m] for part in points], np.eye(numbers)[k])
        value += weights[m] @ (values * np.eye(numbers)[k])
        for total, part in zip(totals, result, strict=True):
            np.add.at(total, k, weights[m][:, None, None] * part)
    return value, totals


def products(slopes, x):
    """Gradients [K, N, D] and vectors [N, D] of each embedding -> scores [K, N]."""
    return sum(np.einsum("knd,nd->kn", slope, part) for slope, part in zip(slopes, x, strict=True))


def baselines(subject, baseline):
    """-> for each embedding [N, D]."""
    if baseline not in BASELINES:
        raise ValueError(f"baseline must be one of {BASELINES}; got {baseline!r}")
    if baseline == "zero":
        return [np.zeros_like(part) for part in subject.vectors()]
    ids = np.full(subject.size, subject.replacement(baseline), "int32")
    return [np.where(used[:, None], rows_of(layer, ids), 0.0).astype("float32") for layer, used in subject.layers()]
