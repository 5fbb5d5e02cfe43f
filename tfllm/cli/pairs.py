"""The options that name parallel text, reading what they name, and training on it."""

from dataclasses import dataclass, field
from typing import ClassVar

from tfllm.cli import sources
from tfllm.cli.fitting import Fitting
from tfllm.training import Recipe


@dataclass(frozen=True)
class Pairs:
    """One source of pairs: two files, or a table, or a public set."""

    source: str | None = None  # texts, a line each, or .gz of it
    target: str | None = None  # what each is to become (its translation, its summary), line by line
    data: str | None = None  # table .tsv, .csv, .jsonl or .gz of it, instead of two files
    tfds: str | None = None  # public set by its name in tensorflow-datasets, instead of files
    split: str = "test"  # the part of the public set
    columns: tuple[str, ...] | None = None  # source,target: names in the table or set, numbers where there is no header

    def check(self, part="", needed=True):
        """ValueError or OSError unless one source of pairs is named whole, and is there. part: "", or "valid_"."""
        source, target, table = (getattr(self, part + name) for name in ("source", "target", "data"))
        if (source is None) != (target is None):
            raise ValueError(f"--{part}source and --{part}target go together: one file each")
        if sum(name is not None for name in (source, table, self.tfds)) > 1:
            raise ValueError(
                f"give one of --{part}source with --{part}target, which are files, --{part}data and --tfds; "
                "names of columns go to --columns source,target"
            )
        if self.columns is not None and len(self.columns) != 2:
            raise ValueError(f"--columns are two, source,target; got {','.join(self.columns)}")
        if needed and source is None and table is None and self.tfds is None:
            raise ValueError("name the text: --source F --target F, or --data F.tsv, or --tfds NAME")
        sources.there(self, part, "source", "target", "data")


@dataclass(frozen=True)
class PairTraining(Fitting, Pairs):
    """Text and recipe of a task that learns from pairs. A final class is one of that task's config too."""

    task: ClassVar[str]  # the name of the class, which has from_text, fit, score
    measure: ClassVar[tuple[str, str]]  # of score: the attribute, and what it is called
    split: str = "train"  # the part of the public set
    valid_source: str | None = None  # text to validate on, likewise
    valid_target: str | None = None
    valid_data: str | None = None
    valid_split: str = "validation"
    batch_tokens: int | None = None  # tokens in a batch, padding counted; none: sized for the data, 4096 at most
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

    def check(self):
        super().check()
        super().check("valid_", needed=False)
        if self.scored_every and not self.validated:
            raise ValueError(f"{self.measure[1]} needs text to validate on: --valid_source F --valid_target F")

    def read(self):
        """(training pairs, validation pairs or None)"""
        return records(self), records(self, "valid_")

    def untrained(self, train):
        import tfllm

        return getattr(tfllm, self.task).from_text(train, config=self)

    def validation_scores(self, task, valid):
        every = self.scored_every
        if not every:
            return None, 1
        scoring = self.scoring

        def score():
            return getattr(task.score(valid, verbose=0, beam_width=1, **scoring), self.measure[0]).value

        return {self.scored: score}, every

    def sample(self, task, record):
        return f"{record['source']} -> {task.generate(record['source'], verbose=0, beam_width=1)}"



def records(settings, part=""):
    """A dataset of {"source", "target"}, or None where nothing is named. part: "", or "valid_" for those options."""
    from tfllm import data

    source, target, table, split = (getattr(settings, part + name) for name in ("source", "target", "data", "split"))
    columns = settings.columns
    if source is not None:
        return data.parallel(source, target)
    if table is not None:
        return data.table(table, [int(name) if name.isdigit() else name for name in columns or ("source", "target")])
    return data.tfds(settings.tfds, split, columns) if settings.tfds else None
