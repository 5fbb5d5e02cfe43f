"""What the verbs can be told about a summarizer, and what they do with it."""

from dataclasses import asdict, dataclass, field
from typing import Literal

from tfllm.cli import pairs
from tfllm.tasks.settings import SummarizerConfig
from tfllm.tasks.text_generation.decoding import Summarizing

TEXT = "--source F --target F"
ASK = "tfllm generate RUN 'text'"


@dataclass(frozen=True)
class Summarization(SummarizerConfig, pairs.PairTraining):
    """Documents and summaries, tokenizer, model, recipe: the config.yaml of a run."""

    task, measure = "Summarizer", ("rougeL", "ROUGE")
    rouge_every: int | None = None  # epochs between ROUGE-L of the validation text (greedy), "val_rougeL"
    tokens: Literal["words", "characters"] | None = None  # of ROUGE; none: by the script of the references

    @property
    def scoring(self):
        return {"tokens": self.tokens}


@dataclass(frozen=True)
class Evaluation(pairs.Pairs):
    """ROUGE-1, 2 and L, with signatures and intervals."""

    tokens: Literal["words", "characters"] | None = None  # of ROUGE; none: by the script of the references
    stemming: bool = True  # of words
    json: bool = False  # for programs
    decoding: Summarizing = field(default_factory=Summarizing)

    def scores(self, model):
        return model.score(
            pairs.records(self), verbose=0, tokens=self.tokens, stemming=self.stemming, **asdict(self.decoding)
        )


@dataclass(frozen=True)
class Generation:
    """Summaries, a line each: line breaks inside one become blanks."""

    batch_size: int = 32  # texts answered at a time, from standard input that is no terminal
    decoding: Summarizing = field(default_factory=Summarizing)

    def pieces(self, model, texts, first):
        """What to print."""
        for answer in model.generate(texts, verbose=0, row=first, **asdict(self.decoding)):
            yield answer.replace("\n", " ") + "\n"


@dataclass(frozen=True)
class Exporting:
    decoding: Summarizing = field(default_factory=Summarizing)


Training = Summarization
