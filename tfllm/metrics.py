"""Metrics of logits and token ids, weighted by token; and of texts and their labels."""

import inspect

import keras
from keras import ops

from tfllm.private_api import best_is, metric_function
from tfllm.saving import Configured


@best_is("up")
class _OverTokens(Configured, keras.metrics.Mean):
    """The mean of values [B, T] by weights [B, T] (None: all 1): every token of an epoch has the same influence.

    The values are flattened: Keras' own Mean first averages over T, so that a token of a short batch would count more
    than one of a long batch.
    """

    def add(self, values, weights):
        weights = None if weights is None else ops.reshape(weights, (-1,))
        return super().update_state(ops.reshape(values, (-1,)), weights)


@keras.saving.register_keras_serializable("tfllm")
class TokenAccuracy(_OverTokens):
    """Share of positions whose target has the highest logit. targets [B, T], logits [B, T, V], weights [B, T].

    It compares with the maximum instead of computing the arg-max, which is many times slower under XLA on a CPU; a tie
    counts as correct.
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        return self.add(_is_highest(y_true, y_pred), sample_weight)


@keras.saving.register_keras_serializable("tfllm")
@best_is("down")
class TokenMean(_OverTokens):
    """The mean of a loss over all real tokens of an epoch. targets [B, T], logits [B, T, V], weights [B, T].

    Keras' own running "loss" averages the batches' means by their number of rows, which differs if rows have different
    lengths; a weighted metric of that name replaces it in the logs.
    """

    def __init__(self, loss, name="loss", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.loss = loss

    def update_state(self, y_true, y_pred, sample_weight=None):
        return self.add(self.loss.call(y_true, y_pred), sample_weight)


@keras.saving.register_keras_serializable("tfllm")
class ClassAccuracy(_OverTokens):
    """Share of texts whose class has the highest logit. targets [B, 1], logits [B, C], weights [B, 1].

    Weights only say which texts are real: each text counts as one, whatever the weight of its class in the loss.
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        return self.add(_is_highest(y_true, ops.expand_dims(y_pred, 1)), _present(sample_weight))


@keras.saving.register_keras_serializable("tfllm")
class LabelAccuracy(_OverTokens):
    """Share of correct decisions over texts and labels, at a logit above 0. targets, logits, weights: [B, C]."""

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        right = ops.equal(ops.convert_to_tensor(y_pred) > 0, ops.convert_to_tensor(y_true) > 0)
        return self.add(ops.cast(right, "float32"), _present(sample_weight))


def _present(weights):
    return None if weights is None else ops.cast(ops.convert_to_tensor(weights) > 0, "float32")


def _is_highest(targets, logits):
    targets, logits = ops.cast(targets, "int32"), ops.convert_to_tensor(logits)
    right = ops.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return ops.cast(right >= ops.max(logits, axis=-1), "float32")


def _takes_one_hot(metric):
    """Whether this is a Keras metric that is not made for ids: its targets are as wide as its predictions."""
    if isinstance(metric, (keras.metrics.FBetaScore, keras.metrics.AUC, keras.metrics.Precision, keras.metrics.Recall)):
        return True
    function = metric_function(metric) or (metric if inspect.isfunction(metric) else type(metric))
    of_keras = function.__module__.startswith("keras.") and not function.__name__.startswith("sparse_")
    return of_keras and not getattr(metric, "sparse_y_true", False)


@keras.saving.register_keras_serializable("tfllm")
class RealOnly(_OverTokens):
    """A Keras metric, or a function (targets, logits) -> values, over real tokens only, each with the same influence.

    For targets [B, T] and logits [B, T, V] a metric sees them flattened; a Keras metric that is not made for ids gets
    one-hot targets. weighted: use the weights [B, T]; otherwise these only say which tokens are real, and class weights
    of the loss do not matter.
    Raises ValueError for a function that returns one number for a batch of tokens, since that includes padding.
    """

    def __init__(self, metric, weighted=False, name=None, dtype=None):
        super().__init__(name=name or getattr(metric, "name", getattr(metric, "__name__", "metric")), dtype=dtype)
        self.metric, self.weighted = metric, weighted

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        tokens = len(y_pred.shape) == len(y_true.shape) + 1
        classes = not tokens and y_true.shape[-1] == 1 and y_pred.shape[-1] != 1
        if wide := (tokens or classes) and _takes_one_hot(self.metric):
            y_true = ops.one_hot(ops.cast(y_true if tokens else y_true[:, 0], "int32"), ops.shape(y_pred)[-1])
        weights = sample_weight if self.weighted else _present(sample_weight) if tokens else None
        if weights is not None and (tokens or classes):
            weights = ops.reshape(weights, (-1,))
        if not isinstance(self.metric, keras.metrics.Metric):
            return self.of_function(y_true, y_pred, weights, tokens)
        if tokens:
            y_pred = ops.reshape(y_pred, (-1, ops.shape(y_pred)[-1]))
        if tokens or classes:
            y_true = ops.reshape(y_true, (-1, ops.shape(y_pred)[-1]) if wide else (-1,))
        return self.metric.update_state(y_true, y_pred, weights)

    def of_function(self, y_true, y_pred, weights, tokens):
        values = ops.convert_to_tensor(self.metric(y_true, y_pred))
        if not tokens:
            return super(_OverTokens, self).update_state(values, weights)
        if len(values.shape) != len(y_pred.shape) - 1:
            raise ValueError(
                f"the metric {self.name!r} returns {len(values.shape)} axes for a batch of padded texts, including "
                "padding: return one value for each token, [B, T]"
            )
        return self.add(values, weights)

    def result(self):
        return self.metric.result() if isinstance(self.metric, keras.metrics.Metric) else super().result()

    def reset_state(self):
        super().reset_state()
        if isinstance(self.metric, keras.metrics.Metric):
            self.metric.reset_state()
