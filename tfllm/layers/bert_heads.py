"""The two heads of BERT's pre-training: masked token prediction and next sentence prediction.

Axes:  B batch  T tokens, or selected positions  D width  V vocabulary
"""

import keras
from keras import ops

from tfllm.layers.transformer_blocks import ACTIVATIONS

STDDEV = 0.02  # of the initial values, as in the authors' code


@keras.saving.register_keras_serializable("tfllm")
class MaskedTokenHead(keras.layers.Layer):
    """norm(gelu(x W + b)) Eᵀ + c: logits of each token, E the embeddings. Devlin et al. 2019, sec. 3.1, task 1.

    x [..., D], embeddings [V, D] -> [..., V]. The dense layer and the norm are in the authors' code, not in the paper.
    vocab_size  V;  d_model  D;  activation  the name of a Keras activation, or "gelu_tanh";  epsilon  of the norm
    """

    def __init__(self, vocab_size, d_model, activation="gelu", epsilon=1e-12, **kwargs):
        super().__init__(**kwargs)
        self.numbers = {
            "vocab_size": vocab_size, "d_model": d_model, "activation": activation, "epsilon": epsilon,
        }  # fmt: skip
        self.vocab_size, self.d_model = vocab_size, d_model
        self.change = keras.layers.Dense(
            d_model, ACTIVATIONS.get(activation, activation), kernel_initializer=start(), name="change",
            dtype=self.dtype_policy,
        )  # fmt: skip
        self.norm = keras.layers.LayerNormalization(epsilon=epsilon, name="norm", dtype=self.dtype_policy)

    def build(self, x_shape=None, embeddings_shape=None):
        self.change.build((None, self.d_model))
        self.norm.build((None, self.d_model))
        self.bias = self.add_weight((self.vocab_size,), initializer="zeros", name="bias")

    def call(self, x, embeddings):
        x = self.norm(self.change(x))
        return ops.matmul(x, ops.transpose(ops.cast(embeddings, x.dtype))) + self.bias

    def get_config(self):
        return super().get_config() | self.numbers


@keras.saving.register_keras_serializable("tfllm")
class NextSentenceHead(keras.layers.Layer):
    """pooled [B, D] -> logits [B, 2]: 0 = the second text follows the first; 1 = it does not. Devlin et al. 2019, task
    2.

    d_model  D
    """

    def __init__(self, d_model, **kwargs):
        super().__init__(**kwargs)
        self.d_model = d_model
        self.to_logits = keras.layers.Dense(2, kernel_initializer=start(), name="to_logits", dtype=self.dtype_policy)

    def build(self, pooled_shape=None):
        self.to_logits.build((None, self.d_model))

    def call(self, pooled):
        return self.to_logits(pooled)

    def get_config(self):
        return super().get_config() | {"d_model": self.d_model}


def start():
    """A new initializer for each weight: N(0, 0.02²), truncated at two standard deviations."""
    return keras.initializers.TruncatedNormal(stddev=STDDEV)
