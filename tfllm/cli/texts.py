"""The options that name plain text, reading what they name, and training on it."""

from dataclasses import dataclass, field
from typing import Literal

from tfllm.cli import sources
from tfllm.cli.fitting import Fitting
from tfllm.training import Recipe


@dataclass(frozen=True)
class Texts:
    """One source of documents: files, or a public set."""

    text: tuple[str, ...] | None = None  # text files, folders of .txt, patterns such as "books/*.txt", or .gz of them
    documents: Literal["file", "paragraph", "line"] = "file"  # what is one document in them
    tfds: str | None = None  # public set by its name in tensorflow-datasets, instead of files
    split: str = "test"  # the part of the public set
    column: str = "text"  # the feature of the public set

    def check(self, part="", needed=True):
        """ValueError or OSError unless one source of text is named, and is there. part: "", or "valid_"."""
        text = getattr(self, part + "text")
        if text is not None and self.tfds is not None:
            raise ValueError(f"give one of --{part}text, --tfds")
        if needed and text is None and self.tfds is None:
            raise ValueError("name the text: --text F [F ...], or --tfds NAME")
        sources.there(self, part, "text", folders=True)


@dataclass(frozen=True)
class TextTraining(Fitting, Texts):
    """Text and recipe of a task that learns from running text. A final class says how it begins."""

    split: str = "train"  # the part of the public set
    valid_text: tuple[str, ...] | None = None  # text to validate on, likewise
    valid_split: str = "validation"
    stream: bool = False  # leave the text in its files and tokenise it while training: for what memory cannot hold
    steps_per_epoch: int | None = None  # batches in an epoch of a stream; none: all of the text
    shuffle_buffer: int = 4096  # rows of a stream that are shuffled together
    batch_tokens: int | None = None  # tokens in a batch, padding counted; none: sized for the data, 4096 at most
    shapes: int = 6  # padded lengths, at most; XLA compiles each
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def validated(self):
        """Whether text to validate on is named."""
        return self.valid_text is not None or self.tfds is not None

    def check(self):
        super().check()
        super().check("valid_", needed=False)
        if self.steps_per_epoch is not None and not self.stream:
            raise ValueError("--steps_per_epoch is of a stream: --stream")

    def read(self):
        """(training documents, documents to validate on or None)"""
        return records(self, stream=self.stream), records(self, "valid_")

    def batching(self):
        streamed = {"steps_per_epoch": self.steps_per_epoch, "shuffle_buffer": self.shuffle_buffer}
        return super().batching() | {"stream": self.stream} | (streamed if self.stream else {})

    def sample(self, task, record):
        prompt = " ".join(record["text"].split()[:5])
        return f"{prompt} -> {task.generate(prompt, verbose=0, max_new_tokens=20)}"


def records(settings, part="", stream=False):
    """A dataset of {"text"}, or None where nothing is named. part: "", or "valid_" for those options."""
    from tfllm import data

    text, split = getattr(settings, part + "text"), getattr(settings, part + "split")
    if text is not None:
        return data.text(*text, documents=settings.documents, stream=stream)
    return data.tfds(settings.tfds, split, {"text": settings.column}) if settings.tfds else None
