"""Copying words from the source, with coverage: See et al. 2017, sec. 2.2 and 2.3.

Axes:  B batch  R rows: B, or several consecutive ones for each of B (beams)  T target tokens  S source tokens
       D width of the memory  A width of the score  E output ids: the vocabulary, then positions of the source
"""

import keras
from keras import ops

from tfllm.layers.attention import masked_softmax
from tfllm.layers.decoders.attention_decoder import looped, over_time
from tfllm.layers.in_graph import InGraph, in_graph

LEAST = 1e-30  # lower limit of a probability before its logarithm


@keras.saving.register_keras_serializable("tfllm")
class CoverageCell(keras.layers.Layer):
    """e_i = v · tanh(W_h h_i + W_s s_t + w_c c_i + b), a = softmax(e). See et al. 2017, eq. 1, 2, 10 and 11.

    One step: x W_s s_t + b [R, A]; states: the attention so far, c [R, S], the keys W_h h [B, S, A] and their
    mask [B, 1, S] -> (weights a [R, S], states). Without `coverage` there is no w_c.
    """

    def __init__(self, units, coverage=True, **kwargs):
        super().__init__(**kwargs)
        self.units, self.coverage = units, coverage
        self.state_size = [units] * 3  # required by keras.layers.RNN
        self.to_score = keras.layers.Dense(1, use_bias=False, name="score", dtype=self.dtype_policy)

    def build(self, x_shape=None):
        self.to_score.build((None, self.units))
        if self.coverage:
            self.of_coverage = self.add_weight(shape=(self.units,), initializer="zeros", name="of_coverage")

    def look(self, q, keys, mask, covered=None):
        """q [R, T, A], covered [R, T, S] -> weights [R, T, S] float32."""
        rows, positions = ops.shape(q)[:2]
        q = ops.reshape(q, (ops.shape(keys)[0], -1, 1, self.units))  # all rows of one memory are its queries
        inner = q + keys[:, None]  # [B, R/B T, S, A]
        if covered is not None:
            covered = ops.reshape(covered, ops.shape(inner)[:3])
            inner = inner + ops.cast(covered[..., None], inner.dtype) * ops.cast(self.of_coverage, inner.dtype)
        scores = ops.cast(self.to_score(ops.tanh(inner))[..., 0], "float32")[:, None]
        weights = masked_softmax(scores, mask)[:, 0]
        return ops.reshape(weights, (rows, positions, ops.shape(keys)[1]))

    def call(self, x, states):
        covered, keys, mask = states
        weights = self.look(x[:, None], keys, mask, covered[:, None])[:, 0]
        return weights, [covered + ops.cast(weights, covered.dtype), keys, mask]

    def get_config(self):
        return super().get_config() | {"units": self.units, "coverage": self.coverage}


