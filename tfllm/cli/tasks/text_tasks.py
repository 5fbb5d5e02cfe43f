"""What the tasks share that learn from running text: lm, pretrain, denoising; and those of other packages."""

from dataclasses import dataclass

from tfllm.cli.sources import Texts
from tfllm.cli.tasks.fitting import TokenFitting


@dataclass(frozen=True)
class TextTraining(TokenFitting, Texts):
    """Text and recipe. A final class says how it begins."""

    split: str = "train"  # the part of the public set
    valid_text: tuple[str, ...] | None = None  # text to validate on, likewise
    valid_split: str = "validation"

    def read(self):
        return self.records(), self.records("valid_")


@dataclass(frozen=True)
class StreamedTraining(TextTraining):
    """The text may also be larger than memory. A final class says how it begins."""

    stream: bool = False  # leave the text in its files and tokenise it while training: for what memory cannot hold
    steps_per_epoch: int | None = None  # batches in an epoch of a stream; none: all of the text
    shuffle_buffer: int = 4096  # rows of a stream that are shuffled together

    def check(self):
        super().check()
        if self.steps_per_epoch is not None and not self.stream:
            raise ValueError("--steps_per_epoch is of a stream: --stream")

    def read(self):
        return self.records(stream=self.stream), self.records("valid_")

    def batching(self):
        streamed = {"steps_per_epoch": self.steps_per_epoch, "shuffle_buffer": self.shuffle_buffer}
        return super().batching() | {"stream": self.stream} | (streamed if self.stream else {})


@dataclass(frozen=True)
class TextScores(Texts):
    """The text to score a model on. A final class says how."""

    json: bool = False  # for programs
    batch_tokens: int = 4096  # tokens in a batch, padding counted
