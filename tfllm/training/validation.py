"""A score of the model after every epoch, written where early stopping and the checkpoints look."""

import logging
from collections.abc import Callable
from contextlib import nullcontext

import keras

log = logging.getLogger("tfllm")


class ValidationScore(keras.callbacks.Callback):
    """logs[name] = function() after every `every` epochs. Must stand before the callbacks that read it.

    validated() is a context in which the model has the weights to be scored (see averaging.py).
    """

    def __init__(self, name: str, function: Callable[[], float], every: int = 1, validated=nullcontext):
        super().__init__()
        if every < 1:
            raise ValueError(f"ValidationScore: `every` must be 1 or more epochs, got {every}")
        self.name, self.function, self.every, self.validated = name, function, every, validated

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            with self.validated():
                logs[self.name] = float(self.function())
