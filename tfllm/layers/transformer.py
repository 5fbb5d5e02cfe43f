"""The blocks of an encoder and of a decoder, post-norm as in the paper or pre-norm. Vaswani et al. 2017, fig. 1."""

import keras

from tfllm.layers.attention import MultiHeadAttention


@keras.saving.register_keras_serializable("tfllm")
class FeedForward(keras.layers.Layer):
    """max(0, x W1 + b1) W2 + b2, x [B, T, D] -> [B, T, D] by way of F = dff. Vaswani et al. 2017, eq. 2."""

    def __init__(self, d_model, dff, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.d_model, self.dff, self.activation = d_model, dff, activation
        self.widen = keras.layers.Dense(dff, activation=activation, name="widen", dtype=self.dtype_policy)
        self.narrow = keras.layers.Dense(d_model, name="narrow", dtype=self.dtype_policy)

    def build(self, x_shape):
        self.widen.build(x_shape)
        self.narrow.build((*x_shape[:-1], self.dff))

    def call(self, x):
        return self.narrow(self.widen(x))

    def get_config(self):
        config = {"d_model": self.d_model, "dff": self.dff, "activation": self.activation}
        return super().get_config() | config


@keras.saving.register_keras_serializable("tfllm")
class Residual(keras.layers.Layer):
    """"Add & Norm" around a sublayer f: `residual(x, f(residual.enter(x)))`.

    Post-norm: norm(x + drop(f(x))), Vaswani et al. 2017, sec. 5.4. Pre-norm: x + drop(f(norm(x))), Radford et al. 2019.
    """

    def __init__(self, rate=0.1, pre_norm=False, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.pre_norm, self.epsilon = rate, pre_norm, epsilon
        self.norm = keras.layers.LayerNormalization(epsilon=epsilon, name="norm", dtype=self.dtype_policy)
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=self.dtype_policy)

    def build(self, x_shape):
        self.norm.build(x_shape)

    def enter(self, x):
        return self.norm(x) if self.pre_norm else x

    def call(self, x, change):
        x = x + self.drop(change)
        return x if self.pre_norm else self.norm(x)

    def get_config(self):
        config = {"rate": self.rate, "pre_norm": self.pre_norm, "epsilon": self.epsilon}
        return super().get_config() | config


class _Block(keras.layers.Layer):
    """What the two blocks share: their numbers and their config."""

    def __init__(self, d_model, num_heads, dff, rate=0.1, pre_norm=False, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.numbers = {
            "d_model": d_model, "num_heads": num_heads, "dff": dff,
            "rate": rate, "pre_norm": pre_norm, "activation": activation,
        }  # fmt: skip
        self.feed = FeedForward(d_model, dff, activation, name="feed", dtype=self.dtype_policy)
        self.add_feed = Residual(rate, pre_norm, name="add_feed", dtype=self.dtype_policy)

    def get_config(self):
        return super().get_config() | self.numbers


@keras.saving.register_keras_serializable("tfllm")
class EncoderBlock(_Block):
    """Self-attention, then feed-forward. x [B, T, D] -> (x [B, T, D], attention weights [B, H, T, T])."""

    def __init__(self, d_model, num_heads, dff, rate=0.1, pre_norm=False, activation="relu", **kwargs):
        super().__init__(d_model, num_heads, dff, rate, pre_norm, activation, **kwargs)
        self.look = MultiHeadAttention(d_model, num_heads, rate, name="look", dtype=self.dtype_policy)
        self.add_look = Residual(rate, pre_norm, name="add_look", dtype=self.dtype_policy)

    def build(self, x_shape):
        for part in (self.look, self.add_look, self.feed, self.add_feed):
            part.build(x_shape)

    def call(self, x, attention_mask=None):
        h = self.add_look.enter(x)
        h, weights, _ = self.look(h, memory=h, attention_mask=attention_mask)
        x = self.add_look(x, h)
        return self.add_feed(x, self.feed(self.add_feed.enter(x))), weights


@keras.saving.register_keras_serializable("tfllm")
class DecoderBlock(_Block):
    """Causal self-attention, attention to the encoder's output, feed-forward.

    x [B, T, D], memory [B, S, D], self_mask [B or 1, T, T], cross_mask [B, 1, S]
    -> (x [B, T, D], weights of self-attention [B, H, T, T], of cross-attention [B, H, T, S], cache).
    Step by step: `cache` is the (keys, values) of the places so far, `seen` the memory's own, projected once by
    `self.cross.project(memory)`, and memory is None.
    """

    def __init__(self, d_model, num_heads, dff, rate=0.1, pre_norm=False, activation="relu", **kwargs):
        super().__init__(d_model, num_heads, dff, rate, pre_norm, activation, **kwargs)
        self.look = MultiHeadAttention(d_model, num_heads, rate, name="look", dtype=self.dtype_policy)
        self.add_look = Residual(rate, pre_norm, name="add_look", dtype=self.dtype_policy)
        self.cross = MultiHeadAttention(d_model, num_heads, rate, name="cross", dtype=self.dtype_policy)
        self.add_cross = Residual(rate, pre_norm, name="add_cross", dtype=self.dtype_policy)

    def build(self, x_shape):
        for part in (self.look, self.add_look, self.cross, self.add_cross, self.feed, self.add_feed):
            part.build(x_shape)

    def call(self, x, memory=None, self_mask=None, cross_mask=None, cache=None, seen=None, position=0):
        h = self.add_look.enter(x)
        h, own, cache = self.look(h, memory=h, attention_mask=self_mask, cache=cache, position=position)
        x = self.add_look(x, h)
        h = self.add_cross.enter(x)
        h, across, _ = self.cross(h, memory=memory, attention_mask=cross_mask, cache=seen)
        x = self.add_cross(x, h)
        return self.add_feed(x, self.feed(self.add_feed.enter(x))), own, across, cache
