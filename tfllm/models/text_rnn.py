"""A bidirectional LSTM or GRU over a text: Embedding -> both directions -> their final states, or a pooling of all."""

import keras
from keras import ops

from tfllm.layers.bidirectional import BidirectionalEncoder
from tfllm.layers.in_graph import in_graph
from tfllm.layers.pooling import Pooling
from tfllm.models.encoder import Encoder, real
from tfllm.models.text_cnn import RANGE

POOLINGS = ("ends", "max", "mean", "attention")


@keras.saving.register_keras_serializable("tfllm")
class TextRNN(Encoder):
    """Forward and backward states, concatenated at every token. Conneau et al. 2017, sec. 3.2.2 (pooling "max",
    "mean").

    vocab_size  V;  embedding_dim  of the word vectors;  cell  "lstm" or "gru"
    num_units   U of each of `num_layers` layers, half of it for each direction
    pooling     "ends": the last forward state, after the last token, and the last backward state, at the first token;
                "max" and "mean" over all real tokens; "attention", as in layers.Pooling
    rate        dropout probability, on the word vectors and after each layer

    token_ids [B, T], padding_mask [B, T], real tokens first -> x [B, T, U]; `pool` -> [B, U].
    Raises ValueError for another cell or pooling, and for an odd num_units.
    Differs: pooling "attention" has one vector of scores, not Conneau's several views of a text.
    """

    special_tokens = False  # texts are read without START and END

    def __init__(self, vocab_size, embedding_dim=300, num_units=256, num_layers=1, cell="lstm", pooling="max",
                 rate=0.3, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        if pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {POOLINGS}; got {pooling!r}")
        self.numbers = {
            "vocab_size": vocab_size, "embedding_dim": embedding_dim, "num_units": num_units,
            "num_layers": num_layers, "cell": cell, "pooling": pooling, "rate": rate,
        }  # fmt: skip
        self.vocab_size, self.pooling, policy = vocab_size, pooling, self.dtype_policy
        self.width = self.pooled_width = num_units
        start = keras.initializers.RandomUniform(-RANGE, RANGE)
        self.embed = keras.layers.Embedding(
            vocab_size, embedding_dim, embeddings_initializer=start, name="embed", dtype=policy
        )
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=policy)
        self.encode = BidirectionalEncoder(num_layers, num_units, cell, rate, name="encode", dtype=policy)
        self.gather = Pooling("last" if pooling == "ends" else pooling, name="gather", dtype=policy)
        self.build()

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        self.embed.build()
        self.encode.build((None, None, self.numbers["embedding_dim"]))
        self.gather.build((None, None, self.width))

    def call(self, token_ids, segment_ids=None, padding_mask=None, training=None):
        seen = real(token_ids, padding_mask)
        x = self.drop(self.embed(token_ids), training=training)
        x, _ = self.encode(x, padding_mask=seen, training=training)
        return ops.where(ops.expand_dims(seen, -1), x, ops.zeros_like(x))  # [B, T, U]

    @in_graph
    def pool(self, x, padding_mask=None):
        pooled = self.gather(x, padding_mask=padding_mask)
        if self.pooling == "ends":
            half = self.width // 2
            pooled = ops.concatenate([pooled[:, :half], x[:, 0, half:]], axis=-1)
        return pooled
