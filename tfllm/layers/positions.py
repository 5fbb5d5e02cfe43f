"""Position encodings that are added to embeddings: sinusoidal (fixed) and learned. Rotary ones: rotary.py."""

import keras
import numpy as np
from keras import ops

LARGEST = 2**26  # elements in a table of sinusoids


def sinusoids(length, d_model):
    """[length, d_model] float32: sin(p / 10000^(2i/D)) in even columns, cos in odd ones. Vaswani et al. 2017, sec.

    3.5.
    """
    if length * d_model > LARGEST:
        raise ValueError(f"a table of {length} positions of width {d_model} is too large: at most {LARGEST} elements")
    angles = np.arange(length)[:, None] / 10000.0 ** (np.arange(0, d_model, 2) / d_model)[None]
    table = np.zeros((length, d_model), "float32")
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, : d_model // 2])
    return table


def positions_of(x, position, max_length):
    """[T]: the positions of the tokens of x [B, T, D]; of x [B, D], one token of each text, `position`.

    Raises ValueError if they are known to exceed `max_length`.
    """
    length = x.shape[1] if len(x.shape) > 2 else 1
    if isinstance(length, int) and isinstance(position, int) and position + length > max_length:
        raise ValueError(
            f"the model has positions for {max_length} tokens, got {position + length}: truncate the text, or raise "
            "max_length (pe_input, pe_target of a Transformer)"
        )
    return position + ops.arange(ops.shape(x)[1], dtype="int32") if len(x.shape) > 2 else position


@keras.saving.register_keras_serializable("tfllm")
class SinusoidalPositions(keras.layers.Layer):
    """x [B, T, D] -> x + sinusoids of the positions `position` .. `position` + T - 1, all below `max_length`.

    x [B, D] is one token of each text, at `position`.
    """

    def __init__(self, max_length, d_model, **kwargs):
        super().__init__(**kwargs)
        self.max_length, self.d_model = max_length, d_model
        self.table = sinusoids(max_length, d_model)

    def call(self, x, position=0):
        table = ops.convert_to_tensor(self.table, x.dtype)
        return x + ops.take(table, positions_of(x, position, self.max_length), axis=0)

    def get_config(self):
        return super().get_config() | {"max_length": self.max_length, "d_model": self.d_model}


@keras.saving.register_keras_serializable("tfllm")
class LearnedPositions(keras.layers.Layer):
    """x [B, T, D] -> x + a trained vector for each position. Gehring et al. 2017; Radford et al. 2018.

    x [B, D] is one token of each text, at `position`.
    """

    def __init__(self, max_length, d_model, **kwargs):
        super().__init__(**kwargs)
        self.max_length, self.d_model = max_length, d_model

    def build(self, input_shape):
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.table = self.add_weight((self.max_length, self.d_model), initializer=start, name="table")

    def call(self, x, position=0):
        return x + ops.take(self.table, positions_of(x, position, self.max_length), axis=0)

    def get_config(self):
        return super().get_config() | {"max_length": self.max_length, "d_model": self.d_model}
