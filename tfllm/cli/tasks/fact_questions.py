"""Command-line options for questions on facts, in bAbI's format: TASK facts."""

from dataclasses import dataclass
from typing import ClassVar

from tfllm.cli.sources import Facts
from tfllm.cli.tasks import separated
from tfllm.cli.tasks.exporting import ExportForm
from tfllm.cli.tasks.fitting import Fitting
from tfllm.cli.tasks.reporting import ReportOptions
from tfllm.tasks.settings import FactAnsweringConfig

TEXT = "--babi F[,F]"
ASK = "tfllm generate RUN 'fact | fact | question'"


@dataclass(frozen=True)
class Training(Fitting, FactAnsweringConfig, Facts):
    """Files, tokenizer, model, recipe: the config.yaml of a run."""

    valid_babi: tuple[str, ...] | None = None  # validation files, in the same format
    batch_size: int = 32  # questions in a batch
    shapes: int = 2  # number of padded lengths, at most; XLA compiles each
    descent: bool = True  # train a memory network by gradient descent, as in the paper; false: as in the recipe
    unit: ClassVar[str] = "questions"

    def untrained(self, train):
        from tfllm import FactAnswering

        return FactAnswering.from_text(train, config=self)

    def batching(self):
        return super().batching() | ({"recipe": None} if self.descent else {})

    def sample(self, model, record):
        facts, question = record["facts"], record["question"]
        return f"{facts.splitlines()[-1]} | {question} -> {model.generate(facts, question)}"


@dataclass(frozen=True)
class Evaluation(Facts):
    """The share of correct answers, with its confidence interval."""

    json: bool = False  # print JSON

    def scores(self, model):
        return model.score(self.records())


@dataclass(frozen=True)
class Reporting(ReportOptions, Facts):
    """One page about a trained model, with scores on these questions."""


@dataclass(frozen=True)
class Generation:
    """An answer to each text, which is facts followed by a question: "Mary went out | Where is Mary?"."""

    separator: str = "|"  # separates the facts, and the question
    explain: bool = False  # show a table of the facts behind the answer
    batch_size: int = 32  # texts per batch, if standard input is not a terminal

    def check(self, texts, first=0):
        """(facts, questions) of the texts.

        Raises ValueError for a text without facts or question, unless it is empty.
        """
        texts = [text.replace("\n", self.separator) for text in separated.strings(texts)]
        facts, questions = separated.parts(texts, self.separator, "facts", first)
        return [text.replace(self.separator, "\n") for text in facts], questions

    def pieces(self, model, texts, first):
        """What to print."""
        facts, questions = self.check(texts, first)
        if self.explain:
            from tfllm.explain import fact_map

            yield from (f"{fact_map(model, *pair)}\n\n" for pair in zip(facts, questions, strict=True))
            return
        for answer in model.generate(facts, questions, self.batch_size):
            yield answer + "\n"


Exporting = ExportForm  # the SavedModel always decodes greedily
