"""A causal model of three lines: h_t = h_{t-1} / 2 + e_t, logits = W h_t. Quick to trace, and it sees all that was."""

import keras
import numpy as np
from keras import ops

from tfllm.models.causal import CausalModel


@keras.saving.register_keras_serializable("tests")
class Fading(CausalModel):
    def __init__(self, vocab_size, width=16, max_length=None, **kwargs):
        super().__init__(**kwargs)
        self.vocab_size, self.width, self.max_length = vocab_size, width, max_length
        self.embed = keras.layers.Embedding(vocab_size, width, name="embed")
        self.to_logits = keras.layers.Dense(vocab_size, name="to_logits")
        self.embed.build()
        self.to_logits.build((None, None, width))
        self.built = True

    def start(self, rows, length):
        return {"h": ops.zeros((rows, self.width))}

    def features(self, token_ids, state=None, position=0, training=None):
        x = self.embed(token_ids)  # [R, T, D]
        t = ops.cast(ops.arange(ops.shape(x)[1]), "float32")
        fade = ops.where(t[:, None] >= t[None], 0.5 ** ops.maximum(t[:, None] - t[None], 0.0), 0.0)  # [T, T]
        x = ops.einsum("ts,rsd->rtd", fade, x)
        if state is None:
            return x, None
        x = x + 0.5 ** (t + 1.0)[None, :, None] * state["h"][:, None]
        return x, {"h": x[:, -1]}

    def logits(self, x):
        return self.to_logits(x)

    def get_config(self):
        return super().get_config() | {
            "vocab_size": self.vocab_size, "width": self.width, "max_length": self.max_length,
        }  # fmt: skip


def fading(vocab_size, seed=0, spread=1.0, **options):
    """With random weights, so that every text goes another way."""
    model, draw = Fading(vocab_size, **options), np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(draw.normal(0, spread, weight.shape))
    return model
