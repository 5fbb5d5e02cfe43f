"""Dilated causal convolutions over [B, T, D] with an explicit state: alone, gated, and stacked.

Axes:  B batch  T tokens  D width  F filters  W kernel_size
"""

import keras
from keras import ops

from tfllm.layers.transformer_blocks import Residual


@keras.saving.register_keras_serializable("tfllm")
class CausalConvolution(keras.layers.Layer):
    """y_t = b + Σ x_(t - i·dilation) K_(W - 1 - i) over i = 0 .. W - 1.

    Van den Oord et al. 2016, sec. 2.1; Bai et al. 2018, eq. 2.

    x [B, T, D], state -> (y [B, T, F], state). state: the last inputs that future outputs need,
    [B, (W - 1) dilation, D]; None: zeros, the start of a text. Computed as one product of the W concatenated inputs.
    Raises ValueError if kernel_size or dilation is below 1.
    """

    def __init__(self, filters, kernel_size, dilation=1, **kwargs):
        super().__init__(**kwargs)
        if kernel_size < 1 or dilation < 1:
            raise ValueError(f"kernel_size and dilation must be 1 or more; got {kernel_size} and {dilation}")
        self.numbers = {"filters": filters, "kernel_size": kernel_size, "dilation": dilation}
        self.filters, self.kernel_size, self.dilation = filters, kernel_size, dilation
        self.reach = (kernel_size - 1) * dilation  # number of earlier positions that an output depends on

    def build(self, x_shape):
        self.width = x_shape[-1]
        self.kernel = self.add_weight((self.kernel_size, self.width, self.filters), name="kernel")
        self.bias = self.add_weight((self.filters,), initializer="zeros", name="bias")

    def start(self, rows):
        return ops.zeros((rows, self.reach, self.width), self.compute_dtype)

    def call(self, x, state=None):
        state = self.start(ops.shape(x)[0]) if state is None else state
        length = ops.shape(x)[1]
        x = ops.concatenate([state, x], axis=1)  # [B, reach + T, D]
        seen = [x[:, k * self.dilation : k * self.dilation + length] for k in range(self.kernel_size)]
        kernel = ops.reshape(self.kernel, (self.kernel_size * self.width, self.filters))
        last = ops.reshape(x[:, length:], (-1, self.reach, self.width))
        return ops.matmul(ops.concatenate(seen, axis=-1), kernel) + self.bias, last

    def get_config(self):
        return super().get_config() | self.numbers


@keras.saving.register_keras_serializable("tfllm")
class GatedConvolution(keras.layers.Layer):
    """x + (tanh(K_f * x) ⊙ σ(K_g * x)) W. Van den Oord et al. 2016, eq. 2 and fig. 4.

    x [B, T, D], state -> (x [B, T, D], state), as in `CausalConvolution`.
    Differs: pre-normalised (Kalchbrenner et al. 2016, sec. 3.6), with dropout; no skip connections across blocks.
    """

    def __init__(self, d_model, kernel_size, dilation=1, rate=0.0, **kwargs):
        super().__init__(**kwargs)
        self.numbers = {"d_model": d_model, "kernel_size": kernel_size, "dilation": dilation, "rate": rate}
        policy = self.dtype_policy
        self.look = CausalConvolution(2 * d_model, kernel_size, dilation, name="look", dtype=policy)
        self.mix = keras.layers.Dense(d_model, name="mix", dtype=policy)
        self.add = Residual(rate, pre_norm=True, name="add", dtype=policy)

    def build(self, x_shape):
        for part in (self.look, self.mix, self.add):
            part.build(x_shape)

    def start(self, rows):
        return self.look.start(rows)

    def call(self, x, state=None):
        h, state = self.look(self.add.enter(x), state=state)
        filtered, gate = ops.split(h, 2, axis=-1)
        return self.add(x, self.mix(ops.tanh(filtered) * ops.sigmoid(gate))), state

    def get_config(self):
        return super().get_config() | self.numbers


@keras.saving.register_keras_serializable("tfllm")
class ConvolutionStack(keras.layers.Layer):
    """A projection to D, then `num_layers` of `GatedConvolution`; layer i has dilation 2^i (Bai et al. 2018, sec. 3.3).

    x [B, T, any], state -> (x [B, T, D], state): one state per layer. An output depends on
    (W - 1) (2^num_layers - 1) earlier positions.
    """

    def __init__(self, num_layers, d_model, kernel_size=3, rate=0.0, **kwargs):
        super().__init__(**kwargs)
        self.numbers = {"num_layers": num_layers, "d_model": d_model, "kernel_size": kernel_size, "rate": rate}
        self.d_model, policy = d_model, self.dtype_policy
        self.widen = keras.layers.Dense(d_model, name="widen", dtype=policy)
        self.parts = [
            GatedConvolution(d_model, kernel_size, 2**i, rate, name=f"layer{i + 1}", dtype=policy)
            for i in range(num_layers)
        ]

    def build(self, x_shape):
        self.widen.build(x_shape)
        for part in self.parts:
            part.build((None, None, self.d_model))

    def start(self, rows):
        return [part.start(rows) for part in self.parts]

    def call(self, x, state=None, training=None):
        state = list(state or [None] * len(self.parts))
        x = self.widen(x)
        for i, part in enumerate(self.parts):
            x, state[i] = part(x, state=state[i], training=training)
        return x, state

    def get_config(self):
        return super().get_config() | self.numbers
