"""The options that name plain text, reading what they name, and training on it."""

import sys
from dataclasses import dataclass, field
from typing import Literal

from tfllm.training import Recipe, callbacks


@dataclass(frozen=True)
class Texts:
    """One source of documents: files, or a public set."""

    text: tuple[str, ...] | None = None  # text files or patterns such as "books/*.txt", or .gz of them
    documents: Literal["file", "paragraph", "line"] = "file"  # what is one document in them
    tfds: str | None = None  # public set by its name in tensorflow-datasets, instead of files
    split: str = "test"  # the part of the public set
    column: str = "text"  # the feature of the public set


@dataclass(frozen=True)
class TextTraining(Texts):
    """Text and recipe of a task that learns from running text. A final class says how it begins."""

    split: str = "train"  # the part of the public set
    valid_text: tuple[str, ...] | None = None  # text to validate on, likewise
    valid_split: str = "validation"
    stream: bool = False  # leave the text in its files and tokenise it while training: for what memory cannot hold
    steps_per_epoch: int | None = None  # batches in an epoch of a stream; none: all of the text
    shuffle_buffer: int = 4096  # rows of a stream that are shuffled together
    batch_tokens: int = 4096  # places in a batch, padding counted
    shapes: int = 6  # padded lengths, at most; XLA compiles each
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def validated(self):
        """Whether text to validate on is named."""
        return self.valid_text is not None or self.tfds is not None

    def read(self):
        """(training documents, documents to validate on or None)"""
        if self.steps_per_epoch is not None and not self.stream:
            raise ValueError("--steps_per_epoch is of a stream: --stream true")
        return some(self, self.stream), records(self, "valid_")

    def begin(self, train):
        """An untrained task."""
        import keras

        keras.utils.set_random_seed(self.recipe.seed)
        return self.untrained(train)

    def fit(self, task, epoch, folder, train, valid):
        """Train from `epoch` on, into the run's folder."""
        streamed = {"steps_per_epoch": self.steps_per_epoch, "shuffle_buffer": self.shuffle_buffer}
        task.fit(
            train, validation_data=valid, epochs=self.recipe.epochs, initial_epoch=epoch, seed=self.recipe.seed,
            recipe=self.recipe, batch_tokens=self.batch_tokens, shapes=self.shapes,
            verbose=1 if sys.stdout.isatty() else 0,
            callbacks=callbacks(folder, self.recipe), stream=self.stream, **streamed if self.stream else {},
        )  # fmt: skip


def records(settings, part="", stream=False):
    """A dataset of {"text"}, or None where nothing is named. part: "", or "valid_" for those options."""
    from tfllm import data

    text, split = getattr(settings, part + "text"), getattr(settings, part + "split")
    if text is not None and settings.tfds is not None:
        raise ValueError(f"give one of --{part}text, --tfds")
    if text is not None:
        return data.text(*text, documents=settings.documents, stream=stream)
    return data.tfds(settings.tfds, split, {"text": settings.column}) if settings.tfds else None


def some(settings, stream=False):
    """`records` that must be there."""
    found = records(settings, stream=stream)
    if found is None:
        raise ValueError("name the text: --text F [F ...], or --tfds NAME")
    return found
