"""Where a token stands: sinusoidal (fixed) and learned positions, both added to the embeddings.

Rotary positions act on queries and keys, not on embeddings, and are not in this file.
"""

import keras
import numpy as np
from keras import ops


def sinusoids(length, d_model):
    """[length, d_model] float32: sin(p / 10000^(2i/D)) at even places i, cos at odd. Vaswani et al. 2017, sec. 3.5."""
    angles = np.arange(length)[:, None] / 10000.0 ** (np.arange(0, d_model, 2) / d_model)[None]
    table = np.zeros((length, d_model), "float32")
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, : d_model // 2])
    return table


@keras.saving.register_keras_serializable("tfllm")
class SinusoidalPositions(keras.layers.Layer):
    """x [B, T, D] -> x + sinusoids of the places `position` .. `position` + T - 1, all below `max_length`."""

    def __init__(self, max_length, d_model, **kwargs):
        super().__init__(**kwargs)
        self.max_length, self.d_model = max_length, d_model
        self.table = sinusoids(max_length, d_model)

    def call(self, x, position=0):
        places = position + ops.arange(ops.shape(x)[1])
        return x + ops.take(ops.convert_to_tensor(self.table, x.dtype), places, axis=0)

    def get_config(self):
        return super().get_config() | {"max_length": self.max_length, "d_model": self.d_model}


@keras.saving.register_keras_serializable("tfllm")
class LearnedPositions(keras.layers.Layer):
    """x [B, T, D] -> x + a trained vector for each of the places. Gehring et al. 2017; Radford et al. 2018."""

    def __init__(self, max_length, d_model, **kwargs):
        super().__init__(**kwargs)
        self.max_length, self.d_model = max_length, d_model

    def build(self, input_shape):
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.table = self.add_weight((self.max_length, self.d_model), initializer=start, name="table")

    def call(self, x, position=0):
        places = position + ops.arange(ops.shape(x)[1])
        return x + ops.take(self.table, places, axis=0)

    def get_config(self):
        return super().get_config() | {"max_length": self.max_length, "d_model": self.d_model}
