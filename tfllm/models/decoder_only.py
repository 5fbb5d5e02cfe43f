"""What GPT and Llama share: blocks with caches between embeddings and logits, in one forward pass."""

from contextlib import contextmanager
from contextvars import ContextVar

import keras
from keras import ops

from tfllm.layers import masks
from tfllm.layers.attention import longer, places
from tfllm.layers.in_graph import in_graph
from tfllm.layers.positions import positions_of
from tfllm.layers.tied_logits import tied_logits
from tfllm.models.causal import CausalModel


class DecoderOnly(CausalModel):
    """Abstract. token_ids -> `embedded` -> `blocks` -> `norm` -> product with the embeddings, or `to_logits`.

    A subclass creates `embed`, `blocks` (layers with the call of EncoderBlock and an attention `look`), `norm`, and
    `to_logits` unless `tied`. window: the maximum number of tokens that a query attends to, itself included; None: all
    before it.
    """

    tied, window = True, None

    def embedded(self, token_ids, position, training):
        """token_ids [B, T] at `position` .. `position` + T - 1 -> x [B, T, D], the input of the first block."""
        x = self.embed(token_ids)
        if self.max_length is not None:
            positions_of(x, position, self.max_length)  # raises ValueError for a text that is too long
        return x

    @in_graph
    def features(self, token_ids, state=None, position=0, training=None):
        """token_ids [B, T] at `position` .. `position` + T - 1 -> (x [B, T, D], state). See CausalModel.

        token_ids [B], one token of each text -> x [B, D].
        """
        x, state, _ = self.forward(token_ids, state, position, training)
        return x, state

    @in_graph
    def attention(self, token_ids):
        """token_ids [B, T] -> {"layer1": weights [B, H, T, T], ...}: the attention weights of each block."""
        return self.forward(token_ids)[2]

    def forward(self, token_ids, state=None, position=0, training=None):
        """-> (x [B, T, D], state, attention weights by block [B, H, T, S])."""
        x = self.embedded(token_ids, position, training)
        length = ops.shape(token_ids)[1] if len(token_ids.shape) == 2 else 1
        if state is None:
            mask, where = masks.causal(length, length, window=self.window), None
        else:
            keys = state[0][0]
            mask = masks.causal(length, ops.shape(keys)[2], position, self.window)
            where = places(keys, position)
        weights, caches = {}, [None] * len(self.blocks) if state is None else list(state)
        for i, block in enumerate(self.blocks):
            x, weights[block.name], caches[i] = block(
                x, attention_mask=mask, cache=caches[i], position=position, where=where, training=training
            )
        return self.norm(x), () if state is None else caches, weights

    @in_graph
    def logits(self, x):
        """x [B, T, D] -> [B, T, V], or [B, D] -> [B, V]."""
        if not self.tied:
            return self.to_logits(x)
        return tied_logits(x, self.embed.embeddings)

    def constants(self):
        """What all steps need of the weights: {"matrix": the softmax matrix [D, V], which products read faster}."""
        return {"matrix": ops.transpose(ops.cast(self.embed.embeddings, self.compute_dtype))} if self.tied else {}

    def step(self, last, state, position, matrix=None):
        """As in CausalModel. matrix: see `constants`."""
        x, state = self.features(last[:, 0], state, position)
        return self.logits(x) if matrix is None else ops.matmul(x, matrix), state

    def start(self, rows, length):
        """Empty caches by block: (keys, values), each [rows, G, length, K].

        Raises ValueError for more than max_length.
        """
        if isinstance(length, int) and self.max_length is not None and length > self.max_length:
            raise ValueError(f"the model takes {self.max_length} tokens; got a state for {length}")
        look = self.blocks[0].look
        shape = (rows, look.num_kv_heads, length, look.width)
        return [(ops.zeros(shape, self.compute_dtype), ops.zeros(shape, self.compute_dtype)) for _ in self.blocks]

    def grow(self, state, length):
        """The caches, extended to `length` positions."""
        return [tuple(longer(part, length) for part in cache) for cache in state]


def normal(stddev):
    """A new initializer for each weight: two weights of equal size from one initializer would be equal."""
    return keras.initializers.Zeros() if _blank.get() else keras.initializers.RandomNormal(stddev=stddev)


_blank = ContextVar("blank", default=False)


@contextmanager
def blank():
    """Context manager: models that are made in it begin with zeros, for weights that are loaded: random ones take time,
    and twice their memory."""
    token = _blank.set(True)
    try:
        yield
    finally:
        _blank.reset(token)
