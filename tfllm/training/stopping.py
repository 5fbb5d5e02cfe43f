"""When a training is over: one pure function, asked after every epoch and before a resumed run."""

import logging

import keras

from tfllm.training.progress import Progress
from tfllm.training.recipe import Recipe

log = logging.getLogger("tfllm")


def reason(progress: Progress, recipe: Recipe) -> str | None:
    """Why no further epoch is trained, or None. All limits hold at ends of epochs."""
    if progress.epoch >= recipe.epochs:
        return f"all {recipe.epochs} epochs are done"
    if recipe.updates and progress.updates >= recipe.updates:
        return f"{recipe.updates} updates are done"
    waited = progress.epoch - progress.best_epoch
    if recipe.patience and progress.best is not None and waited >= recipe.patience:
        return f"{recipe.monitor} has not been better than in epoch {progress.best_epoch} for {waited} epochs"
    if recipe.minutes and progress.history:
        ends = [0.0] + [row["seconds"] for row in progress.history]
        if progress.seconds + ends[-1] - ends[-2] > 60 * recipe.minutes:
            return f"another epoch would pass the limit of {recipe.minutes:g} minutes"
    return None


class Stop(keras.callbacks.Callback):
    """Stops `fit` when there is a reason. Stands behind Checkpoint, which counts."""

    def __init__(self, progress: Progress, recipe: Recipe):
        super().__init__()
        self.progress, self.recipe = progress, recipe

    def on_epoch_end(self, epoch, logs=None):
        if why := reason(self.progress, self.recipe):
            log.info("training ends: %s", why)
            self.model.stop_training = True
