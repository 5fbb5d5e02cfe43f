"""What the verbs can be told about questions on facts, in bAbI's files, and what they do with it: TASK facts."""

import sys
from dataclasses import dataclass, field

from tfllm.tasks.fact_answering import FactAnswering, FactAnsweringConfig
from tfllm.training import Recipe, callbacks

TEXT = "--babi F[,F]"
ASK = "tfllm generate RUN 'fact | fact | question'"


@dataclass(frozen=True)
class Files:
    babi: tuple[str, ...] | None = None  # files of the bAbI tasks, or .gz of them


@dataclass(frozen=True)
class FactTraining(FactAnsweringConfig, Files):
    """Files, tokenizer, model, recipe: the config.yaml of a run."""

    valid_babi: tuple[str, ...] | None = None  # files to validate on, likewise
    batch_size: int = 32  # questions in a batch
    shapes: int = 2  # padded lengths, at most; XLA compiles each
    descent: bool = True  # a memory network learns by gradient descent, as in the paper; false: as the recipe says
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def validated(self):
        """Whether files to validate on are named."""
        return self.valid_babi is not None

    def read(self):
        """(training questions, questions to validate on or None)"""
        return some(self), records(self.valid_babi)

    def begin(self, train):
        """An untrained model."""
        import keras

        keras.utils.set_random_seed(self.recipe.seed)
        return FactAnswering.from_text(train, config=self)

    def fit(self, model, epoch, folder, train, valid):
        """Train from `epoch` on, into the run's folder."""
        model.fit(
            train, validation_data=valid, epochs=self.recipe.epochs, initial_epoch=epoch, seed=self.recipe.seed,
            recipe=None if self.descent else self.recipe, batch_size=self.batch_size, shapes=self.shapes,
            verbose=1 if sys.stdout.isatty() else 0, callbacks=callbacks(folder, self.recipe),
        )  # fmt: skip


@dataclass(frozen=True)
class Evaluation(Files):
    """The share of questions that are answered right, with its interval."""

    def scores(self, model):
        return model.score(some(self))


@dataclass(frozen=True)
class Generation:
    """An answer for each text, which is facts and, at its end, a question: "Mary went out | Where is Mary?"."""

    separator: str = "|"  # between the facts, and before the question
    explain: bool = False  # which facts the answer came from, as a table
    batch_size: int = 32  # texts answered at a time, from standard input that is no terminal

    def pieces(self, model, texts, first):
        """What to print."""
        texts = [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts]
        told = [text.replace(self.separator, "\n").rpartition("\n") for text in texts]
        if self.explain:
            from tfllm.explain import fact_map

            yield from (f"{fact_map(model, facts, question)}\n\n" for facts, _, question in told)
            return
        facts, questions = ([parts[i] for parts in told] for i in (0, 2))
        for answer in model.generate(facts, questions, self.batch_size):
            yield answer + "\n"


@dataclass(frozen=True)
class Exporting:
    """Nothing can be told: the SavedModel answers greedily."""


Training = FactTraining


def records(files):
    from tfllm.data import babi

    return babi(*files) if files else None


def some(settings):
    """The questions that must be there."""
    found = records(settings.babi)
    if found is None:
        raise ValueError("name the questions: --babi F[,F]")
    return found
