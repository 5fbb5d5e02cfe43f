"""Common options of tasks that map a text to a text: translation, summarization."""

from dataclasses import asdict, dataclass
from typing import ClassVar

from tfllm.cli.sources import Pairs
from tfllm.cli.tasks.fitting import TokenFitting


@dataclass(frozen=True)
class PairTraining(TokenFitting, Pairs):
    """Data and recipe. A subclass also inherits from the task's config."""

    task: ClassVar[str]  # the name of the class, which has from_text, fit, score
    measure: ClassVar[tuple[str, str]]  # of score: the attribute, and its name for users
    split: str = "train"  # part of the public data set
    valid_source: str | None = None  # validation file of source texts, like --source
    valid_target: str | None = None  # validation file of target texts, like --target
    valid_data: str | None = None  # validation table, like --data
    valid_split: str = "validation"  # validation part of the public data set

    @property
    def scored(self):
        """The name of the validation score in the history."""
        return f"val_{self.measure[0]}"

    @property
    def scored_every(self):
        """Epochs between two validation scores, or None: a field of the subclass, such as `bleu_every`."""
        return getattr(self, f"{self.measure[1].lower()}_every") or (1 if self.recipe.monitor == self.scored else None)

    @property
    def scoring(self):
        """Checked arguments of the task's `score`, except those of decoding."""
        raise NotImplementedError(f"{type(self).__name__} must define scoring")

    def check(self):
        super().check()
        if self.scored_every and not self.validated:
            raise ValueError(f"{self.measure[1]} needs validation text: --valid_source F --valid_target F")

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


@dataclass(frozen=True)
class PairAnswers:
    """Answers, one per line: line breaks inside one become spaces. A subclass has `decoding`."""

    batch_size: int = 32  # texts per batch, if standard input is not a terminal

    def pieces(self, model, texts, first):
        """What to print. first: the number of the first text."""
        for answer in model.generate(texts, verbose=0, row=first, **asdict(self.decoding)):
            yield answer.replace("\n", " ") + "\n"
