"""Attention in both directions between a text and a question, and the highway network below it. Seo et al. 2017.

Axes:  B batch  T tokens of the context  J of the question  U width
"""

import keras
from keras import ops

from tfllm.layers.attention import masked_softmax


@keras.saving.register_keras_serializable("tfllm")
class AttentionFlow(keras.layers.Layer):
    """G_t = [h; ũ; h ∘ ũ; h ∘ h̃]: each word of the context, related to the question. Seo et al. 2017, eq. 1 and 2.

    S_tj = w · [h_t; u_j; h_t ∘ u_j];  ũ_t = Σ_j softmax_j(S_t)_j u_j (context to query);
    h̃ = Σ_t softmax_t(max_j S_tj) h_t, the same for all t (query to context).

    h [B, T, U], u [B, J, U], context_mask [B, T] and question_mask [B, J] bool, True = real -> [B, T, 4 U].
    w is applied as three vectors, which avoids a tensor [B, T, J, 3 U]. Padding does not change real positions.
    Differs: the softmaxes are in float32, whatever the compute dtype.
    """

    def build(self, h_shape, u_shape=None):
        self.kernel = self.add_weight((3, h_shape[-1]), initializer="glorot_uniform", name="kernel")

    def call(self, h, u, context_mask, question_mask):
        context_mask, question_mask = (ops.cast(mask, "bool") for mask in (context_mask, question_mask))
        of_h, of_u, of_both = ops.unstack(ops.cast(self.kernel, h.dtype), 3)  # [U] each
        scores = ops.einsum("btu,bju->btj", h * of_both, u)
        scores = scores + ops.matmul(h, of_h[:, None]) + ops.einsum("bju,u->bj", u, of_u)[:, None]
        scores = ops.where(question_mask[:, None], ops.cast(scores, "float32"), -1e9)  # [B, T, J]
        look = ops.cast(masked_softmax(scores[:, None], question_mask[:, None])[:, 0], h.dtype)
        seen = ops.einsum("btj,bju->btu", look, u)
        best = ops.where(context_mask, ops.max(scores, axis=-1, initial=-1e9), -1e9)  # [B, T]
        look = ops.cast(masked_softmax(best[:, None, None], context_mask[:, None])[:, 0, 0], h.dtype)
        whole = ops.einsum("bt,btu->bu", look, h)[:, None]  # [B, 1, U]
        return ops.concatenate([h, seen, h * seen, h * whole], axis=-1)


@keras.saving.register_keras_serializable("tfllm")
class Highway(keras.layers.Layer):
    """y = g ∘ relu(x W + b) + (1 - g) ∘ x, g = σ(x V + c), `num_layers` times. Srivastava et al. 2015, eq. 3.

    x [..., D] -> [..., D].
    """

    def __init__(self, num_layers=2, **kwargs):
        super().__init__(**kwargs)
        self.num_layers = num_layers

    def build(self, x_shape):
        width, policy = x_shape[-1], self.dtype_policy

        def dense(name, activation):
            layers = [keras.layers.Dense(width, activation, name=f"{name}{i + 1}", dtype=policy)
                      for i in range(self.num_layers)]  # fmt: skip
            for layer in layers:
                layer.build(x_shape)
            return layers

        self.change, self.gate = dense("change", "relu"), dense("gate", "sigmoid")

    def call(self, x):
        for change, gate in zip(self.change, self.gate, strict=True):
            g = gate(x)
            x = g * change(x) + (1 - g) * x
        return x

    def get_config(self):
        return super().get_config() | {"num_layers": self.num_layers}
