"""How every task of the command line starts a run and trains it."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import ClassVar

from tfllm.cli import screen
from tfllm.training import Recipe


@dataclass(frozen=True)
class Fitting:
    """Base of the dataclass `Training` of a task, listed before its Source, whose options it repeats with "valid_".

    unit: what the loss is averaged over.
    """

    unit: ClassVar[str] = "tokens"
    shapes: int = 6  # number of padded lengths, at most; XLA compiles each
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def validated(self):
        """Whether validation data is named."""
        return self.named("valid_")

    def check(self):
        """Raises ValueError or OSError for options that do not go together, and for missing files."""
        super().check()
        super().check("valid_", needed=False)

    def read(self):
        """(training records, validation records or None)"""
        return self.records(), self.records("valid_")

    def untrained(self, train):
        """A new task for the training data."""
        raise NotImplementedError(f"{type(self).__name__} must define untrained")

    def sample(self, task, record):
        """The model's output for a record ({name: text}), shown after each epoch."""
        raise NotImplementedError(f"{type(self).__name__} must define sample")

    def validation_scores(self, task, valid):
        """({name: function without arguments} to log, number of epochs between two evaluations)"""
        return None, 1

    def batching(self):
        """The arguments of `fit` that determine the batches."""
        return {name: getattr(self, name) for name in ("batch_tokens", "batch_size", "shapes") if hasattr(self, name)}

    def begin(self, train):
        """An untrained task."""
        import keras

        keras.utils.set_random_seed(self.recipe.seed)
        return self.untrained(train)

    def fit(self, task, epoch, folder, train, valid):
        """Train from `epoch` on, with the run's folder."""
        from tfllm import training

        callbacks = training.callbacks(folder, self.recipe, *self.validation_scores(task, valid))
        with self.display(task, train if valid is None else valid) as display:
            self.train(task, train, valid, epoch, callbacks + ([display] if display else []))

    def train(self, task, train, valid, epoch, callbacks, **more):
        options = {"recipe": self.recipe} | self.batching() | more
        task.fit(
            train, validation_data=valid, epochs=self.recipe.epochs, initial_epoch=epoch, seed=self.recipe.seed,
            verbose=0, callbacks=callbacks, **options,
        )  # fmt: skip

    def display(self, task, records):
        """The progress display; an empty context if nobody watches."""
        if not screen.watched():
            return nullcontext()
        from tfllm.startup import device
        from tfllm.training.display import Display

        record = next(records.as_numpy_iterator())
        record = {name: part.decode("utf-8", "replace") for name, part in record.items() if isinstance(part, bytes)}
        return Display(lambda: self.sample(task, record), self.unit, device())


@dataclass(frozen=True)
class TokenFitting(Fitting):
    """Training with batches sized in tokens."""

    batch_tokens: int | None = None  # tokens in a batch, including padding; none: chosen automatically, at most 4096
