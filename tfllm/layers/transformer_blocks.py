"""The encoder and decoder blocks, post-norm as in the paper, or pre-norm. Vaswani et al. 2017, fig. 1."""

import keras
from keras import ops

from tfllm.layers.attention import MultiHeadAttention


def gelu_tanh(x):
    """x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))), Hendrycks & Gimpel 2016, sec. 2: GPT-2's. Keras' "gelu" is exact."""
    return ops.gelu(x, approximate=True)


ACTIVATIONS = {"gelu_tanh": gelu_tanh}  # in addition to Keras' own


@keras.saving.register_keras_serializable("tfllm")
class FeedForward(keras.layers.Layer):
    """max(0, x W1 + b1) W2 + b2, x [B, T, D] -> [B, T, D], with inner width F = dff. Vaswani et al. 2017, eq. 2.

    activation: the name of a Keras activation, or "gelu_tanh".
    """

    def __init__(self, d_model, dff, activation="relu", use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.numbers = {"d_model": d_model, "dff": dff, "activation": activation, "use_bias": use_bias}
        self.dff = dff

        def dense(size, name, activation=None):
            return keras.layers.Dense(size, activation, use_bias=use_bias, name=name, dtype=self.dtype_policy)

        self.widen = dense(dff, "widen", ACTIVATIONS.get(activation, activation))
        self.narrow = dense(d_model, "narrow")

    def build(self, x_shape):
        self.widen.build(x_shape)
        self.narrow.build((*x_shape[:-1], self.dff))

    def call(self, x):
        return self.narrow(self.widen(x))

    def get_config(self):
        return super().get_config() | self.numbers


@keras.saving.register_keras_serializable("tfllm")
class Residual(keras.layers.Layer):
    """ "Add & Norm" around a sublayer f: `residual(x, f(residual.enter(x)))`.

    Post-norm: norm(x + drop(f(x))), Vaswani et al. 2017, sec. 5.4. Pre-norm: x + drop(f(norm(x))), Radford et al. 2019.
    """

    def __init__(self, rate=0.1, pre_norm=False, epsilon=1e-6, use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.numbers = {"rate": rate, "pre_norm": pre_norm, "epsilon": epsilon, "use_bias": use_bias}
        self.pre_norm = pre_norm
        self.norm = keras.layers.LayerNormalization(
            epsilon=epsilon, center=use_bias, name="norm", dtype=self.dtype_policy
        )
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=self.dtype_policy)

    def build(self, x_shape):
        self.norm.build(x_shape)

    def enter(self, x):
        return self.norm(x) if self.pre_norm else x

    def call(self, x, change):
        x = x + self.drop(change)
        return x if self.pre_norm else self.norm(x)

    def get_config(self):
        return super().get_config() | self.numbers


class _Block(keras.layers.Layer):
    """The common part of the two blocks: config, attention and feed-forward layers."""

    def __init__(self, d_model, num_heads, dff, rate=0.1, pre_norm=False, activation="relu", epsilon=1e-6,
                 use_bias=True, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.numbers = {
            "d_model": d_model, "num_heads": num_heads, "dff": dff, "rate": rate,
            "pre_norm": pre_norm, "activation": activation, "epsilon": epsilon, "use_bias": use_bias,
        }  # fmt: skip
        self.feed = FeedForward(d_model, dff, activation, use_bias, name="feed", dtype=self.dtype_policy)
        self.add_feed = self.residual("add_feed")

    def __call__(self, *args, **options):
        if args and isinstance(args[0], (list, tuple)):
            raise ValueError(
                f"{type(self).__name__} reads one tensor; got {len(args[0])} values: take the first of a block, "
                "x = block(x)[0], in a functional model; a keras.Sequential hands on all"
            )
        return super().__call__(*args, **options)

    def residual(self, name):
        numbers = {key: self.numbers[key] for key in ("rate", "pre_norm", "epsilon", "use_bias")}
        return Residual(**numbers, name=name, dtype=self.dtype_policy)

    def attention(self, name, **options):
        numbers = {key: self.numbers[key] for key in ("d_model", "num_heads", "rate", "use_bias")}
        return MultiHeadAttention(**numbers, **options, name=name, dtype=self.dtype_policy)

    def get_config(self):
        return super().get_config() | self.numbers


@keras.saving.register_keras_serializable("tfllm")
class EncoderBlock(_Block):
    """Self-attention, then feed-forward: the block of an encoder or, with a causal mask, of a GPT (Radford et al.
    2018).

    x [B, T, D] -> (x [B, T, D], attention weights [B, H, T, S], cache). `cache`, `position` and `where` are for
    decoding step by step; they and `num_kv_heads` and `rotary` go to MultiHeadAttention. Without a cache S is T.
    """

    def __init__(self, d_model, num_heads, dff, rate=0.1, pre_norm=False, activation="relu", epsilon=1e-6,
                 use_bias=True, num_kv_heads=None, rotary=None, **kwargs):  # fmt: skip
        super().__init__(d_model, num_heads, dff, rate, pre_norm, activation, epsilon, use_bias, **kwargs)
        self.numbers |= {"num_kv_heads": num_kv_heads, "rotary": rotary}
        self.look = self.attention("look", num_kv_heads=num_kv_heads, rotary=rotary)
        self.add_look = self.residual("add_look")

    def build(self, x_shape):
        for part in (self.look, self.add_look, self.feed, self.add_feed):
            part.build(x_shape)

    def call(self, x, attention_mask=None, cache=None, position=0, where=None):
        h = self.add_look.enter(x)
        h, weights, cache = self.look(
            h, memory=h, attention_mask=attention_mask, cache=cache, position=position, where=where
        )
        x = self.add_look(x, h)
        return self.add_feed(x, self.feed(self.add_feed.enter(x))), weights, cache


@keras.saving.register_keras_serializable("tfllm")
class DecoderBlock(_Block):
    """Causal self-attention, attention to the encoder's output, feed-forward.

    x [B, T, D], memory [B, S, D], self_mask [B or 1, T, T], cross_mask [B, 1, S]
    -> (x [B, T, D], weights of self-attention [B, H, T, T], of cross-attention [B, H, T, S], cache).
    Step by step: `cache` has the (keys, values) of the positions so far, `seen` those of the memory, projected once by
    `self.cross.project(memory)`, and memory is None; x may be [B, D], see MultiHeadAttention.
    """

    def __init__(self, d_model, num_heads, dff, rate=0.1, pre_norm=False, activation="relu", epsilon=1e-6,
                 use_bias=True, **kwargs):  # fmt: skip
        super().__init__(d_model, num_heads, dff, rate, pre_norm, activation, epsilon, use_bias, **kwargs)
        self.look, self.add_look = self.attention("look"), self.residual("add_look")
        self.cross, self.add_cross = self.attention("cross"), self.residual("add_cross")

    def build(self, x_shape):
        for part in (self.look, self.add_look, self.cross, self.add_cross, self.feed, self.add_feed):
            part.build(x_shape)

    def call(self, x, memory=None, self_mask=None, cross_mask=None, cache=None, seen=None, position=0, where=None):
        h = self.add_look.enter(x)
        h, own, cache = self.look(h, memory=h, attention_mask=self_mask, cache=cache, position=position, where=where)
        x = self.add_look(x, h)
        h = self.add_cross.enter(x)
        h, across, _ = self.cross(h, memory=memory, attention_mask=cross_mask, cache=seen)
        x = self.add_cross(x, h)
        return self.add_feed(x, self.feed(self.add_feed.enter(x))), own, across, cache
