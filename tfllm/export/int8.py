"""Weights of 8 bits in a SavedModel: kernels and embeddings as integers with a float32 scale for each output channel.

w ≈ s q with s = max |w| / 127 over the weights of one output, and q = round(w / s) from -127 to 127: symmetric, so that
0 stays 0 (Krishnamoorthi 2018, sec. 2.3 and 3.1). The graph computes s q at the beginning of each call, by core
operations; products are in float32, so that files are a quarter of the size, but calls are not faster.
"""

from functools import wraps

import keras
import numpy as np
import tensorflow as tf

ROWS = ("embeddings", "fixed", "free", "table")  # weights [V, D]: each row is an output, also of the softmax


def quantised(weight, by_row=False):
    """float [..., N] -> (int8 of the same shape, scale float32 [1, ..., N]); by_row: scale [M, 1, ...] of each row.

    No weight changes by more than half its scale.
    """
    weight = np.asarray(weight, np.float32)
    axes = tuple(range(1, weight.ndim)) if by_row else tuple(range(weight.ndim - 1))
    scale = np.max(np.abs(weight), axis=axes, keepdims=True) / 127
    scale[scale == 0] = 1
    return np.round(weight / scale).astype(np.int8), scale.astype(np.float32)


class Int8:
    """The kernels and embeddings of a layer as integers. `reading(function)` computes with them instead."""

    def __init__(self, layer):
        self.parts = []
        for weight in layer.weights:
            by_row = weight.name in ROWS
            if len(weight.shape) > 1 and (by_row or weight.name.endswith("kernel")) and "float" in weight.dtype:
                integers, scale = quantised(keras.ops.convert_to_numpy(weight), by_row)
                parts = {"int8": integers, "scale": scale}
                parts = (tf.Variable(part, False, name=f"{weight.path}/{name}") for name, part in parts.items())
                self.parts.append((weight, *parts))

    def reading(self, function):
        """The function, in which the weights of the layer are s q."""

        @wraps(function)
        def read(*args, **options):
            values = [(weight, tf.cast(tf.cast(integers, tf.float32) * scale, weight.dtype))
                      for weight, integers, scale in self.parts]  # fmt: skip
            with keras.StatelessScope(state_mapping=values):
                return function(*args, **options)

        return read
