"""Scaled dot-product attention and multi-head attention: self, cross and cached, in one forward pass.

Axes:  B batch  T queries  S keys  D width  H heads  G heads of keys and values  K head width
"""

from contextlib import contextmanager
from contextvars import ContextVar

import keras
from keras import ops

from tfllm.layers.in_graph import InGraph, in_graph
from tfllm.layers.rotary import rotate


def scaled_dot_product_attention(q, k, v, attention_mask=None, drop=None):
    """softmax(q kᵀ / √K) v. Vaswani et al. 2017, eq. 1.

    q [B, T, H, K], k and v [B, S, G, K], attention_mask [B or 1, T or 1, S] bool, True = may be attended to
    -> ([B, T, H, K], weights [B, H, T, S] float32). See `attend`, which takes the heads first.
    """
    out, weights = attend(swapped(q), swapped(k), swapped(v), attention_mask, drop)
    return swapped(out), weights


def attend(q, k, v, attention_mask=None, drop=None):
    """softmax(q kᵀ / √K) v, heads first: two products of matrices, without a transposed copy.

    q [B, H, T, K], k and v [B, G, S, K], attention_mask [B or 1, T or 1, S] bool, True = may be attended to
    -> ([B, H, T, K], weights [B, H, T, S] float32). A query with nothing to attend to gets weights of zero, not NaN.
    G divides H: the query heads h H/G .. (h + 1) H/G - 1 share key and value head h (Ainslie et al. 2023, fig. 2).
    `drop` (a dropout layer) acts on the weights of the sum, not on the returned weights.
    Differs: the softmax is in float32, whatever the compute dtype.
    """
    heads, shared, width = q.shape[1], k.shape[1], q.shape[-1]
    queries = ops.shape(q)[2]
    q = q / ops.sqrt(ops.cast(width, q.dtype))
    if shared != heads:
        q = ops.reshape(q, (-1, shared, heads // shared * queries, width))
    scores = ops.einsum("bhtk,bhsk->bhts", q, k)
    if shared != heads:
        scores = ops.reshape(scores, (-1, heads, queries, ops.shape(k)[2]))
    weights = masked_softmax(ops.cast(scores, "float32"), attention_mask)
    kept = ops.cast(weights if drop is None else drop(weights), v.dtype)
    if shared == heads:
        return ops.matmul(kept, v), weights
    kept = ops.reshape(kept, (-1, shared, heads // shared * queries, ops.shape(k)[2]))
    return ops.reshape(ops.matmul(kept, v), (-1, heads, queries, width)), weights


def swapped(x):
    """[B, T, H, K] -> [B, H, T, K], or back."""
    _, first, second, width = x.shape
    if isinstance(first, int) and isinstance(second, int) and 1 in (first, second):
        return ops.reshape(x, (-1, second, first, width))  # the same order in memory
    return ops.transpose(x, (0, 2, 1, 3))


def masked_softmax(scores, attention_mask):
    """scores [B, H, T, S] float32 -> weights, the same shape: 0 where the mask [B or 1, T or 1, S] is False."""
    softmax = ops.ones_like if scores.shape[-1] == 1 else ops.softmax  # Keras warns about a softmax over one number
    if attention_mask is None:
        return softmax(scores)
    allowed = ops.cast(attention_mask[:, None], "float32")  # [B or 1, 1, T or 1, S]
    # -1e9 gives e^x = 0 next to any allowed score; if none is allowed, the product gives zeros. `where` is not faster.
    # A sum instead of the difference would be fused with the product before it, to an operation 20 times as slow.
    return softmax(scores - (1.0 - allowed) * 1e9) * allowed


_UPDATE = ContextVar("update", default=ops.scatter_update)


@contextmanager
def writing_by(update):
    """Context manager: `write` stores one token by `update(rows [N, K], where [M, 1], new [M, K]) -> rows`.

    By default this is ops.scatter_update, which copies the cache in TensorFlow. The owner of a loop may pass an
    operation that changes the cache itself.
    """
    token = _UPDATE.set(update)
    try:
        yield
    finally:
        _UPDATE.reset(token)


def places(cache, position):
    """Where one token at `position` is in a cache [B, G, S, K]: its rows in [B G S, K], int32 [B G, 1]; and S.

    Computed once for caches of the same shape, see `write`.
    """
    rows, heads, positions = ops.shape(cache)[:3]
    at = ops.arange(rows * heads, dtype="int32") * positions + position
    return at[:, None], ops.convert_to_tensor(positions, "int32")


def write(cache, new, position, where=None):
    """The cache [B, G, S, K] with `new` [B, G, T, K] at positions `position` .. `position` + T - 1.

    Only uses operations that every runtime has: one token (T = 1) is scattered (see `writing_by`); for several tokens
    the cache is copied once. where: `places` of the token, if they are known; unused for several tokens.
    Raises ValueError if they are known not to fit.
    """
    new = ops.cast(new, cache.dtype)
    positions, length = cache.shape[2], new.shape[2]
    if all(isinstance(size, int) for size in (positions, length, position)) and position + length > positions:
        raise ValueError(
            f"the cache has {positions} positions, and {position + length} are needed: start with a longer one"
        )
    if length == 1:
        (_, heads, _, width), (rows, size) = cache.shape, places(cache, position) if where is None else where
        flat = _UPDATE.get()(ops.reshape(cache, (-1, width)), rows, ops.reshape(new, (-1, width)))
        return ops.reshape(flat, (-1, heads, size, width))
    # [S]: the index of the new token at each position
    source = ops.arange(ops.shape(cache)[2], dtype="int32") - position
    inside = ops.logical_and(source >= 0, source < ops.shape(new)[2])
    return ops.where(inside[:, None], ops.take(new, ops.where(inside, source, 0), axis=2), cache)


def longer(cache, positions):
    """The cache [B, G, S, K], extended to `positions` by zeros."""
    rows, heads, before, width = ops.shape(cache)
    return ops.concatenate([cache, ops.zeros((rows, heads, positions - before, width), cache.dtype)], axis=2)


@keras.saving.register_keras_serializable("tfllm")
class MultiHeadAttention(InGraph, keras.layers.Layer):
    """softmax(Q Kᵀ / √d_k) V in H heads. Vaswani et al. 2017, sec. 3.2.2 and fig. 2.

    x [B, T, D]; memory [B, S, D] is attended to (x itself for self-attention);
    attention_mask [B or 1, T or 1, S] bool -> (output [B, T, D], weights [B, H, T, S], cache).
    Without a cache, the returned cache is (). With a cache (keys, values), each [B, G, S, K], the new keys and values
    are written at `position`, and S is the length of the cache. With a cache and memory None, only the cache is
    attended to (see `project`); x may then have several consecutive rows for each row of the cache, such as the beams
    of a sentence. To decode token by token, x may be [B, D], one position of each text (T = 1), and so may a memory
    that is written to the cache; the output is [B, D]. where: `places` of that position, computed once for all layers.

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
        """[B, T, H K] or [B, H K] -> [B, T, H, K]; G instead of H for keys and values."""
        heads, length = x.shape[-1] // self.width, 1 if len(x.shape) == 2 else x.shape[1]
        before = (-1, length) if isinstance(length, int) else ops.shape(x)[:2]
        return ops.reshape(x, (*before, heads, self.width))

    def placed(self, x, norm, position):
        """Queries or keys [B, T, H, K], normalised and rotated, if this layer does so."""
        x = x if norm is None else norm(x)
        return x if self.rotary is None else rotate(x, position, self.rotary)

    @in_graph
    def project(self, memory, position=0):
        """memory [B, S, D] -> (keys, values), each [B, G, S, K]: computed once, then passed as `cache`."""
        keys = self.placed(self.heads(self.to_key(memory)), self.norm_key, position)
        return swapped(keys), swapped(self.heads(self.to_value(memory)))

    def call(self, x, memory=None, attention_mask=None, cache=None, position=0, where=None):
        q = swapped(self.placed(self.heads(self.to_query(x)), self.norm_query, position))  # [B, H, T, K]
        if memory is None and cache is None:
            raise ValueError("nothing to attend: give memory (x itself for self-attention) or a cache")
        if memory is None:
            k, v = cache
            q = self.grouped(q, ops.shape(k)[0])
        else:
            k, v = self.project(memory, position)  # [B, G, S, K]
            if cache is not None:
                k, v = cache = (write(cache[0], k, position, where), write(cache[1], v, position, where))
        out, weights = attend(q, k, v, attention_mask, self.drop)
        before = (-1,) if len(x.shape) == 2 else ops.shape(x)[:2]
        out = ops.reshape(swapped(out), (*before, self.num_heads * self.width))  # [B, T, H K]
        return self.to_output(out), weights, () if cache is None else cache  # a Keras graph cannot contain None

    def grouped(self, q, rows):
        """[R, H, T, K] -> [rows, H, R T / rows, K]: consecutive rows become queries of one."""
        q = ops.reshape(swapped(q), (rows, -1, self.num_heads, self.width))
        return swapped(q)

    def get_config(self):
        return super().get_config() | self.numbers
