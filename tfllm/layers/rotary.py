"""Rotary positions, applied to queries and keys: Su et al. 2021; and how they are stretched to longer texts."""

import math

import numpy as np
from keras import ops

SCALINGS = ("none", "linear", "llama3")


def rotate(x, position=0, speeds=10000.0):
    """x [B, T, H, K], queries or keys; each pair of elements is rotated by an angle that grows with the position.

    Su et al. 2021, eq. 15 and 34: pair i of a token at position p is rotated by p x speeds[i], p = `position` + t.
    The product of a query and a key then depends only on their distance.
    speeds: K / 2 numbers, or the base of `rotary_speeds`.
    Differs: pair i is (x_i, x_{i + K/2}), not (x_{2i}, x_{2i + 1}). This is the same model with the columns of the
    projections permuted, and avoids a shuffle. The angles are float32, whatever the compute dtype.
    Raises ValueError if K is odd, or another number of speeds is given.
    """
    half, odd = divmod(x.shape[-1], 2)
    if odd:
        raise ValueError(f"rotary positions need an even head width; got {x.shape[-1]}")
    speeds = np.asarray(speeds if np.ndim(speeds) else rotary_speeds(2 * half, speeds), "float32")
    if speeds.shape != (half,):
        raise ValueError(f"a head width of {2 * half} needs {half} rotary speeds; got {len(speeds)}")
    where = ops.cast(position + ops.arange(ops.shape(x)[1], dtype="int32"), "float32")
    angle = where[:, None, None] * ops.convert_to_tensor(speeds)  # [T, 1, K / 2]
    cos, sin = ops.cast(ops.cos(angle), x.dtype), ops.cast(ops.sin(angle), x.dtype)
    a, b = x[..., :half], x[..., half:]
    return ops.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)


def rotary_speeds(width, base=10000.0, scaling="none", factor=1.0, slow=1.0, fast=4.0, length=8192):
    """[K / 2] floats: radians by which pair i turns from one token to the next, base^(-2i/K). Su et al. 2021, eq. 15.

    scaling, for texts longer than those of the training:
    "linear"  all speeds divided by `factor`; Chen et al. 2023, eq. 4
    "llama3"  a pair that turns more than `fast` times in `length` tokens, the texts of the training, keeps its speed;
              one that turns less than `slow` times is divided by `factor`; between the two, the share that is divided
              falls linearly with the number of turns. Grattafiori et al. 2024, sec. 3.4.2; their code

    Raises ValueError for another scaling, for a factor below 1, and for fast <= slow.
    """
    if scaling not in SCALINGS:
        raise ValueError(f"the scaling of rotary positions must be one of {', '.join(SCALINGS)}; got {scaling!r}")
    if factor < 1 or fast <= slow:
        raise ValueError(f"rotary positions need factor >= 1 and slow < fast; got {factor}, {slow} and {fast}")
    speeds = [float(base) ** (-2 * i / width) for i in range(width // 2)]
    if scaling == "none":
        return speeds
    if scaling == "linear":
        return [speed / factor for speed in speeds]
    kept = [min(max((length * speed / (2 * math.pi) - slow) / (fast - slow), 0.0), 1.0) for speed in speeds]
    return [share * speed + (1 - share) * speed / factor for share, speed in zip(kept, speeds, strict=True)]
