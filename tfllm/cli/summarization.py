"""What the verbs can be told about a summarizer, and what they do with it."""

import sys
from dataclasses import asdict, dataclass, field
from typing import Literal

from tfllm.cli import pairs
from tfllm.tasks.summarizer import Summarizer, SummarizerConfig, Summarizing
from tfllm.training import Recipe, callbacks

TEXT = "--source F --target F"


@dataclass(frozen=True)
class Summarization(SummarizerConfig, pairs.Pairs):
    """Documents and summaries, tokenizer, model, recipe: the config.yaml of a run."""

    split: str = "train"  # the part of the public set
    valid_source: str | None = None  # text to validate on, likewise
    valid_target: str | None = None
    valid_data: str | None = None
    valid_split: str = "validation"
    batch_tokens: int = 4096  # places in a batch, padding counted
    shapes: int = 6  # padded lengths, at most; XLA compiles each
    rouge_every: int | None = None  # epochs between ROUGE-L of the validation text (greedy), "val_rougeL"
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def validated(self):
        """Whether text to validate on is named."""
        return any(name is not None for name in (self.valid_source, self.valid_data, self.tfds))

    @property
    def scored_every(self):
        """Epochs between ROUGE scores, or None."""
        return self.rouge_every or (1 if self.recipe.monitor == "val_rougeL" else None)

    def read(self):
        """(training pairs, validation pairs or None)"""
        train, valid = pairs.some(self), pairs.records(self, "valid_")
        if self.scored_every and valid is None:
            raise ValueError("ROUGE needs text to validate on: --valid_source F --valid_target F")
        return train, valid

    def begin(self, train):
        """An untrained summarizer."""
        import keras

        keras.utils.set_random_seed(self.recipe.seed)
        return Summarizer.from_text(train, config=self)

    def fit(self, summarizer, epoch, folder, train, valid):
        """Train from `epoch` on, into the run's folder."""
        every = self.scored_every
        scores = {"val_rougeL": lambda: summarizer.score(valid, verbose=0, beam_width=1).rougeL.value}
        summarizer.fit(
            train, validation_data=valid, epochs=self.recipe.epochs, initial_epoch=epoch, seed=self.recipe.seed,
            recipe=self.recipe, batch_tokens=self.batch_tokens, shapes=self.shapes,
            verbose=1 if sys.stdout.isatty() else 0,
            callbacks=callbacks(folder, self.recipe, scores if every else None, every or 1),
        )  # fmt: skip


@dataclass(frozen=True)
class Evaluation(pairs.Pairs):
    """ROUGE-1, 2 and L, with signatures and intervals."""

    tokens: Literal["words", "characters"] = "words"  # of ROUGE; characters: Chinese
    stemming: bool = True  # of words
    decoding: Summarizing = field(default_factory=Summarizing)

    def scores(self, model):
        return model.score(
            pairs.some(self), verbose=0, tokens=self.tokens, stemming=self.stemming, **asdict(self.decoding)
        )


@dataclass(frozen=True)
class Generation:
    """Summaries, a line each: line breaks inside one become blanks."""

    batch_size: int = 32  # texts answered at a time, from standard input that is no terminal
    decoding: Summarizing = field(default_factory=Summarizing)

    def pieces(self, model, texts, first):
        """What to print."""
        for answer in model.generate(texts, verbose=0, **asdict(self.decoding)):
            yield answer.replace("\n", " ") + "\n"


@dataclass(frozen=True)
class Exporting:
    decoding: Summarizing = field(default_factory=Summarizing)


Training = Summarization
