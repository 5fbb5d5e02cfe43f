"""The character model of textgenrnn (Woolf 2017): Embedding -> LSTMs -> attention-weighted average -> Dense.

For each next token it reads the last `window` tokens from an empty state, as it was trained. Not included: its
bidirectional layers and its second input, the context labels.
"""

import keras
from keras import ops

from tfllm.layers.in_graph import in_graph
from tfllm.layers.pooling import AttentionWeightedAverage
from tfllm.layers.recurrent import Recurrent
from tfllm.models.causal import CausalModel


@keras.saving.register_keras_serializable("tfllm")
class TextgenRNN(CausalModel):
    """token_ids [B, T] -> logits [B, T, V] of each next token.

    vocab_size  V;  embedding_dim  width of the vectors;  num_units  width of each of `num_layers` LSTMs
    window      number of tokens that a prediction depends on; before the text they are PAD, which is read like any
                other token

    state: the last window - 1 token_ids, [R, window - 1]. Each prediction costs `window` steps of the LSTMs.
    """

    def __init__(self, vocab_size, embedding_dim=100, num_units=128, num_layers=2, window=40, **kwargs):
        super().__init__(**kwargs)
        self.numbers = {
            "vocab_size": vocab_size, "embedding_dim": embedding_dim, "num_units": num_units,
            "num_layers": num_layers, "window": window,
        }  # fmt: skip
        self.vocab_size, self.window, policy = vocab_size, window, self.dtype_policy
        self.embed = keras.layers.Embedding(vocab_size, embedding_dim, name="embed", dtype=policy)
        self.recur = [Recurrent(num_units, name=f"rnn_{i + 1}", dtype=policy) for i in range(num_layers)]
        self.average = AttentionWeightedAverage(name="average", dtype=policy)
        self.to_logits = keras.layers.Dense(vocab_size, name="to_logits", dtype=policy)
        self.build()

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        self.embed.build()
        width, units = self.numbers["embedding_dim"], self.numbers["num_units"]
        for i, part in enumerate(self.recur):
            part.build((None, None, units if i else width))
        for part in (self.average, self.to_logits):
            part.build((None, None, width + len(self.recur) * units))

    def start(self, rows, length):
        """`length` is not used: the state has a constant size."""
        return ops.zeros((rows, self.window - 1), "int32")

    @in_graph
    def features(self, token_ids, state=None, position=0, training=None):
        rows, length = ops.shape(token_ids)
        before = self.start(rows, length) if state is None else state
        token_ids = ops.concatenate([before, ops.cast(token_ids, "int32")], axis=1)
        positions = ops.arange(length, dtype="int32")[:, None] + ops.arange(self.window, dtype="int32")  # [T, window]
        windows = ops.reshape(ops.take(token_ids, positions, axis=1), (-1, self.window))  # [R T, window]
        x = self.forward(windows, training)
        last = ops.reshape(token_ids[:, length:], (-1, self.window - 1))
        return ops.reshape(x, (rows, length, x.shape[-1])), () if state is None else last

    def forward(self, token_ids, training=None):
        """token_ids [B, T] -> the attention-weighted average over all positions, [B, D]."""
        x = self.embed(token_ids)
        outputs = [x]
        for part in self.recur:
            x, _ = part(x, training=training)
            outputs.append(x)
        return self.average(ops.concatenate(outputs, axis=-1))[0]

    @in_graph
    def logits(self, x):
        return self.to_logits(x)
