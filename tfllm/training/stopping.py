"""Ends `fit` when a training is finished, or has failed."""

import logging
import math

import keras

from tfllm.training.progress import Progress, reason
from tfllm.training.recipe import Recipe

log = logging.getLogger("tfllm")


class Diverged(keras.callbacks.Callback):
    """Ends `fit` by a FloatingPointError if the loss is not finite, or `times` the loss of the first step.

    A first loss below 1 counts as 1, since a trained model starts near 0. It must come before the callbacks that save,
    so that no such epoch is saved. note: a remark about the epochs before.
    """

    def __init__(self, times=1e4, note=""):
        super().__init__()
        self.times, self.note, self.first, self.epoch = times, note, None, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.check(logs)

    def on_epoch_end(self, epoch, logs=None):
        self.check(logs)

    def check(self, logs):
        if not logs or "loss" not in logs:
            return
        loss = float(logs["loss"])
        self.first = loss if self.first is None else self.first
        if math.isfinite(loss) and loss <= self.times * max(self.first, 1.0):
            return
        start = f", at the first step it was {self.first:.4g}" if math.isfinite(self.first) else ""
        raise FloatingPointError(
            f"the loss is {loss:.4g} in epoch {self.epoch + 1}{start}: the training diverged and stops{self.note}. "
            "Start again with a lower learning rate, a longer warm-up or a smaller clip_norm"
        )


class Stop(keras.callbacks.Callback):
    """Stops `fit` if there is a reason. Must come after Checkpoint, which counts epochs."""

    def __init__(self, progress: Progress, recipe: Recipe):
        super().__init__()
        self.progress, self.recipe = progress, recipe

    def on_epoch_end(self, epoch, logs=None):
        if why := reason(self.progress, self.recipe):
            log.info("training ends: %s", why)
            self.model.stop_training = True
