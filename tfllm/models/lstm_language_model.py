"""The documents' LSTM language model: Embedding -> LSTM -> Dense, stacked, with optional dropout and tied weights.

Differs from the documents' sample: every position has logits of its next token (the sample's LSTM returns one vector of
num_units at the end, without a Dense); the softmax is part of the loss.
"""

import keras
from keras import ops

from tfllm.layers.in_graph import in_graph
from tfllm.layers.recurrent import RecurrentStack
from tfllm.layers.tied_logits import tied_logits
from tfllm.models.causal import CausalModel


@keras.saving.register_keras_serializable("tfllm")
class LSTMLanguageModel(CausalModel):
    """token_ids [B, T] -> logits [B, T, V] of each next token. Zaremba et al. 2014.

    vocab_size     V;  embedding_dim  width of the word vectors
    num_units      width of each layer;  num_layers  of the stack
    rate           dropout probability, on all but the recurrent connections
    tied           one matrix for embedding and softmax (Press & Wolf 2017); if embedding_dim is not num_units, with a
                   projection between them
    cell           "lstm", or "gru"

    state: h and c (for a GRU only h) of each layer, [R, num_units]; its size is constant, so texts may have any length.
    Differs: embeddings are initialised by N(0, 1), tied ones by N(0, 1 / embedding_dim); the paper's weights are
    uniform.
    """

    def __init__(self, vocab_size, embedding_dim, num_units, num_layers=1, rate=0.0, tied=False, cell="lstm", **kwargs):
        super().__init__(**kwargs)
        self.numbers = {
            "vocab_size": vocab_size, "embedding_dim": embedding_dim, "num_units": num_units,
            "num_layers": num_layers, "rate": rate, "tied": tied, "cell": cell,
        }  # fmt: skip
        self.vocab_size, self.tied, policy = vocab_size, tied, self.dtype_policy
        start = keras.initializers.RandomNormal(stddev=embedding_dim**-0.5 if tied else 1.0)
        self.embed = keras.layers.Embedding(
            vocab_size, embedding_dim, embeddings_initializer=start, name="embed", dtype=policy
        )
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=policy)
        self.recur = RecurrentStack(num_layers, num_units, cell, rate, name="recur", dtype=policy)
        self.narrows = tied and embedding_dim != num_units
        if self.narrows:
            self.narrow = keras.layers.Dense(embedding_dim, use_bias=False, name="narrow", dtype=policy)
        if not tied:
            self.to_logits = keras.layers.Dense(vocab_size, name="to_logits", dtype=policy)
        self.build()

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        self.embed.build()
        self.recur.build((None, None, self.numbers["embedding_dim"]))
        for part in [*([self.narrow] if self.narrows else []), *([] if self.tied else [self.to_logits])]:
            part.build((None, None, self.numbers["num_units"]))
        if self.tied:
            self.bias = self.add_weight((self.vocab_size,), initializer="zeros", name="bias")

    def start(self, rows, length):
        """`length` is not used: the state has a constant size."""
        return self.recur.start(rows)

    @in_graph
    def features(self, token_ids, state=None, position=0, training=None):
        x = self.drop(self.embed(token_ids), training=training)
        x, after = self.recur(x, state=state, training=training)
        return x, () if state is None else after

    @in_graph
    def logits(self, x):
        if not self.tied:
            return self.to_logits(x)
        x = self.narrow(x) if self.narrows else x
        return tied_logits(x, self.embed.embeddings) + ops.cast(self.bias, x.dtype)
