"""Attention for recurrent decoders: additive (Bahdanau et al. 2015) and multiplicative (Luong et al. 2015).

The projection of the memory is computed once (`project`) and passed as `keys` at each step.
Not included: local attention, coverage, several heads.

Axes:  B batch  T queries  Q their width  S keys  D width of the memory  A width of the score
"""

import keras
from keras import ops

from tfllm.layers.attention import masked_softmax
from tfllm.layers.in_graph import InGraph, in_graph


class _Attention(InGraph, keras.layers.Layer):
    """The common part: weights = softmax of `score`, context = weights · memory."""

    def call(self, x, memory, keys=None, attention_mask=None):
        keys = self.project(memory) if keys is None else keys
        q = self.to_query(x)
        q = ops.reshape(q, (ops.shape(keys)[0], -1, q.shape[-1]))  # all rows of one memory are its queries
        scores = ops.cast(self.score(q, keys), "float32")[:, None]  # [B, 1, T, S]
        weights = masked_softmax(scores, attention_mask)[:, 0]
        context = ops.matmul(ops.cast(weights, memory.dtype), memory)  # [B, T, D]
        return tuple(ops.reshape(part, (*ops.shape(x)[:2], ops.shape(part)[-1])) for part in (context, weights))


@keras.saving.register_keras_serializable("tfllm")
class AdditiveAttention(_Attention):
    """score(x, m) = v · tanh(W x + U m). Bahdanau et al. 2015, eq. 5 and 6, sec. A.1.2; `units` is A.

    x [B, T, Q], memory [B, S, D], attention_mask [B or 1, T or 1, S] bool
    -> (context [B, T, D], weights [B, T, S] float32). A query with nothing to attend to gets zeros.
    keys: U m [B, S, A] from `project`, to pass if the same memory is used again. x may then have several consecutive
    rows for each row of the memory, such as the beams of one sentence.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, policy = units, self.dtype_policy
        self.to_query = keras.layers.Dense(units, use_bias=False, name="query", dtype=policy)
        self.to_key = keras.layers.Dense(units, use_bias=False, name="key", dtype=policy)
        self.to_score = keras.layers.Dense(1, use_bias=False, name="score", dtype=policy)

    def build(self, x_shape, memory_shape):
        self.to_query.build(x_shape)
        if not self.to_key.built:
            self.to_key.build(memory_shape)
        self.to_score.build((None, self.units))

    @in_graph
    def project(self, memory):
        return self.to_key(memory)

    def score(self, q, keys):
        return self.to_score(ops.tanh(q[:, :, None] + keys[:, None]))[..., 0]  # from [B, T, S, A]

    def get_config(self):
        return super().get_config() | {"units": self.units}


@keras.saving.register_keras_serializable("tfllm")
class MultiplicativeAttention(_Attention):
    """score(x, m) = x · m ("dot") or x · W m ("general"). Luong et al. 2015, eq. 7 and the scores below it.

    Shapes and `keys` as in AdditiveAttention, keys [B, S, Q]. Raises ValueError for another score, and for "dot" if the
    widths differ. Not included: the paper's "concat", which is the additive score, and "location".
    """

    def __init__(self, score="general", **kwargs):
        super().__init__(**kwargs)
        if score not in ("general", "dot"):
            raise ValueError(f"score must be 'general' or 'dot'; got {score!r}")
        self.kind = score

    def build(self, x_shape, memory_shape):
        if self.kind == "general":
            self.to_key = keras.layers.Dense(x_shape[-1], use_bias=False, name="key", dtype=self.dtype_policy)
            self.to_key.build(memory_shape)
        elif x_shape[-1] != memory_shape[-1]:
            raise ValueError(
                f"score='dot' needs queries and memory of equal width; got {x_shape[-1]} and {memory_shape[-1]}: "
                "take score='general'"
            )

    def to_query(self, x):
        return x

    @in_graph
    def project(self, memory):
        return self.to_key(memory) if self.kind == "general" else memory

    def score(self, q, keys):
        return ops.matmul(q, ops.transpose(keys, (0, 2, 1)))

    def get_config(self):
        return super().get_config() | {"score": self.kind}
