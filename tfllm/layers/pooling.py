"""Pooling: a text of any length to one vector, from one token or from all real tokens.

Axes:  B batch  T tokens  D width
"""

import keras
from keras import ops

from tfllm.layers.attention import masked_softmax


@keras.saving.register_keras_serializable("tfllm")
class AttentionWeightedAverage(keras.layers.Layer):
    """Σ a_t x_t with a = softmax(x_t · w) over the tokens of a text. Felbo et al. 2017, eq. 1 to 3.

    x [B, T, D], padding_mask [B, T] bool, True = real -> (average [B, D], weights [B, T] float32).
    Differs: softmax and sum are in float32, whatever the compute dtype; without real tokens all weights are equal.
    """

    def build(self, x_shape):
        self.kernel = self.add_weight((x_shape[-1],), initializer="random_uniform", name="kernel")

    def call(self, x, padding_mask=None):
        scores = ops.cast(ops.einsum("btd,d->bt", x, self.kernel), "float32")
        if padding_mask is not None:
            scores = ops.where(ops.cast(padding_mask, "bool"), scores, -1e9)
        weights = masked_softmax(scores, None)  # [B, T]
        average = ops.einsum("bt,btd->bd", weights, ops.cast(x, "float32"))  # some processors sum half floats as such
        return ops.cast(average, x.dtype), weights


KINDS = ("first", "last", "mean", "max", "attention")
NONE = -1e9  # below every activation; finite in float32 and bfloat16, the only dtypes it is used in


@keras.saving.register_keras_serializable("tfllm")
class Pooling(keras.layers.Layer):
    """One vector for each text, made of its real tokens only.

    kind  "first" or "last" real token;  "mean" or "max" over them, the maximum in each dimension (Collobert et al.
          2011, eq. 6);  "attention", their `AttentionWeightedAverage`, the only kind with a weight

    x [B, T, D], padding_mask [B, T] bool, True = real (None: all are) -> [B, D], zeros if there is no real token.
    Differs: sums are in float32, whatever the compute dtype. Raises ValueError for another kind.
    """

    def __init__(self, kind="mean", **kwargs):
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}; got {kind!r}")
        self.kind = kind
        if kind == "attention":
            self.average = AttentionWeightedAverage(name="average", dtype=self.dtype_policy)

    def build(self, x_shape):
        if self.kind == "attention":
            self.average.build(x_shape)

    def call(self, x, padding_mask=None):
        if padding_mask is None:
            padding_mask = ops.ones_like(x[..., 0])
        padding_mask = ops.cast(padding_mask, "bool")
        real = ops.cast(padding_mask, "float32")[..., None]  # [B, T, 1]
        any_real = ops.max(real, axis=1, initial=0.0)  # [B, 1]: 0 if there is no real token
        wide = ops.cast(x, "float32")
        if self.kind == "attention":
            pooled = ops.cast(self.average(x, padding_mask=padding_mask)[0], "float32")
        elif self.kind == "mean":
            pooled = ops.sum(ops.where(real > 0, wide, 0.0), axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)
        elif self.kind == "max":
            pooled = ops.max(ops.where(real > 0, wide, NONE), axis=1, initial=NONE)
        else:
            pooled = ops.sum(ops.where(self.selected(padding_mask)[..., None], wide, 0.0), axis=1)
        return ops.cast(ops.where(any_real > 0, pooled, 0.0), x.dtype)

    def selected(self, padding_mask):
        """[B, T] bool: True at the first, or the last, real token."""
        count = ops.cast(padding_mask, "int32")
        before = ops.cumsum(count, axis=1)  # number of real tokens up to each
        wanted = 1 if self.kind == "first" else ops.sum(count, axis=1, keepdims=True)
        return ops.logical_and(padding_mask, before == wanted)

    def compute_output_shape(self, x_shape):
        return (x_shape[0], x_shape[-1])

    def get_config(self):
        return super().get_config() | {"kind": self.kind}
