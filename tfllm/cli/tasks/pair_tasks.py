"""What the tasks share that make a text of a text: translation, summarization."""

from dataclasses import asdict, dataclass
from typing import ClassVar

from tfllm.cli.sources import Pairs
from tfllm.cli.tasks.fitting import TokenFitting


@dataclass(frozen=True)
class PairTraining(TokenFitting, Pairs):
    """Text and recipe. A final class is one of that task's config too."""

    task: ClassVar[str]  # the name of the class, which has from_text, fit, score
    measure: ClassVar[tuple[str, str]]  # of score: the attribute, and what it is called
    split: str = "train"  # the part of the public set
    valid_source: str | None = None  # text to validate on, likewise
    valid_target: str | None = None
    valid_data: str | None = None
    valid_split: str = "validation"

    @property
    def scored(self):
        """What a score of the validation text is called in the history."""
        return f"val_{self.measure[0]}"

    @property
    def scored_every(self):
        """Epochs between such scores, or None: field of the final class, `bleu_every` or the like."""
        return getattr(self, f"{self.measure[1].lower()}_every") or (1 if self.recipe.monitor == self.scored else None)

    @property
    def scoring(self):
        """Options of the task's `score`, beside those of decoding, checked."""
        raise NotImplementedError(f"{type(self).__name__} must say how its text is scored")

    def check(self):
        super().check()
        if self.scored_every and not self.validated:
            raise ValueError(f"{self.measure[1]} needs text to validate on: --valid_source F --valid_target F")

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
    """Answers, a line each: line breaks inside one become blanks. A final class has `decoding`."""

    batch_size: int = 32  # texts answered at a time, from standard input that is no terminal

    def pieces(self, model, texts, first):
        """What to print. first: the number of the first text."""
        for answer in model.generate(texts, verbose=0, row=first, **asdict(self.decoding)):
            yield answer.replace("\n", " ") + "\n"
