"""The mean of a text's word vectors, with optional layers above: the baseline without word order."""

import keras
from keras import ops

from tfllm.layers.in_graph import in_graph
from tfllm.layers.pooling import Pooling
from tfllm.models.encoder import Encoder, real
from tfllm.models.text_cnn import RANGE


@keras.saving.register_keras_serializable("tfllm")
class MeanOfVectors(Encoder):
    """z = Σ x_t / n, then `num_layers` of relu(W z + b): the deep averaging network. Iyyer et al. 2015, eq. 1 and 4.

    vocab_size  V;  embedding_dim  E of the word vectors
    hidden_dim  F of each of the `num_layers` layers; with none, the mean represents the text (as in Joulin et al. 2017)
    rate        probability of dropping a whole word from the mean (eq. 6 to 8)

    token_ids [B, T], padding_mask [B, T] -> x [B, T, E], the word vectors; `pool` -> [B, F], or [B, E] of the mean.
    Differs: the layers use relu, the paper tanh; the sum of the remaining words is divided by (1 - rate) n, not by
    their number.
    """

    pooling = "mean"
    special_tokens = False  # texts are read without START and END
    head_rate = 0.0  # a classification head above one text needs no dropout of its own

    def __init__(self, vocab_size, embedding_dim=300, hidden_dim=300, num_layers=0, rate=0.3, **kwargs):
        super().__init__(**kwargs)
        self.numbers = {
            "vocab_size": vocab_size, "embedding_dim": embedding_dim, "hidden_dim": hidden_dim,
            "num_layers": num_layers, "rate": rate,
        }  # fmt: skip
        self.vocab_size, self.width, policy = vocab_size, embedding_dim, self.dtype_policy
        self.pooled_width = hidden_dim if num_layers else embedding_dim
        start = keras.initializers.RandomUniform(-RANGE, RANGE)
        self.embed = keras.layers.Embedding(
            vocab_size, embedding_dim, embeddings_initializer=start, name="embed", dtype=policy
        )
        self.drop = keras.layers.Dropout(rate, noise_shape=(None, None, 1), name="drop", dtype=policy)
        self.mean = Pooling("mean", name="mean", dtype=policy)
        self.hidden = [
            keras.layers.Dense(hidden_dim, "relu", name=f"layer{i + 1}", dtype=policy) for i in range(num_layers)
        ]
        self.build()

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        self.embed.build()
        for i, part in enumerate(self.hidden):
            part.build((None, self.numbers["hidden_dim" if i else "embedding_dim"]))

    def call(self, token_ids, segment_ids=None, padding_mask=None, training=None):
        seen = ops.expand_dims(real(token_ids, padding_mask), -1)
        x = self.drop(self.embed(token_ids), training=training)
        return ops.where(seen, x, ops.zeros_like(x))  # [B, T, E]

    @in_graph
    def pool(self, x, padding_mask=None):
        x = self.mean(x, padding_mask=padding_mask)
        for part in self.hidden:
            x = part(x)
        return x
