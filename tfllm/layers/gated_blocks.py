"""The block of Llama: RMS norms before its two parts, and a gated feed-forward. Touvron et al. 2023, sec. 2.2."""

import keras

from tfllm.layers.attention import MultiHeadAttention
from tfllm.layers.transformer_blocks import ACTIVATIONS


@keras.saving.register_keras_serializable("tfllm")
class GatedFeedForward(keras.layers.Layer):
    """(activation(x W) ⊗ x V) W2, x [B, T, D] -> [B, T, D], with inner width F = dff. Shazeer 2020, eq. 6: SwiGLU.

    activation: the name of a Keras activation, or "gelu_tanh"; "silu" is Swish with β = 1. Without biases.
    """

    def __init__(self, d_model, dff, activation="silu", **kwargs):
        super().__init__(**kwargs)
        self.numbers = {"d_model": d_model, "dff": dff, "activation": activation}
        self.dff = dff

        def dense(size, name, activation=None):
            return keras.layers.Dense(size, activation, use_bias=False, name=name, dtype=self.dtype_policy)

        self.gate = dense(dff, "gate", ACTIVATIONS.get(activation, activation))
        self.widen = dense(dff, "widen")
        self.narrow = dense(d_model, "narrow")

    def build(self, x_shape):
        self.gate.build(x_shape)
        self.widen.build(x_shape)
        self.narrow.build((*x_shape[:-1], self.dff))

    def call(self, x):
        return self.narrow(self.gate(x) * self.widen(x))

    def get_config(self):
        return super().get_config() | self.numbers


@keras.saving.register_keras_serializable("tfllm")
class GatedBlock(keras.layers.Layer):
    """x + attention(norm(x)), then x + GatedFeedForward(norm(x)), with RMS norms (Zhang & Sennrich 2019, eq. 4).

    x [B, T, D] -> (x [B, T, D], attention weights [B, H, T, S], cache), as EncoderBlock. attention: further arguments
    of MultiHeadAttention, as a dict: num_kv_heads, rotary, use_bias, head_width, norm_heads. rate: dropout probability,
    of the attention weights and of both parts' outputs.
    """

    def __init__(self, d_model, num_heads, dff, rate=0.0, activation="silu", epsilon=1e-5, attention=None, **kwargs):
        super().__init__(**kwargs)
        self.numbers = {
            "d_model": d_model, "num_heads": num_heads, "dff": dff, "rate": rate, "activation": activation,
            "epsilon": epsilon, "attention": attention,
        }  # fmt: skip
        policy = self.dtype_policy
        self.look = MultiHeadAttention(d_model, num_heads, rate, name="look", dtype=policy, **(attention or {}))
        self.feed = GatedFeedForward(d_model, dff, activation, name="feed", dtype=policy)
        self.norm_look, self.norm_feed = (
            keras.layers.RMSNormalization(epsilon=epsilon, name=name, dtype=policy)
            for name in ("norm_look", "norm_feed")
        )
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=policy)

    def build(self, x_shape):
        for part in (self.norm_look, self.look, self.norm_feed, self.feed):
            part.build(x_shape)

    def call(self, x, attention_mask=None, cache=None, position=0, where=None):
        h = self.norm_look(x)
        h, weights, cache = self.look(
            h, memory=h, attention_mask=attention_mask, cache=cache, position=position, where=where
        )
        x = x + self.drop(h)
        return x + self.drop(self.feed(self.norm_feed(x))), weights, cache

    def get_config(self):
        return super().get_config() | self.numbers
