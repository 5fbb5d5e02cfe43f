"""Freezing weights by name.

    training.freeze(task, "embed*", "layer1", "layer2/*")     # -> 1,184,256 of 1,850,112 weights are trained (64.0 %)

Patterns: tfllm.layers.names.chosen. `compile` determines in Keras which weights are trained, so a compiled model is
compiled again, with the same settings and a new optimizer state. Pass the compiled model: the task, not its model.
"""

import logging
import math
from dataclasses import dataclass
from functools import cached_property

import keras

from tfllm.layers import names

log = logging.getLogger("tfllm")


@dataclass(frozen=True)
class Trained:
    """The number of trained elements, and of all elements."""

    trained: int
    total: int

    @property
    def share(self) -> float:
        return self.trained / max(self.total, 1)

    def __str__(self):
        return f"{self.trained:,} of {self.total:,} weights are trained ({self.share:.1%})"


def trained(model: keras.Model) -> Trained:
    """The current count; weights that Keras never trains (statistics, seeds) are not counted."""
    weights = names.weights(model).values()
    count = sum(math.prod(weight.shape) for weight in weights if weight.trainable) if model.trainable else 0
    return Trained(count, sum(math.prod(weight.shape) for weight in weights))


def freeze(model: keras.Model, *patterns: str) -> Trained:
    """Stop training the weights that match a pattern. Raises ValueError for a pattern without a match."""
    return _set(model, patterns, False)


def unfreeze(model: keras.Model, *patterns: str) -> Trained:
    """Train the weights that match a pattern again; "*" is all. Raises ValueError for a pattern without a match."""
    return _set(model, patterns, True)


def _set(model, patterns, trainable):
    weights = names.weights(model)
    chosen = names.chosen(weights, patterns)
    if not model.trainable:  # Keras' flag of a whole model overrides those of its weights
        model.trainable = True
        _flag(weights.values(), False)
    _flag([weights[name] for name in chosen], trainable)
    return changed(model)


def train_only(model: keras.Model, weights):
    """Train only these weights. For callers that change the model's layers; ends with `changed`."""
    model.trainable = True
    _flag(names.weights(model).values(), False)
    _flag(weights, True)


def changed(model: keras.Model) -> Trained:
    """Drop the traced functions of the model and, if it was compiled, compile it again; log the count."""
    for kind in type(model).__mro__:
        for name, part in vars(kind).items():
            if isinstance(part, cached_property):
                vars(model).pop(name, None)
    model.train_function = model.test_function = model.predict_function = None
    if model.compiled:
        model.compile_from_config(model.get_compile_config())
    count = trained(model)
    log.info("%s", count)
    return count


def _flag(weights, trainable):
    for weight in weights:
        weight.trainable = trainable
