"""What the verbs can be told about questions on texts, in SQuAD's format, and what they do with it: TASK qa."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tfllm.cli import asked, sources
from tfllm.cli.fitting import Fitting
from tfllm.tasks.settings import QuestionAnsweringConfig
from tfllm.training import Recipe

TEXT = "--squad F[,F]"
ASK = "tfllm generate RUN 'context | question'"


@dataclass(frozen=True)
class Questions:
    squad: tuple[str, ...] | None = None  # files in SQuAD's format, version 1.1 or 2.0, or .gz of them
    tfds: str | None = None  # or the name of a public set: squad, squad/v2.0

    def check(self):
        """ValueError or OSError unless one source of questions is named, and is there."""
        if (self.squad is None) == (self.tfds is None):
            raise ValueError("name the questions: --squad F[,F] or --tfds NAME")
        sources.there(self, "", "squad")


@dataclass(frozen=True)
class QuestionTraining(Fitting, QuestionAnsweringConfig, Questions):
    """Questions, tokenizer, model, recipe: the config.yaml of a run."""

    split: str = "train"  # the part of the public set
    valid_squad: tuple[str, ...] | None = None  # files to validate on
    valid_split: str | None = None  # part of the public set to validate on
    pretrained: str | None = None  # folder in Hugging Face's format, or RUN of another task: its tokenizer and model
    batch_tokens: int | None = None  # tokens in a batch, padding counted; none: sized for the data, 4096 at most
    shapes: int = 6  # padded lengths, at most; XLA compiles each
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def validated(self):
        """Whether questions to validate on are named."""
        return self.valid_squad is not None or self.valid_split is not None

    def check(self):
        if self.valid_split is not None and (self.valid_squad is not None or self.tfds is None):
            raise ValueError("--valid_split is a part of --tfds NAME; give that, or --valid_squad F")
        super().check()
        sources.there(self, "valid_", "squad")

    def read(self):
        """(training questions, questions to validate on or None)"""
        train = records(self, self.split)
        if self.valid_split is not None:
            return train, public(self.tfds, self.valid_split)
        return train, files(self.valid_squad)

    def untrained(self, train):
        """A new model, or one whose head alone is untrained."""
        if self.pretrained is None:
            from tfllm import QuestionAnswering

            return QuestionAnswering.from_text(train, config=self)
        return pretrained(self.pretrained, self, train)

    def sample(self, model, record):
        found = model.generate(record["context"], record["question"])
        return f"{record['question']} -> {found['text']}"


def pretrained(path, config, train):
    """A reader on the model of a folder or of a run."""
    from tfllm import QuestionAnswering, load_model
    from tfllm.cli.trained import path as file_of
    from tfllm.tasks.questions.question_records import asked

    no_answer = config.no_answer if config.no_answer is not None else not all(asked(train)[2])
    options = {name: getattr(config, name) for name in ("length", "stride", "question_length", "answer_length")}
    options["no_answer"] = no_answer
    if Path(path).is_file() or (Path(path) / "config.yaml").exists():
        task = load_model(file_of(path), compile=False)
        encoder = next((getattr(task, name) for name in ("encoder", "model") if hasattr(task, name)), None)
        if encoder is None or not hasattr(task, "tokenizer"):
            raise ValueError(f"--pretrained {path}: a {type(task).__name__} has no model that reads a text")
        return QuestionAnswering.from_encoder(encoder, task.tokenizer, **options)
    return QuestionAnswering.from_pretrained(path, **options)


@dataclass(frozen=True)
class Evaluation(Questions):
    """Exact match and F1 as the official scripts count them, with intervals."""

    split: str = "validation"  # the part of the public set
    tokens: Literal["words", "characters"] | None = None  # none: by the script of the right answers
    json: bool = False  # for programs
    batch_size: int = 16  # questions at a time

    def scores(self, model):
        return model.score(records(self, self.split), self.tokens, self.batch_size)


@dataclass(frozen=True)
class Generation:
    """An answer for each text, which is a context and, at its end, a question: "Ann lives in Bonn | Where is Ann?".

    The answer to an empty text is empty.
    """

    separator: str = "|"  # between context and question: the last one of a text
    n_best: int | None = None  # so many answers each, with their probabilities
    json: bool = False  # everything, an object a line (of n_best: a list)
    batch_size: int = 16  # questions answered at a time

    def check(self, texts, first=0):
        """(contexts, questions) of the texts. ValueError for one that lacks a part, unless it is empty."""
        return asked.parts(asked.strings(texts), self.separator, "a context", first)

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
class Exporting:
    """What the SavedModel tells beside the best answer."""

    n_best: int = 5  # answers of the signature n_best


Training = QuestionTraining


def files(paths):
    from tfllm.data.reading import squad_files as squad

    return squad(*paths) if paths else None


def public(name, split):
    from tfllm.data import squad_tfds

    return squad_tfds(name, split)


def records(settings, split):
    return files(settings.squad) if settings.squad else public(settings.tfds, split)
