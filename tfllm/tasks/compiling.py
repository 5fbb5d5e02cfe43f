"""The arguments of `compile` -> losses and metrics that are correct for padded batches of logits.

Targets are ids, predictions are logits, and weights mark the real tokens. Keras' losses divide by the padded size, its
unweighted metrics count padding, and its "accuracy" compares ids with logits. Each of these is replaced by what the
task's own loss and metrics compute, or refused with a one-line error.
"""

import inspect

import keras
import tensorflow as tf

from tfllm import losses
from tfllm.losses import LabelCrossEntropy, RealMean
from tfllm.metrics import ClassAccuracy, LabelAccuracy, RealOnly, TokenAccuracy, TokenMean

Metrics = dict[str, float] | list[float]  # the result of `evaluate`

ACCURACIES = (TokenAccuracy, ClassAccuracy, LabelAccuracy)
OURS = (*ACCURACIES, TokenMean, RealOnly)


def expect_own_strategy(task):
    """Raise ValueError if a task is compiled under another strategy than its weights were created under."""
    strategy = tf.distribute.get_strategy()
    created = strategy.extended.variable_created_in_scope
    if tf.distribute.has_strategy() and not all(created(weight.value) for weight in task.weights[:1]):
        raise ValueError(
            f"the {type(task).__name__} was made outside the scope of this {type(strategy).__name__}: make or load it "
            "inside, `with strategy.scope():`, and compile it there too"
        )


def settings(objective, loss=None, metrics=None, weighted_metrics=None):
    """-> {"loss", "weighted_metrics"} for Keras' `compile`. objective: the result of a task's `objective`.

    Raises ValueError for a loss or a metric that expects probabilities, and for "accuracy" if the task has none.
    """
    own = objective["weighted_metrics"]
    loss = one_for_each(loss, objective["loss"])
    if loss is None:
        loss, given = objective["loss"], own if weighted_metrics is None else adapted(weighted_metrics, own, True)
    else:
        loss, given = over_real(loss), adapted(weighted_metrics, own, True)
        single = isinstance(loss, RealMean) and not isinstance(objective["loss"], (LabelCrossEntropy, dict))
        if single:  # as in the objective: exact if batches differ in their number of tokens
            given = [TokenMean(loss, name="loss"), *(given or [])]
    result = joined(given, adapted(metrics, own, False))
    return {
        "loss": loss,
        "weighted_metrics": result or [],
    }  # with None, Keras keeps the metrics of an earlier `compile`


def one_for_each(loss, own):
    """A loss in the structure of the task's own: one loss, or a dict by output (a list is in that order).

    Raises ValueError for another structure.
    """
    names = list(own) if isinstance(own, dict) else None
    if isinstance(loss, (list, tuple)):
        if len(loss) != len(names or [own]):
            raise ValueError(f"expected {'a loss' if names is None else f'losses of {names}'}; got {len(loss)} of them")
        return loss[0] if names is None else dict(zip(names, loss, strict=True))
    if isinstance(loss, dict) and names is None and "class_name" not in loss:
        raise ValueError(f"the model has one unnamed output: expected one loss; got a dict with {list(loss)}")
    return loss


def expect_function(function, what):
    """The loss or metric unchanged. Raises ValueError if it is not callable."""
    if not callable(function):
        raise ValueError(f"a {what} must be a name, a Keras object or a function (targets, logits); got {function!r}")
    return function


def over_real(loss):
    """A loss, or a dict of losses by output, as a mean over real tokens.

    Losses of tfllm, and losses with a reduction other than the mean, are returned unchanged.
    """
    if isinstance(loss, dict) and "class_name" not in loss:
        return {name: over_real(part) for name, part in loss.items()}
    loss = keras.losses.get(loss) if isinstance(loss, (str, dict)) else expect_function(loss, "loss")
    refuse_probabilities(loss)
    if isinstance(loss, keras.losses.Loss):
        ours = type(loss).__module__ == losses.__name__ or loss.reduction not in ("sum_over_batch_size", "mean")
        return loss if ours else RealMean(loss)
    return RealMean(loss)


