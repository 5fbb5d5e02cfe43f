"""Ends `fit` when a training is over, or has failed."""

import logging
import math

import keras

from tfllm.training.progress import Progress, reason
from tfllm.training.recipe import Recipe

log = logging.getLogger("tfllm")


class Diverged(keras.callbacks.Callback):
    """Ends `fit` by a FloatingPointError when the loss is not finite, or `times` what it was at the first step.

    A first loss below 1 counts as 1, since what is trained on already begins near 0. Stands before all that saves, so
    that no such epoch is kept. kept: what to say of the epochs before.
    """

    def __init__(self, times=1e4, kept=""):
        super().__init__()
        self.times, self.kept, self.first, self.epoch = times, kept, None, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.look(logs)

    def on_epoch_end(self, epoch, logs=None):
        self.look(logs)

    def look(self, logs):
        if not logs or "loss" not in logs:
            return
        loss = float(logs["loss"])
        self.first = loss if self.first is None else self.first
        if math.isfinite(loss) and loss <= self.times * max(self.first, 1.0):
            return
        began = f", at the first step it was {self.first:.4g}" if math.isfinite(self.first) else ""
        raise FloatingPointError(
            f"the loss is {loss:.4g} in epoch {self.epoch + 1}{began}: the training diverged and stops{self.kept}. "
            "Begin anew with a lower learning rate, a longer warm-up or a smaller clip_norm"
        )


class Stop(keras.callbacks.Callback):
    """Stops `fit` when there is a reason. Stands behind Checkpoint, which counts."""

    def __init__(self, progress: Progress, recipe: Recipe):
        super().__init__()
        self.progress, self.recipe = progress, recipe

    def on_epoch_end(self, epoch, logs=None):
        if why := reason(self.progress, self.recipe):
            log.info("training ends: %s", why)
            self.model.stop_training = True
