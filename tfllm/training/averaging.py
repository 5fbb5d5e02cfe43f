"""Averages of the weights during training: over the last N epochs, or exponential (Keras' use_ema).

The averaged weights are validated, scored and saved as the best; training itself continues with the original weights.
At the end of `fit` the model has the averaged weights, and average.keras is written.
Only trainable weights are averaged (the statistics of a BatchNormalization are not).
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from tfllm.files import understood, written
from tfllm.limits import check_unpacked


def average(paths: list[Path]) -> list[np.ndarray]:
    """Arithmetic mean of weight files (`.npz`, arrays in order), summed in float64."""
    if not paths:
        raise ValueError("no weights to average: no epoch has ended, or the files in weights/ were removed")
    total: list[np.ndarray] = []
    for path in paths:
        with understood(path, "weights of one epoch; remove the file to skip it"):
            check_unpacked(path)
            with np.load(path) as arrays:
                weights = [arrays[name].astype("float64") for name in arrays.files]
            if total and [a.shape for a in total] != [a.shape for a in weights]:
                raise ValueError(f"its shapes differ from those of {paths[0].name}")
        total = weights if not total else [a + b for a, b in zip(total, weights, strict=True)]
    return [weight / len(paths) for weight in total]


class _Averaged(keras.callbacks.Callback, ABC):
    """Validation within `fit` uses the averaged weights, and the model has them afterwards."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.own, self.epoch = Path(folder), None, None

    @abstractmethod
    def load(self):
        """Put the averaged weights into the model."""

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Context manager: the model has the averaged weights inside the block; its own are restored afterwards."""
        own = self.values()
        self.load()
        try:
            yield
        finally:
            self.assign(own)

    def values(self) -> list[np.ndarray]:
        return [np.array(weight.numpy()) for weight in self.model.trainable_variables]

    def assign(self, values: list[np.ndarray]):
        for weight, value in zip(self.model.trainable_variables, values, strict=True):
            weight.assign(value)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_test_begin(self, logs=None):
        if self.epoch is not None:  # within `fit`
            self.own = self.values()
            self.load()

    def on_test_end(self, logs=None):
        if self.own is not None:
            self.assign(self.own)
            self.own = None

    def on_train_end(self, logs=None):
        self.epoch = None
        self.load()
        with written(self.folder / "average.keras") as temporary:
            self.model.save(temporary)


class MovingAverage(_Averaged):
    """The exponential moving average of an optimizer with use_ema=True."""

    def load(self):
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)


class LastAverage(_Averaged):
    """The mean of the weights at the ends of the last `count` epochs. Vaswani et al. 2017, sec. 6.1.

    The weights of these epochs are files in folder/weights, so that a resumed run averages the same ones.
    """

    def __init__(self, folder, count):
        super().__init__(folder)
        self.count, self.mean = count, None

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch)
        for path in self.paths(epoch, None):  # of an epoch that was interrupted and is repeated
            path.unlink()

    def on_epoch_end(self, epoch, logs=None):
        self.keep()

    def load(self):
        self.keep()
        self.mean = self.mean or average(self.paths(0, None))
        self.assign(self.mean)

    def keep(self):
        """Write the weights at the end of this epoch, once, and remove those before the last `count` epochs."""
        if self.epoch is None or self.paths(self.epoch, None):
            return
        values = [value.astype("float32") if value.itemsize < 4 else value for value in self.values()]
        if not all(np.isfinite(value).all() for value in values):
            return
        path = self.folder / "weights" / f"{self.epoch + 1:06d}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with written(path) as temporary:
            np.savez(temporary, *values)
        self.mean = None
        for old in self.paths(0, self.epoch + 1 - self.count):
            old.unlink()

    def paths(self, first, last) -> list[Path]:
        """Files of the epochs first + 1 .. last, in order."""
        result = sorted(path for path in (self.folder / "weights").glob("*.npz") if re.fullmatch(r"\d{6,}", path.stem))
        return [path for path in result if first < int(path.stem) and (last is None or int(path.stem) <= last)]