def adapted(metrics, own, weighted):
    """Metrics in any form that Keras accepts -> metrics over real tokens. own: the metrics of the objective."""
    if metrics is None:
        return None
    if isinstance(metrics, dict):
        return {name: adapted(part, own[name] if isinstance(own, dict) else own, weighted)
                for name, part in metrics.items()}  # fmt: skip
    if isinstance(own, dict) and isinstance(metrics, (list, tuple)) and len(metrics) == len(own):
        return adapted(dict(zip(own, metrics, strict=True)), own, weighted)
    metrics = metrics if isinstance(metrics, (list, tuple)) else [metrics]
    metrics = metrics[0] if len(metrics) == 1 and isinstance(metrics[0], (list, tuple)) else metrics
    return [adapted_one(metric, own, weighted) for metric in metrics]


def adapted_one(metric, own, weighted):
    if isinstance(metric, OURS):
        return metric
    if metric in ("accuracy", "acc") or type(metric) is keras.metrics.Accuracy:  # it would compare ids with logits
        metric = getattr(metric, "name", metric)
        result = [type(part) for part in (own if isinstance(own, list) else []) if isinstance(part, ACCURACIES)]
        if not result:
            raise ValueError(f"this task has no {metric!r}, since its outputs are numbers: use 'mae' or 'mse'")
        return result[0](name=metric)
    metric = keras.metrics.get(metric) if isinstance(metric, str) else expect_function(metric, "metric")
    if isinstance(metric, keras.metrics.Metric) and "y_pred" not in inspect.signature(metric.update_state).parameters:
        raise ValueError(
            f"the metric {metric.name!r} takes values, not targets and logits: use a function (targets, logits)"
        )
    refuse_probabilities(metric)
    return RealOnly(metric, weighted)


def joined(first, second):
    """Merge two lists of metrics, or two dicts of lists by output; each name occurs once."""
    if not first or not second:
        return first or second
    if isinstance(first, dict) and isinstance(second, dict):
        return {name: joined(first.get(name), second.get(name)) for name in {**first, **second}}
    if isinstance(first, dict) or isinstance(second, dict):
        named = first if isinstance(first, dict) else second
        raise ValueError(
            f"give metrics in the form of the task's objective, {'a dict by output' if named is first else 'a list'}; "
            f"got {'a list' if named is first else f'a dict of {list(named)}'}"
        )
    names = {metric.name for metric in first}
    return [*first, *(metric for metric in second if metric.name not in names)]


def refuse_probabilities(function):
    """Raise ValueError for a Keras loss or metric that takes the predictions for probabilities."""
    function = keras.losses.get(function) if isinstance(function, str) else function
    name = getattr(function, "name", getattr(function, "__name__", function))
    if isinstance(function, (keras.losses.Loss, keras.metrics.Metric)):
        config = function.get_config()
        from_logits, threshold = config.get("from_logits", True), decides_at(config)
        if config.get("sparse_y_pred"):
            raise ValueError(
                f"the metric {name!r} expects class numbers, but the model outputs logits: use sparse_y_pred=False"
            )
        if from_logits and threshold is not None and any(keras.tree.flatten(threshold)):
            raise ValueError(
                f"the metric {name!r} has the threshold {threshold} for probabilities, but the model outputs "
                "logits: use threshold=0 if it has that argument, or leave it out"
            )
    else:
        from_logits = getattr(inspect.signature(function).parameters.get("from_logits"), "default", True)
    if not from_logits:
        kind, advice = ("metric", "or use from_logits=True") if isinstance(function, keras.metrics.Metric) else (
            "loss", f"or use keras.losses.{'Binary' if 'binary' in name else 'SparseCategorical'}Crossentropy"
            "(from_logits=True)")  # fmt: skip
        raise ValueError(
            f"the {kind} {name!r} expects probabilities, but the model outputs logits: leave it out, {advice}"
        )


def decides_at(config):
    """The threshold, or thresholds, in the config of a metric; None if it has none."""
    if "thresholds" in config and not config.get("top_k"):
        return 0.5 if config["thresholds"] is None else config["thresholds"]
    return config.get("threshold")
