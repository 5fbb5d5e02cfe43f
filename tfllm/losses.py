"""Cross-entropy of logits against token ids, with label smoothing and without one-hot targets."""

import keras
from keras import ops


def smoothed_cross_entropy(targets, logits, label_smoothing=0.0):
    """targets [B, T] int, logits [B, T, V] -> [B, T] float32, natural logarithm.

    -Σ_v q_v log p_v with q = (1 - ε) [v = target] + ε / V. Szegedy et al. 2016, sec. 7; Vaswani et al. 2017, sec. 5.4.
    The gradient softmax(z) - q is written out, so that [B, T, V] is read and written as seldom as can be.
    """
    size = logits.shape[-1]

    @ops.custom_gradient
    def loss(z):
        wide = ops.cast(z, "float32")
        norm = ops.logsumexp(wide, axis=-1)  # [B, T]
        hit = ops.equal(targets[..., None], ops.arange(size, dtype=targets.dtype))  # [B, T, V], fused by XLA
        right = ops.sum(ops.where(hit, wide, 0.0), axis=-1)
        value = norm - (1.0 - label_smoothing) * right
        if label_smoothing:
            value = value - label_smoothing * ops.mean(wide, axis=-1)

        def gradient(*args, upstream=None):
            upstream = args[0] if upstream is None else upstream  # JAX hands (None, g), TensorFlow g
            soft = ops.exp(wide - norm[..., None]) - label_smoothing / size
            slope = soft - ops.where(hit, 1.0 - label_smoothing, 0.0)
            return ops.cast(slope * upstream[..., None], z.dtype)

        return value, gradient

    return loss(logits)


@keras.saving.register_keras_serializable("tfllm")
class TokenCrossEntropy(keras.losses.Loss):
    """Mean over real tokens (by sample weight) of the smoothed cross-entropy of logits; targets are ids."""

    def __init__(self, label_smoothing=0.0, name="token_cross_entropy"):
        super().__init__(name=name, reduction="mean_with_sample_weight")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing is a probability below 1; got {label_smoothing}")
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        return smoothed_cross_entropy(ops.cast(y_true, "int32"), y_pred, self.label_smoothing)

    def get_config(self):
        return {"label_smoothing": self.label_smoothing, "name": self.name}
