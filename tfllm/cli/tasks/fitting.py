"""How every task of the command line begins a run and trains it."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import ClassVar

from tfllm.cli import screen
from tfllm.training import Recipe


@dataclass(frozen=True)
class Fitting:
    """Of the dataclass `Training` of a task, before the Source that it reads, to which it adds options "valid_...".

    unit: what the loss is a mean of.
    """

    unit: ClassVar[str] = "tokens"
    shapes: int = 6  # padded lengths, at most; XLA compiles each
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def validated(self):
        """Whether data to validate on is named."""
        return self.named("valid_")

    def check(self):
        """ValueError or OSError for options that do not go together, and for files that are not there."""
        super().check()
        super().check("valid_", needed=False)

    def read(self):
        """(training records, records to validate on or None)"""
        return self.records(), self.records("valid_")

    def untrained(self, train):
        """A new task for the training data."""
        raise NotImplementedError(f"{type(self).__name__} must say how its task begins")

    def sample(self, task, record):
        """What the model makes of a record ({name: text}), to be shown after each epoch."""
        raise NotImplementedError(f"{type(self).__name__} must say how its task is asked")

    def validation_scores(self, task, valid):
        """({name: function of no arguments} to log after epochs, epochs from one to the next)"""
        return None, 1

    def batching(self):
        """The options of `fit` that say what a batch is."""
        return {name: getattr(self, name) for name in ("batch_tokens", "batch_size", "shapes") if hasattr(self, name)}

    def begin(self, train):
        """An untrained task."""
        import keras

        keras.utils.set_random_seed(self.recipe.seed)
        return self.untrained(train)

    def fit(self, task, epoch, folder, train, valid):
        """Train from `epoch` on, into the run's folder."""
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
        """The display of the training; a context of None where nobody looks."""
        if not screen.watched():
            return nullcontext()
        from tfllm.startup import device
        from tfllm.training.display import Display

        record = next(records.as_numpy_iterator())
        record = {name: part.decode("utf-8", "replace") for name, part in record.items() if isinstance(part, bytes)}
        return Display(lambda: self.sample(task, record), self.unit, device())


@dataclass(frozen=True)
class TokenFitting(Fitting):
    """A training whose batches are sized in tokens."""

    batch_tokens: int | None = None  # tokens in a batch, padding counted; none: sized for the data, 4096 at most
