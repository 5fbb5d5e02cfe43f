"""Metrics of logits against token ids, weighted by token; and of texts against their labels."""

import keras
from keras import ops


class _OverTokens(keras.metrics.Mean):
    """The mean of values [B, T] by weights [B, T] (None: all 1): every token of an epoch counts alike.

    They are laid in one row for that: Keras' own Mean first averages over T, so that a token of a short batch would
    count more than one of a long batch.
    """

    _direction = "up"  # as Keras' own metrics tell callbacks which value is the best

    def add(self, values, weights):
        weights = None if weights is None else ops.reshape(weights, (-1,))
        return super().update_state(ops.reshape(values, (-1,)), weights)


@keras.saving.register_keras_serializable("tfllm")
class TokenAccuracy(_OverTokens):
    """Share of places whose target has the highest logit. targets [B, T], logits [B, T, V], weights [B, T].

    Compares with the maximum instead of taking the arg-max, which is many times slower under XLA on a CPU; a tie
    counts as right.
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        return self.add(_is_highest(y_true, y_pred), sample_weight)


@keras.saving.register_keras_serializable("tfllm")
class TokenMean(_OverTokens):
    """The mean of a loss over all real tokens of an epoch. targets [B, T], logits [B, T, V], weights [B, T].

    Keras' own running "loss" averages the batches' means by their number of rows, which is not the same where rows
    differ in length; a weighted metric of that name takes its place in the logs.
    """

    _direction = "down"

    def __init__(self, loss, name="loss", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.loss = loss

    def update_state(self, y_true, y_pred, sample_weight=None):
        return self.add(self.loss.call(y_true, y_pred), sample_weight)

    def get_config(self):
        return super().get_config() | {"loss": keras.saving.serialize_keras_object(self.loss)}

    @classmethod
    def from_config(cls, config):
        return cls(**config | {"loss": keras.saving.deserialize_keras_object(config["loss"])})


@keras.saving.register_keras_serializable("tfllm")
class ClassAccuracy(_OverTokens):
    """Share of texts whose class has the highest logit. targets [B, 1], logits [B, C], weights [B, 1].

    Weights say which texts are there and no more: whatever a class weighs in the loss, each text counts as one.
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        return self.add(_is_highest(y_true, ops.expand_dims(y_pred, 1)), _there(sample_weight))


@keras.saving.register_keras_serializable("tfllm")
class LabelAccuracy(_OverTokens):
    """Share of right decisions, text by label, at a logit above 0. targets, logits, weights (see above): [B, C]."""

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        right = ops.equal(ops.convert_to_tensor(y_pred) > 0, ops.convert_to_tensor(y_true) > 0)
        return self.add(ops.cast(right, "float32"), _there(sample_weight))


def _there(weights):
    return None if weights is None else ops.cast(ops.convert_to_tensor(weights) > 0, "float32")


def _is_highest(targets, logits):
    targets, logits = ops.cast(targets, "int32"), ops.convert_to_tensor(logits)
    hit = ops.equal(targets[..., None], ops.arange(ops.shape(logits)[-1], dtype="int32"))
    right = ops.sum(ops.where(hit, logits, 0.0), axis=-1)
    return ops.cast(right >= ops.max(logits, axis=-1), "float32")
