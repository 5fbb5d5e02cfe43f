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


def places(x, position, max_length):
    """[T]: where the tokens of x [B, T, D] stand. ValueError where T and `position` are known to lead too far."""
    length = x.shape[1]
    if isinstance(length, int) and isinstance(position, int) and position + length > max_length:
        raise ValueError(
            f"there are positions for {max_length} tokens, and {position + length} came: cut the text, or raise "
            "max_length (pe_input, pe_target of a Transformer)"
        )
    return position + ops.arange(ops.shape(x)[1])


@keras.saving.register_keras_serializable("tfllm")
class SinusoidalPositions(keras.layers.Layer):
    """x [B, T, D] -> x + sinusoids of the places `position` .. `position` + T - 1, all below `max_length`."""

    def __init__(self, max_length, d_model, **kwargs):
        super().__init__(**kwargs)
        self.max_length, self.d_model = max_length, d_model
        self.table = sinusoids(max_length, d_model)

    def call(self, x, position=0):
        table = ops.convert_to_tensor(self.table, x.dtype)
        return x + ops.take(table, places(x, position, self.max_length), axis=0)

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
        return x + ops.take(self.table, places(x, position, self.max_length), axis=0)

    def get_config(self):
        return super().get_config() | {"max_length": self.max_length, "d_model": self.d_model}
