"""A score of the model after every epoch, in the logs for early stopping and checkpoints."""

import logging
from collections.abc import Callable
from contextlib import nullcontext

import keras

log = logging.getLogger("tfllm")


class ValidationScore(keras.callbacks.Callback):
    """logs[name] = function() after every `every` epochs. Must come before the callbacks that read it.

    validated() is a context manager in which the model has the weights to score (see averaging.py).
    """

    def __init__(self, name: str, function: Callable[[], float], every: int = 1, validated=nullcontext):
        super().__init__()
        if every < 1:
            raise ValueError(f"ValidationScore: `every` must be at least 1 epoch, got {every}")
        self.name, self.function, self.every, self.validated = name, function, every, validated

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            with self.validated():
                logs[self.name] = float(self.function())
