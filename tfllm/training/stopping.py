"""Ends `fit` when a training is over."""

import logging

import keras

from tfllm.training.progress import Progress, reason
from tfllm.training.recipe import Recipe

log = logging.getLogger("tfllm")


class Stop(keras.callbacks.Callback):
    """Stops `fit` when there is a reason. Stands behind Checkpoint, which counts."""

    def __init__(self, progress: Progress, recipe: Recipe):
        super().__init__()
        self.progress, self.recipe = progress, recipe

    def on_epoch_end(self, epoch, logs=None):
        if why := reason(self.progress, self.recipe):
            log.info("training ends: %s", why)
            self.model.stop_training = True
