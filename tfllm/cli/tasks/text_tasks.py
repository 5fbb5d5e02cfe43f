"""Common options of tasks that learn from plain text: lm, pretrain, denoising; and those of other packages."""

from dataclasses import dataclass

from tfllm.cli.sources import Texts
from tfllm.cli.tasks.fitting import TokenFitting


@dataclass(frozen=True)
class TextTraining(TokenFitting, Texts):
    """Text and recipe. A subclass defines the untrained task."""

    split: str = "train"  # part of the public data set
    valid_text: tuple[str, ...] | None = None  # validation text, like --text
    valid_split: str = "validation"  # validation part of the public data set

    def read(self):
        return self.records(), self.records("valid_")


@dataclass(frozen=True)
class StreamedTraining(TextTraining):
    """Like TextTraining, for text that may be larger than memory."""

    # leave the text in its files and tokenise it while training, for text that is larger than memory
    stream: bool = False
    steps_per_epoch: int | None = None  # batches in an epoch of a stream; none: the whole text
    shuffle_buffer: int = 4096  # rows of a stream that are shuffled together

    def check(self):
        super().check()
        if self.steps_per_epoch is not None and not self.stream:
            raise ValueError("--steps_per_epoch needs --stream")

    def read(self):
        return self.records(stream=self.stream), self.records("valid_")

    def batching(self):
        streamed = {"steps_per_epoch": self.steps_per_epoch, "shuffle_buffer": self.shuffle_buffer}
        return super().batching() | {"stream": self.stream} | (streamed if self.stream else {})


@dataclass(frozen=True)
class TextScores(Texts):
    """The text to score a model on. A subclass defines the scores."""

    json: bool = False  # print JSON
    batch_tokens: int = 4096  # tokens in a batch, including padding
