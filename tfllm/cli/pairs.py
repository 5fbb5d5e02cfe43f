"""The options that name parallel text, reading what they name, and training on it."""

import sys
from dataclasses import dataclass, field
from typing import ClassVar

from tfllm.training import Recipe, callbacks


@dataclass(frozen=True)
class Pairs:
    """One source of pairs: two files, or a table, or a public set."""

    source: str | None = None  # texts, a line each, or .gz of it
    target: str | None = None  # what each is to become (its translation, its summary), line by line
    data: str | None = None  # table .tsv, .csv, .jsonl or .gz of it, instead of two files
    tfds: str | None = None  # public set by its name in tensorflow-datasets, instead of files
    split: str = "test"  # the part of the public set
    columns: tuple[str, ...] | None = None  # source,target: names in the table or set, numbers where there is no header


@dataclass(frozen=True)
class PairTraining(Pairs):
    """Text and recipe of a task that learns from pairs. A final class is one of that task's config too."""

    task: ClassVar[type]  # has from_text, fit, score
    measure: ClassVar[tuple[str, str]]  # of score: the attribute, and what it is called
    split: str = "train"  # the part of the public set
    valid_source: str | None = None  # text to validate on, likewise
    valid_target: str | None = None
    valid_data: str | None = None
    valid_split: str = "validation"
    batch_tokens: int = 4096  # places in a batch, padding counted
    shapes: int = 6  # padded lengths, at most; XLA compiles each
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def validated(self):
        """Whether text to validate on is named."""
        return any(name is not None for name in (self.valid_source, self.valid_data, self.tfds))

    @property
    def scored(self):
        """What a score of the validation text is called in the history."""
        return f"val_{self.measure[0]}"

    @property
    def scored_every(self):
        """Epochs between such scores, or None: field of the final class, `bleu_every` or the like."""
        return getattr(self, f"{self.measure[1].lower()}_every") or (1 if self.recipe.monitor == self.scored else None)

    @property
    def scoring(self):
        """Options of the task's `score`, beside those of decoding, checked."""
        raise NotImplementedError(f"{type(self).__name__} must say how its text is scored")

    def read(self):
        """(training pairs, validation pairs or None)"""
        train, valid = some(self), records(self, "valid_")
        if self.scored_every and valid is None:
            raise ValueError(f"{self.measure[1]} needs text to validate on: --valid_source F --valid_target F")
        return train, valid

    def begin(self, train):
        """An untrained task."""
        import keras

        keras.utils.set_random_seed(self.recipe.seed)
        return self.task.from_text(train, config=self)

    def fit(self, task, epoch, folder, train, valid):
        """Train from `epoch` on, into the run's folder."""
        every = self.scored_every
        scoring = self.scoring if every else {}

        def score():
            return getattr(task.score(valid, verbose=0, beam_width=1, **scoring), self.measure[0]).value

        scores = {self.scored: score}
        task.fit(
            train, validation_data=valid, epochs=self.recipe.epochs, initial_epoch=epoch, seed=self.recipe.seed,
            recipe=self.recipe, batch_tokens=self.batch_tokens, shapes=self.shapes,
            verbose=1 if sys.stdout.isatty() else 0,
            callbacks=callbacks(folder, self.recipe, scores if every else None, every or 1),
        )  # fmt: skip


def records(settings, part=""):
    """A dataset of {"source", "target"}, or None where nothing is named. part: "", or "valid_" for those options.

    ValueError unless exactly one source of pairs is named whole.
    """
    from tfllm import data

    source, target, table, split = (getattr(settings, part + name) for name in ("source", "target", "data", "split"))
    if (source is None) != (target is None):
        raise ValueError(f"--{part}source and --{part}target go together: one file each")
    if sum(name is not None for name in (source, table, settings.tfds)) > 1:
        raise ValueError(
            f"give one of --{part}source with --{part}target, which are files, --{part}data and --tfds; "
            "names of columns go to --columns source,target"
        )
    columns = settings.columns
    if columns is not None and len(columns) != 2:
        raise ValueError(f"--columns are two, source,target; got {','.join(columns)}")
    if source is not None:
        return data.parallel(source, target)
    if table is not None:
        return data.table(table, [int(name) if name.isdigit() else name for name in columns or ("source", "target")])
    return data.tfds(settings.tfds, split, columns) if settings.tfds else None


def some(settings):
    """`records` that must be there."""
    found = records(settings)
    if found is None:
        raise ValueError("name the text: --source F --target F, or --data F.tsv, or --tfds NAME")
    return found
