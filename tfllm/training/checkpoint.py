"""At the end of every epoch: record it, save last.keras and, if it is the best so far, best.keras.

last.keras has the weights of the optimizer, to continue; best.keras has the validated weights, which are averaged ones
if the recipe averages, for use. A loss that is not finite is an error, and the saved files are unchanged. No other
process may train in the folder meanwhile. The log has the seconds of each epoch, including validation and scores; the
history has the seconds since the start of the training.
Not included: saving within an epoch; more than these two files.
"""

import logging
import math
import time
from contextlib import nullcontext
from pathlib import Path

import keras

from tfllm.training.lock import RunLock
from tfllm.training.progress import Progress, save

log = logging.getLogger("tfllm")


class Checkpoint(keras.callbacks.Callback):
    """monitor: a name in `fit`'s logs; lower is better if it ends in "loss", else higher.

    validated() is a context manager in which the model has the weights that were validated.
    """

    def __init__(self, folder, progress: Progress, monitor="val_loss", validated=nullcontext):
        super().__init__()
        self.folder, self.progress, self.monitor, self.validated = Path(folder), progress, monitor, validated

    def on_train_begin(self, logs=None):
        self.lock = RunLock(self.folder)
        updates = int(self.model.optimizer.iterations)
        if updates != self.progress.updates:
            raise ValueError(
                f"the optimizer has done {updates} updates, but {self.folder} {self.progress.updates}: "
                "to continue, `model, epoch = tfllm.training.resume(folder)`; to start again, use another folder"
            )
        self.began = time.monotonic() - self.progress.seconds
        text = "%s with %d weights, Keras %s: from epoch %d on"
        log.info(text, self.model.name, self.model.count_params(), keras.__version__, self.progress.epoch + 1)

    def on_train_end(self, logs=None):
        self.lock.release()

    def on_epoch_begin(self, epoch, logs=None):
        if epoch != self.progress.epoch:
            raise ValueError(
                f"{self.folder} has {self.progress.epoch} finished epochs, but `fit` starts with "
                f"initial_epoch={epoch}: call fit(initial_epoch={self.progress.epoch})"
            )

    def on_epoch_end(self, epoch, logs=None):
        progress, better = self.progress, self.improved(logs)
        progress.epoch, progress.updates = epoch + 1, int(self.model.optimizer.iterations)
        before, progress.seconds, progress.calibrated = progress.seconds, time.monotonic() - self.began, False
        numbers = {name: float(value) for name, value in logs.items()}
        rate = float(self.model.optimizer.learning_rate)
        row = {"epoch": epoch + 1, "seconds": progress.seconds, "learning_rate": rate}
        progress.history.append(row | numbers)
        if better:
            progress.best, progress.best_epoch = float(logs[self.monitor]), epoch + 1
            with self.validated():
                save(self.model, self.folder / "best.keras", progress)
        save(self.model, self.folder / "last.keras", progress)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in numbers.items())
        log.info("epoch %d  %.0f s  %s%s", epoch + 1, progress.seconds - before, shown, "  best" if better else "")

    def improved(self, logs) -> bool:
        """Whether the monitor is better than ever before; never for an epoch without it (not validated)."""
        if self.monitor not in logs:
            if self.progress.best is None:
                log.warning("no %r among %s: no best.keras is written", self.monitor, sorted(logs))
            return False
        value, best = logs[self.monitor], self.progress.best
        if best is None:
            return math.isfinite(value)
        return value < best if self.monitor.endswith("loss") else value > best
