"""The documents' BigLanguageModel: Embedding -> RNN or CNN -> Attention -> Dense(vocab_size), causal throughout.

Differs from the documents' sample, which does not run as printed (docs/decisions.md): the RNN has a cell, `num_layers`
is used, the attention has queries, keys and values and is causal; dropout, and a residual connection with a norm around
the attention.
"""

import keras
from keras import ops

from tfllm.layers import masks
from tfllm.layers.attention import MultiHeadAttention
from tfllm.layers.convolution import ConvolutionStack
from tfllm.layers.in_graph import in_graph
from tfllm.layers.recurrent import RecurrentStack
from tfllm.layers.transformer_blocks import Residual
from tfllm.models.causal import CausalModel

ENCODERS = ("rnn", "cnn")


@keras.saving.register_keras_serializable("tfllm")
class BigLanguageModel(CausalModel):
    """token_ids [B, T] -> logits [B, T, V] of each next token.

    vocab_size   V;  embedding_dim  width of the word vectors
    hidden_dim   width of the encoder and of the attention;  num_layers  of the encoder
    encoder      "rnn": LSTM or GRU (`cell`); "cnn": gated causal convolutions over `kernel_size` tokens, with a
                 dilation that doubles from layer to layer (Kalchbrenner et al. 2016, sec. 3.4 to 3.6)
    num_heads    of the attention, a divisor of hidden_dim;  rate  dropout probability

    state: that of the encoder (h and c of an RNN, the last inputs of a CNN), and the attention's keys and values of
    `length` positions. Raises ValueError for an unknown encoder or cell.
    """

    def __init__(self, vocab_size, embedding_dim, hidden_dim, num_layers, encoder="rnn", cell="lstm", kernel_size=3,
                 num_heads=1, rate=0.1, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        if encoder not in ENCODERS:
            raise ValueError(f"encoder must be one of {ENCODERS}; got {encoder!r}")
        self.numbers = {
            "vocab_size": vocab_size, "embedding_dim": embedding_dim, "hidden_dim": hidden_dim,
            "num_layers": num_layers, "encoder": encoder, "cell": cell, "kernel_size": kernel_size,
            "num_heads": num_heads, "rate": rate,
        }  # fmt: skip
        self.vocab_size, policy = vocab_size, self.dtype_policy
        start = keras.initializers.RandomNormal(stddev=1.0)  # Keras' default, 0.03, is too small to train
        self.embed = keras.layers.Embedding(
            vocab_size, embedding_dim, embeddings_initializer=start, name="embed", dtype=policy
        )
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=policy)
        if encoder == "rnn":
            self.encode = RecurrentStack(num_layers, hidden_dim, cell, rate, name="encode", dtype=policy)
        else:
            self.encode = ConvolutionStack(num_layers, hidden_dim, kernel_size, rate, name="encode", dtype=policy)
        self.attend = MultiHeadAttention(hidden_dim, num_heads, rate, name="attend", dtype=policy)
        self.add = Residual(rate, name="add", dtype=policy)
        self.to_logits = keras.layers.Dense(vocab_size, name="to_logits", dtype=policy)
        self.build()

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        self.embed.build()
        self.encode.build((None, None, self.numbers["embedding_dim"]))
        for part in (self.attend, self.add, self.to_logits):
            part.build((None, None, self.numbers["hidden_dim"]))

    def start(self, rows, length):
        heads, width = self.numbers["num_heads"], self.numbers["hidden_dim"]
        shape = (rows, heads, length, width // heads)
        return self.encode.start(rows), tuple(ops.zeros(shape, self.compute_dtype) for _ in ("keys", "values"))

    @in_graph
    def features(self, token_ids, state=None, position=0, training=None):
        x, state, _ = self.forward(token_ids, state, position, training)
        return x, state

    @in_graph
    def attention(self, token_ids):
        """token_ids [B, T] -> attention weights [B, H, T, T]."""
        return self.forward(token_ids)[2]

    def forward(self, token_ids, state=None, position=0, training=None):
        """-> (x [R, T, D], state, attention weights [R, H, T, S])."""
        before, cache = (None, None) if state is None else state
        x = self.drop(self.embed(token_ids), training=training)
        x, after = self.encode(x, state=before, training=training)
        positions = ops.shape(x)[1]
        mask = masks.causal(positions, positions if cache is None else ops.shape(cache[0])[2], position)
        h, weights, cache = self.attend(
            x, memory=x, attention_mask=mask, cache=cache, position=position, training=training
        )
        x = self.add(x, h, training=training)
        return x, () if state is None else (after, cache), weights

    @in_graph
    def logits(self, x):
        return self.to_logits(x)
