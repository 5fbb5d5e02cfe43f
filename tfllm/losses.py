"""Cross-entropy of logits and token ids, with label smoothing and without one-hot targets; losses for whole texts."""

import inspect

import keras
from keras import ops

from tfllm.saving import Configured


def smoothed_cross_entropy(targets, logits, label_smoothing=0.0):
    """targets [B, T] int, logits [B, T, V] -> [B, T] float32, natural logarithm.

    -Σ_v q_v log p_v with q = (1 - ε) [v = target] + ε / V. Szegedy et al. 2016, sec. 7; Vaswani et al. 2017, sec. 5.4.
    The gradient softmax(z) - q is given explicitly, so that [B, T, V] is read and written as rarely as possible: the
    powers of the loss are kept for it, and targets are gathered and scattered instead of compared with all of V.
    """
    size = ops.shape(logits)[-1]

    @ops.custom_gradient
    def loss(z):
        wide = ops.cast(z, "float32")
        top = ops.max(wide, axis=-1, keepdims=True)
        powers = ops.exp(wide - ops.where(ops.isfinite(top), top, 0.0))
        total = ops.sum(powers, axis=-1, keepdims=True)
        right = of_targets(wide, targets)
        value = (ops.log(total) + top)[..., 0] - (1.0 - label_smoothing) * right
        if label_smoothing:
            value = value - label_smoothing * ops.mean(wide, axis=-1)

        def gradient(*args, upstream=None):
            upstream = args[0] if upstream is None else upstream  # JAX passes (None, g), TensorFlow g
            even = label_smoothing / ops.cast(size, "float32") * upstream  # [B, T]
            scale = upstream / total[..., 0]
            slope = powers * scale[..., None]
            slope = slope - even[..., None] if label_smoothing else slope
            hit = of_targets(powers, targets) * scale - even - (1.0 - label_smoothing) * upstream
            row = ops.arange(ops.size(targets), dtype=targets.dtype)
            where = ops.stack([row, ops.reshape(targets, (-1,))], axis=-1)  # [B T, 2]
            slope = ops.scatter_update(ops.reshape(slope, (-1, size)), where, ops.reshape(hit, (-1,)))
            return ops.cast(ops.reshape(slope, ops.shape(z)), z.dtype)

        return value, gradient

    return loss(logits)


def of_targets(values, targets):
    """values [B, T, V], targets [B, T] -> the value of each target [B, T]."""
    return ops.take_along_axis(values, targets[..., None], axis=-1)[..., 0]


@keras.saving.register_keras_serializable("tfllm")
class TokenCrossEntropy(Configured, keras.losses.Loss):
    """Smoothed cross-entropy of logits, as a mean over real tokens (by sample weight); targets are ids."""

    def __init__(self, label_smoothing=0.0, name="token_cross_entropy"):
        super().__init__(name=name, reduction="mean_with_sample_weight")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing is a probability below 1; got {label_smoothing}")
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        return smoothed_cross_entropy(ops.cast(y_true, "int32"), y_pred, self.label_smoothing)


class _OfTexts(Configured, keras.losses.Loss):
    """A mean over the sample weights [B, 1 or C]."""

    def __init__(self, name=None):
        super().__init__(name=name, reduction="mean_with_sample_weight")


@keras.saving.register_keras_serializable("tfllm")
class ClassCrossEntropy(_OfTexts):
    """-log softmax(logits)_target for the class of each text. targets [B, 1] int, logits [B, C] -> [B, 1]."""

    def call(self, y_true, y_pred):
        return smoothed_cross_entropy(ops.cast(y_true, "int32"), y_pred[:, None])


@keras.saving.register_keras_serializable("tfllm")
class LabelCrossEntropy(_OfTexts):
    """-y log σ(z) - (1 - y) log(1 - σ(z)) for each label. targets [B, C] 0 or 1, logits [B, C] -> [B, C]."""

    def call(self, y_true, y_pred):
        z = ops.cast(y_pred, "float32")
        return ops.softplus(z) - z * ops.cast(y_true, "float32")  # its gradient is σ(z) - y, also at 0


@keras.saving.register_keras_serializable("tfllm")
class SquaredError(_OfTexts):
    """(z - y)². targets [B, 1], numbers [B, 1] -> [B, 1]."""

    def call(self, y_true, y_pred):
        return ops.square(ops.cast(y_pred, "float32") - ops.cast(y_true, "float32"))


def _takes_one_hot(loss):
    """Whether this is a Keras loss that is not made for ids: its targets are as wide as its predictions."""
    function = getattr(loss, "fn", loss if inspect.isfunction(loss) else type(loss))
    return function.__module__.startswith("keras.") and not function.__name__.lower().startswith("sparse")


@keras.saving.register_keras_serializable("tfllm")
class RealMean(Configured, keras.losses.Loss):
    """A Keras loss, or a function (targets, logits) -> values, as a mean over real tokens, by sample weight.

    Keras' own mean divides by the size of the padded batch. A Keras loss that is not made for ids gets one-hot targets;
    otherwise it would broadcast the ids. Raises ValueError for a function that returns one number for a batch of
    tokens, since that includes padding.
    """

    def __init__(self, loss, name=None):
        name = name or getattr(loss, "name", getattr(loss, "__name__", "loss"))
        super().__init__(name=name, reduction="mean_with_sample_weight")
        self.loss = loss

    def __call__(self, y_true, y_pred, sample_weight=None):
        several = len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] not in (1, None)
        if sample_weight is not None and several:  # one value per text, with several labels each
            sample_weight = ops.mean(ops.convert_to_tensor(sample_weight), axis=-1, keepdims=True)
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        function = self.loss.call if isinstance(self.loss, keras.losses.Loss) else self.loss
        tokens = len(y_pred.shape) == len(y_true.shape) + 1
        classes = not tokens and y_true.shape[-1] == 1 and y_pred.shape[-1] != 1
        given = y_true
        if (tokens or classes) and _takes_one_hot(self.loss):
            given = ops.one_hot(ops.cast(y_true if tokens else y_true[:, 0], "int32"), ops.shape(y_pred)[-1])
        values = ops.convert_to_tensor(function(given, y_pred))
        if tokens and len(values.shape) != len(y_true.shape):
            raise ValueError(
                f"the loss {self.name!r} has {len(values.shape)} axes for a batch of padded texts, padding included: "
                "return one value for each token, [B, T]"
            )
        return values if len(values.shape) else ops.broadcast_to(values, ops.shape(y_true))
