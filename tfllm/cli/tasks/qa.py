"""Command-line options for question answering, in SQuAD's format: TASK qa."""

import json
from dataclasses import dataclass
from typing import Literal

from tfllm.cli.run_folder import encoder_of
from tfllm.cli.sources import Questions
from tfllm.cli.tasks import separated
from tfllm.cli.tasks.exporting import ExportForm
from tfllm.cli.tasks.fitting import TokenFitting
from tfllm.cli.tasks.reporting import ReportOptions
from tfllm.tasks.settings import QuestionAnsweringConfig

TEXT = "--squad F[,F]"
ASK = "tfllm generate RUN 'context | question'"


@dataclass(frozen=True)
class Training(TokenFitting, QuestionAnsweringConfig, Questions):
    """Questions, tokenizer, model, recipe: the config.yaml of a run."""

    split: str = "train"  # part of the public data set
    valid_squad: tuple[str, ...] | None = None  # validation files
    valid_split: str | None = None  # validation part of the public data set
    # folder in Hugging Face's format, or RUN of another task, whose tokenizer and model to start from
    pretrained: str | None = None

    def check(self):
        if self.valid_split is not None and self.valid_squad is not None:
            raise ValueError("--valid_split needs --tfds NAME; use that, or --valid_squad F")
        super().check()

    def untrained(self, train):
        """A new model, or one whose head alone is untrained."""
        if self.pretrained is None:
            from tfllm import QuestionAnswering

            return QuestionAnswering.from_text(train, config=self)
        return pretrained(self.pretrained, self, train)

    def sample(self, model, record):
        result = model.generate(record["context"], record["question"])
        return f"{record['question']} -> {result['text']}"


def pretrained(path, config, train):
    """A question answering model on the model of a folder or a run."""
    from tfllm import QuestionAnswering
    from tfllm.tasks.questions.question_records import asked

    no_answer = config.no_answer if config.no_answer is not None else not all(asked(train)[2])
    options = {name: getattr(config, name) for name in ("length", "stride", "question_length", "answer_length")}
    options["no_answer"] = no_answer
    if result := encoder_of(path):
        return QuestionAnswering.from_encoder(*result, **options)
    return QuestionAnswering.from_pretrained(path, **options)


@dataclass(frozen=True)
class Evaluation(Questions):
    """Exact match and F1 as in the official scripts, with confidence intervals."""

    tokens: Literal["words", "characters"] | None = None  # none: by the script of the reference answers
    json: bool = False  # print JSON
    batch_size: int = 16  # questions per batch

    def scores(self, model):
        return model.score(self.records(), self.tokens, self.batch_size)


@dataclass(frozen=True)
class Reporting(ReportOptions, Questions):
    """One page about a trained model, with scores on these questions."""


@dataclass(frozen=True)
class Generation:
    """An answer to each text, which is a context followed by a question: "Ann lives in Bonn | Where is Ann?".

    The answer to an empty text is empty.
    """

    separator: str = "|"  # separates context and question; the last one of a text counts
    n_best: int | None = None  # number of answers per question, with their probabilities
    json: bool = False  # print a JSON object per line (with n_best: a list)
    batch_size: int = 16  # questions per batch

    def check(self, texts, first=0):
        """(contexts, questions) of the texts.

        Raises ValueError for a text without context or question, unless it is empty.
        """
        return separated.parts(separated.strings(texts), self.separator, "a context", first)

    def pieces(self, model, texts, first):
        """What to print. first: the number of the first text."""
        contexts, questions = self.check(texts, first)
        for answer in model.generate(contexts, questions, self.n_best, self.batch_size):
            if self.json:
                yield json.dumps(answer, ensure_ascii=False) + "\n"
            elif self.n_best is None:
                yield answer["text"] + "\n"
            else:
                yield "".join(f"{one['score']:.4f}\t{one['text']}\n" for one in answer) + "\n"


@dataclass(frozen=True)
class Exporting(ExportForm):
    """What the SavedModel returns besides the best answer."""

    n_best: int = 5  # number of answers of the signature n_best
