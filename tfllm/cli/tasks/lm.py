"""Command-line options for language models."""

from dataclasses import asdict, dataclass, field

from tfllm.cli.sources import Texts
from tfllm.cli.tasks.exporting import ExportForm
from tfllm.cli.tasks.reporting import ReportOptions
from tfllm.cli.tasks.text_tasks import StreamedTraining, TextScores
from tfllm.tasks.settings import LanguageModelConfig
from tfllm.tasks.text_generation.decoding import Continuation

TEXT = "--text F [F ...]"
ASK = "tfllm generate RUN 'text'"


@dataclass(frozen=True)
class Training(LanguageModelConfig, StreamedTraining):
    """Text, tokenizer, model, recipe: the config.yaml of a run."""

    def untrained(self, train):
        from tfllm import LanguageModel

        return LanguageModel.from_text(train, config=self)

    def sample(self, task, record):
        prompt = " ".join(record["text"].split()[:5])
        return f"{prompt} -> {task.generate(prompt, verbose=0, max_new_tokens=20)}"


@dataclass(frozen=True)
class Evaluation(TextScores):
    """Perplexity per token, word, character and byte."""

    stride: int | None = None  # tokens between two windows; none: blocks without overlap, as in training

    def scores(self, model):
        return model.score(self.records(), self.stride, self.batch_tokens, verbose=0)


@dataclass(frozen=True)
class Decoded:
    decoding: Continuation = field(default_factory=Continuation)


@dataclass(frozen=True)
class Exporting(ExportForm, Decoded):
    """The form of the export, and its fixed decoding."""


@dataclass(frozen=True)
class Reporting(ReportOptions, Texts):
    """One page about a trained model, with scores on these texts."""


@dataclass(frozen=True)
class Generation(Decoded):
    """Prompts with their continuations, unchanged: they may have several lines."""

    num_return_sequences: int = 1  # number of texts per prompt
    batch_size: int = 32  # prompts per batch
    stream: bool = False  # print the text while it is generated, prompt by prompt
    one_line: bool = False  # replace line breaks by spaces, so that each text is one line
    jit_compile: bool = False  # compile with XLA: takes seconds at first, then many times faster

    def check(self, prompts):
        if self.stream and (self.num_return_sequences > 1 or self.jit_compile):
            raise ValueError("--stream allows one text per prompt, and no compilation with XLA")

    def pieces(self, model, prompts, first):
        """What to print. first: the number of the first prompt."""
        options = asdict(self.decoding)
        if self.stream:
            for row, prompt in enumerate(prompts, first):
                yield from map(self.line, model.stream(prompt, row=row, **options))
                yield "\n"
            return
        several = {"num_return_sequences": self.num_return_sequences, "jit_compile": self.jit_compile}
        result = model.generate(prompts, batch_size=self.batch_size, verbose=0, row=first, **several, **options)
        for text in sum(result, []) if self.num_return_sequences > 1 else result:
            yield self.line(text) + "\n"

    def line(self, text):
        return text.replace("\n", " ") if self.one_line else text
