"""Scaled dot-product attention and multi-head attention: self, cross and cached, in one forward pass.

Axes:  B batch  T queries  S keys  D width  H heads  G heads of keys and values  K head width
"""

import keras
from keras import ops

from tfllm.layers.in_graph import InGraph, in_graph
from tfllm.layers.rotary import rotate


def scaled_dot_product_attention(q, k, v, attention_mask=None, drop=None):
    """softmax(q kᵀ / √K) v. Vaswani et al. 2017, eq. 1.

    q [B, T, H, K], k and v [B, S, G, K], attention_mask [B or 1, T or 1, S] bool, True = may be attended to
    -> ([B, T, H, K], weights [B, H, T, S] float32). A query with nothing to attend to gets weights of zero, not NaN.
    G divides H: the query heads h H/G .. (h + 1) H/G - 1 share key and value head h (Ainslie et al. 2023, fig. 2).
    `drop` (a dropout layer) acts on the weights of the sum, not on the returned weights.
    Differs: the softmax is in float32, whatever the compute dtype.
    """
    heads, shared = q.shape[2], k.shape[2]
    q = q / ops.sqrt(ops.cast(q.shape[-1], q.dtype))
    if shared == heads:
        scores = ops.einsum("bthk,bshk->bhts", q, k)
    else:
        q = ops.reshape(q, (*ops.shape(q)[:2], shared, heads // shared, q.shape[-1]))  # [B, T, G, H / G, K]
        scores = ops.einsum("btgjk,bsgk->bgjts", q, k)
        scores = ops.reshape(scores, (ops.shape(scores)[0], heads, *ops.shape(scores)[3:]))
    weights = masked_softmax(ops.cast(scores, "float32"), attention_mask)  # [B, H, T, S]
    kept = ops.cast(weights if drop is None else drop(weights), v.dtype)
    if shared == heads:
        return ops.einsum("bhts,bshk->bthk", kept, v), weights
    kept = ops.reshape(kept, (ops.shape(kept)[0], shared, heads // shared, *ops.shape(kept)[2:]))
    out = ops.einsum("bgjts,bsgk->btgjk", kept, v)
    return ops.reshape(out, (*ops.shape(out)[:2], heads, out.shape[-1])), weights


def masked_softmax(scores, attention_mask):
    """scores [B, H, T, S] float32 -> weights, the same shape: 0 where the mask [B or 1, T or 1, S] is False."""
    softmax = ops.ones_like if scores.shape[-1] == 1 else ops.softmax  # Keras warns about a softmax over one number
    if attention_mask is None:
        return softmax(scores)
    allowed = ops.cast(attention_mask[:, None], "float32")  # [B or 1, 1, T or 1, S]
    # -1e9 gives e^x = 0 next to any allowed score; if none is allowed, the product gives zeros. `where` is not faster.
    return softmax(scores + (allowed - 1.0) * 1e9) * allowed


def write(cache, new, position):
    """The cache [B, S, G, K] with `new` [B, T, G, K] at positions `position` .. `position` + T - 1.

    Only uses operations that every runtime has: one token (T = 1) is scattered, so nothing else is touched; for several
    tokens the cache is copied once. Raises ValueError if they are known not to fit.
    """
    new = ops.cast(new, cache.dtype)
    positions, length = cache.shape[1], new.shape[1]
    if all(isinstance(size, int) for size in (positions, length, position)) and position + length > positions:
        raise ValueError(
            f"the cache has {positions} positions, and {position + length} are needed: start with a longer one"
        )
    if length == 1:
        rows = ops.arange(ops.shape(cache)[0], dtype="int32")
        return ops.scatter_update(cache, ops.stack([rows, ops.zeros_like(rows) + position], axis=1), new[:, 0])
    # [S]: the index of the new token at each position
    source = ops.arange(ops.shape(cache)[1], dtype="int32") - position
    inside = ops.logical_and(source >= 0, source < ops.shape(new)[1])
    return ops.where(inside[:, None, None], ops.take(new, ops.where(inside, source, 0), axis=1), cache)


@keras.saving.register_keras_serializable("tfllm")
class MultiHeadAttention(InGraph, keras.layers.Layer):
    """softmax(Q Kᵀ / √d_k) V in H heads. Vaswani et al. 2017, sec. 3.2.2 and fig. 2.

    x [B, T, D]; memory [B, S, D] is attended to (x itself for self-attention);
    attention_mask [B or 1, T or 1, S] bool -> (output [B, T, D], weights [B, H, T, S], cache).
    Without a cache, the returned cache is (). With a cache (keys, values), each [B, S, G, K], the new keys and values
    are written at `position`, and S is the length of the cache. With a cache and memory None, only the cache is
    attended to (see `project`); x may then have several consecutive rows for each row of the cache, such as the beams
    of a sentence.

    rate          dropout probability
    num_kv_heads  G, a divisor of H: heads of the keys and values, each shared by H / G heads of the queries (Ainslie
                  et al. 2023); None: H
    rotary        the base of rotary positions, 10000.0 in Su et al. 2021, or K / 2 speeds (rotary.py); None: no
                  rotation
    use_bias      whether the projections have biases; "inputs": those of queries, keys and values only, as in Qwen2
    head_width    K; None: D / H
    norm_heads    epsilon of RMS norms of each query and key before the rotation (Dehghani et al. 2023, sec. 2, QK
                  normalization; as in Qwen3); None: no norms

    Differs: dropout on the weights (as in the authors' code, not in the paper's text).
    Raises ValueError if d_model is not a multiple of num_heads (unless head_width is given), if num_heads is not a
    multiple of num_kv_heads, and if both memory and cache are missing.
    """

    def __init__(self, d_model, num_heads, rate=0.0, num_kv_heads=None, rotary=None, use_bias=True, head_width=None,
                 norm_heads=None, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        if d_model % num_heads and head_width is None:
            raise ValueError(f"d_model must be a multiple of num_heads; got {d_model} and {num_heads}")
        if num_kv_heads is not None and (num_kv_heads < 1 or num_heads % num_kv_heads):
            raise ValueError(f"num_heads must be a multiple of num_kv_heads; got {num_heads} and {num_kv_heads}")
        self.numbers = {
            "d_model": d_model, "num_heads": num_heads, "rate": rate,
            "num_kv_heads": num_kv_heads, "rotary": rotary, "use_bias": use_bias, "head_width": head_width,
            "norm_heads": norm_heads,
        }  # fmt: skip
        self.d_model, self.num_heads, self.rate, self.rotary = d_model, num_heads, rate, rotary
        self.num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        self.width = d_model // num_heads if head_width is None else head_width  # K

        def dense(size, name, use_bias=bool(use_bias)):
            return keras.layers.Dense(size, use_bias=use_bias, name=name, dtype=self.dtype_policy)

        self.to_query = dense(num_heads * self.width, "query")
        self.to_output = dense(d_model, "output", use_bias is True)
        self.to_key = dense(self.num_kv_heads * self.width, "key")
        self.to_value = dense(self.num_kv_heads * self.width, "value")
        self.norm_query, self.norm_key = (
            None
            if norm_heads is None
            else keras.layers.RMSNormalization(epsilon=norm_heads, name=name, dtype=self.dtype_policy)
            for name in ("norm_query", "norm_key")
        )
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=self.dtype_policy)

    def build(self, x_shape):
        for part in (self.to_query, self.to_key, self.to_value):
            part.build((None, None, self.d_model))
        self.to_output.build((None, None, self.num_heads * self.width))
        if self.norm_query is not None:
            for part in (self.norm_query, self.norm_key):
                part.build((None, None, None, self.width))

    def heads(self, x):
        """[B, T, H K] -> [B, T, H, K]; G instead of H for keys and values."""
        return ops.reshape(x, (*ops.shape(x)[:2], x.shape[-1] // self.width, self.width))

    def placed(self, x, norm, position):
        """Queries or keys [B, T, H, K], normalised and rotated, if this layer does so."""
        x = x if norm is None else norm(x)
        return x if self.rotary is None else rotate(x, position, self.rotary)

    @in_graph
    def project(self, memory, position=0):
        """memory [B, S, D] -> (keys, values), each [B, S, G, K]: computed once, then passed as `cache`."""
        keys = self.placed(self.heads(self.to_key(memory)), self.norm_key, position)
        return keys, self.heads(self.to_value(memory))

    def call(self, x, memory=None, attention_mask=None, cache=None, position=0):
        q = self.placed(self.heads(self.to_query(x)), self.norm_query, position)  # [B, T, H, K]
        if memory is None and cache is None:
            raise ValueError("nothing to attend: give memory (x itself for self-attention) or a cache")
        if memory is None:
            k, v = cache
            q = ops.reshape(q, (ops.shape(k)[0], -1, *ops.shape(q)[2:]))  # all rows of one memory are its queries
        else:
            k, v = self.project(memory, position)  # [B, S, G, K]
            if cache is not None:
                k, v = cache = (write(cache[0], k, position), write(cache[1], v, position))
        out, weights = scaled_dot_product_attention(q, k, v, attention_mask, self.drop)
        out = ops.reshape(out, (*ops.shape(x)[:2], self.num_heads * self.width))  # [B, T, H K]
        return self.to_output(out), weights, () if cache is None else cache  # a Keras graph cannot contain None

    def get_config(self):
        return super().get_config() | self.numbers
