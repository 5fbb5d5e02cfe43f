"""Scaled dot-product attention and multi-head attention: self, cross and cached, by one forward pass.

Axes:  B batch  T queries  S keys  D width  H heads  K head width
"""

import keras
from keras import ops


def scaled_dot_product_attention(q, k, v, attention_mask=None, drop=None):
    """softmax(q kᵀ / √K) v. Vaswani et al. 2017, eq. 1.

    q [B, T, H, K], k and v [B, S, H, K], attention_mask [B or 1, T or 1, S] bool, True = may look
    -> ([B, T, H, K], weights [B, H, T, S] float32). A query that may look nowhere gets weights of zero, not NaN.
    `drop` (a dropout layer) acts on the weights of the sum, not on those that are returned.
    Differs: the softmax is in float32 whatever the compute type.
    """
    scores = ops.einsum("bthk,bshk->bhts", q / ops.sqrt(ops.cast(q.shape[-1], q.dtype)), k)
    weights = _masked_softmax(ops.cast(scores, "float32"), attention_mask)  # [B, H, T, S]
    kept = weights if drop is None else drop(weights)
    return ops.einsum("bhts,bshk->bthk", ops.cast(kept, v.dtype), v), weights


def _masked_softmax(scores, attention_mask):
    softmax = ops.ones_like if scores.shape[-1] == 1 else ops.softmax  # Keras warns of the softmax of one number
    if attention_mask is None:
        return softmax(scores)
    allowed = ops.cast(attention_mask[:, None], "float32")  # [B or 1, 1, T or 1, S]
    return softmax(scores + (allowed - 1.0) * 1e9) * allowed


def write(cache, new, position):
    """The cache [B, S, H, K] with `new` [B, T, H, K] at places `position` .. `position` + T - 1.

    One token at a time (T = 1) is scattered, which every runtime can do; more are sliced in.
    """
    new = ops.cast(new, cache.dtype)
    if new.shape[1] == 1:
        rows = ops.arange(ops.shape(cache)[0])
        return ops.scatter_update(cache, ops.stack([rows, ops.zeros_like(rows) + position], axis=1), new[:, 0])
    return ops.slice_update(cache, (0, position, 0, 0), new)


@keras.saving.register_keras_serializable("tfllm")
class MultiHeadAttention(keras.layers.Layer):
    """softmax(Q Kᵀ / √d_k) V in H heads. Vaswani et al. 2017, sec. 3.2.2 and fig. 2.

    x [B, T, D]; memory [B, S, D] is what is attended (x itself for self-attention);
    attention_mask [B or 1, T or 1, S] bool -> (output [B, T, D], weights [B, H, T, S], cache).
    With a cache (keys, values), each [B, S, H, K], the new keys and values are written at `position` and S is the
    length of the cache. With a cache and memory None, the cache is all there is to attend (see `project`); x may then
    have several rows, side by side, for each row of the cache, such as the beams of one sentence.
    Differs: dropout on the weights (as in the authors' code, not in the paper's text).
    Raises ValueError where d_model is no multiple of num_heads, and where there is neither memory nor cache.
    """

    def __init__(self, d_model, num_heads, rate=0.0, **kwargs):
        super().__init__(**kwargs)
        if d_model % num_heads:
            raise ValueError(f"d_model must be a multiple of num_heads; got {d_model} and {num_heads}")
        self.d_model, self.num_heads, self.rate = d_model, num_heads, rate
        self.to_query = keras.layers.Dense(d_model, name="query", dtype=self.dtype_policy)
        self.to_key = keras.layers.Dense(d_model, name="key", dtype=self.dtype_policy)
        self.to_value = keras.layers.Dense(d_model, name="value", dtype=self.dtype_policy)
        self.to_output = keras.layers.Dense(d_model, name="output", dtype=self.dtype_policy)
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=self.dtype_policy)

    def build(self, x_shape):
        for part in (self.to_query, self.to_key, self.to_value, self.to_output):
            part.build((None, None, self.d_model))

    def heads(self, x):
        return ops.reshape(x, (*ops.shape(x)[:2], self.num_heads, self.d_model // self.num_heads))

    def project(self, memory):
        """memory [B, S, D] -> (keys, values), each [B, S, H, K]: done once, then handed back as `cache`."""
        return self.heads(self.to_key(memory)), self.heads(self.to_value(memory))

    def call(self, x, memory=None, attention_mask=None, cache=None, position=0):
        q = self.heads(self.to_query(x))  # [B, T, H, K]
        if memory is None and cache is None:
            raise ValueError("nothing to attend: give memory (x itself for self-attention) or a cache")
        if memory is None:
            k, v = cache
            q = ops.reshape(q, (ops.shape(k)[0], -1, *ops.shape(q)[2:]))  # all rows of one memory are its queries
        else:
            k, v = self.project(memory)  # [B, S, H, K]
            if cache is not None:
                k, v = cache = (write(cache[0], k, position), write(cache[1], v, position))
        out, weights = scaled_dot_product_attention(q, k, v, attention_mask, self.drop)
        out = ops.reshape(out, (*ops.shape(x)[:2], self.d_model))  # [B, T, D]
        return self.to_output(out), weights, cache

    def get_config(self):
        return super().get_config() | {"d_model": self.d_model, "num_heads": self.num_heads, "rate": self.rate}