@keras.saving.register_keras_serializable("tfllm")
class CopyAttention(InGraph, keras.layers.Layer):
    """Where in the source to copy the next word from: additive attention, optionally with coverage.

    x [R, T, D'], memory [B, S, D], attention_mask [B, 1, S], covered [R, S], the attention of earlier tokens (None:
    zero) -> (weights [R, T, S] float32, covered). Without coverage all T are computed in parallel, and covered is ();
    with coverage there is a loop over T.
    keys: [B, S, A] from `project(memory)`, to pass instead of memory if the same memory is used again.
    """

    def __init__(self, units, coverage=False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.coverage, policy = units, coverage, self.dtype_policy
        self.to_query = keras.layers.Dense(units, name="query", dtype=policy)
        self.to_key = keras.layers.Dense(units, use_bias=False, name="key", dtype=policy)
        self.loop = looped(CoverageCell(units, coverage, name="cell", dtype=policy), policy)

    def build(self, x_shape, memory_shape=None):
        self.to_query.build(x_shape)
        if memory_shape is not None and not self.to_key.built:
            self.to_key.build(memory_shape)
        self.loop.cell.build()
        self.loop.built = True

    @in_graph
    def project(self, memory):
        return self.to_key(memory)

    def call(self, x, memory=None, attention_mask=None, covered=None, keys=None):
        keys = self.project(memory) if keys is None else keys
        if attention_mask is None:
            attention_mask = ops.ones_like(keys[:, None, :, 0])
        q, mask = self.to_query(x), ops.cast(attention_mask, keys.dtype)
        if not self.coverage:
            return self.loop.cell.look(q, keys, mask), ()
        if covered is None:
            covered = ops.zeros((ops.shape(x)[0], ops.shape(keys)[1]), keys.dtype)
        weights, (covered, *_) = over_time(self.loop, q, [covered, keys, mask])
        return ops.cast(weights, "float32"), covered

    def get_config(self):
        return super().get_config() | {"units": self.units, "coverage": self.coverage}


def uncovered(weights):
    """Σ_i min(a_i, c_i) of each target token: weights a [B, T, S] -> [B, T]. See et al. 2017, eq. 10 and 12.

    c is the sum of the attention of earlier tokens: attending again to the same words has a cost.
    """
    before = ops.cumsum(weights, axis=1) - weights
    return ops.sum(ops.minimum(weights, before), axis=-1)


@keras.saving.register_keras_serializable("tfllm")
class Copying(keras.layers.Layer):
    """P(w) = p P_vocab(w) + (1 - p) Σ_{i: w_i = w} a_i, p = σ(w_h h* + w_s s + w_x x + b). See et al. 2017, eq. 8, 9.

    logits [R, T, V]; s [R, T, D'], the input of the softmax layer; x [R, T, D''], the embedding of the last token;
    memory [B, S, D]; weights a [R, T, S]; source_ids [B, S], below V + extra -> ln P float32 [R, T, V + extra].
    Ids from V on are words that are not in the vocabulary. Probabilities are at least 1e-30.
    """

    def __init__(self, extra, **kwargs):
        super().__init__(**kwargs)
        self.extra = extra
        self.to_switch = keras.layers.Dense(1, name="switch", dtype=self.dtype_policy)

    def build(self, s_shape, x_shape, memory_shape):
        self.to_switch.build((None, None, s_shape[-1] + x_shape[-1] + memory_shape[-1]))

    def call(self, logits, s, x, memory, weights, source_ids):
        batch, size = ops.shape(memory)[0], logits.shape[-1] + self.extra
        rows, positions = ops.shape(weights)[:2]
        looks = ops.reshape(ops.cast(weights, "float32"), (batch, -1, ops.shape(weights)[-1]))  # [B, R/B T, S]
        context = ops.matmul(looks, ops.cast(memory, "float32"))
        context = ops.reshape(context, (rows, positions, memory.shape[-1]))  # h*
        p = ops.concatenate([context, ops.cast(s, "float32"), ops.cast(x, "float32")], axis=-1)
        p = ops.sigmoid(ops.cast(self.to_switch(p), "float32"))  # [R, T, 1]
        row = ops.repeat(ops.arange(batch, dtype="int32")[:, None], ops.shape(source_ids)[1], axis=1)
        at = ops.stack([row, ops.cast(source_ids, "int32")], axis=-1)  # [B, S, 2]
        copied = ops.transpose(looks, (0, 2, 1))  # [B, S, R/B T]
        copied = ops.scatter(at, copied, (batch, size, ops.shape(copied)[2]))  # sums over all positions of a word
        copied = ops.reshape(ops.transpose(copied, (0, 2, 1)), (rows, positions, size))
        generated = ops.pad(ops.softmax(ops.cast(logits, "float32")), ((0, 0), (0, 0), (0, self.extra)))
        return ops.log(ops.maximum(p * generated + (1.0 - p) * copied, LEAST))

    def get_config(self):
        return super().get_config() | {"extra": self.extra}
