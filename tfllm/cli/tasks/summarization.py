"""Command-line options for summarization."""

from dataclasses import asdict, dataclass, field
from typing import Literal

from tfllm.cli.sources import Pairs
from tfllm.cli.tasks.exporting import ExportForm
from tfllm.cli.tasks.pair_tasks import PairAnswers, PairTraining
from tfllm.cli.tasks.reporting import ReportOptions
from tfllm.tasks.settings import SummarizerConfig
from tfllm.tasks.text_generation.decoding import Summarizing

TEXT = "--source F --target F"
ASK = "tfllm generate RUN 'text'"


@dataclass(frozen=True)
class Training(SummarizerConfig, PairTraining):
    """Documents and summaries, tokenizer, model, recipe: the config.yaml of a run."""

    task, measure = "Summarizer", ("rougeL", "ROUGE")
    rouge_every: int | None = None  # epochs between two ROUGE-L scores of the validation text (greedy), "val_rougeL"
    tokens: Literal["words", "characters"] | None = None  # for ROUGE; none: by the script of the references

    @property
    def scoring(self):
        return {"tokens": self.tokens}


@dataclass(frozen=True)
class Evaluation(Pairs):
    """ROUGE-1, 2 and L, with signatures and confidence intervals."""

    tokens: Literal["words", "characters"] | None = None  # for ROUGE; none: by the script of the references
    stemming: bool = True  # stem words
    json: bool = False  # print JSON
    decoding: Summarizing = field(default_factory=Summarizing)

    def scores(self, model):
        how = {"tokens": self.tokens, "stemming": self.stemming}
        return model.score(self.records(), verbose=0, **how, **asdict(self.decoding))


@dataclass(frozen=True)
class Decoded:
    decoding: Summarizing = field(default_factory=Summarizing)


@dataclass(frozen=True)
class Exporting(ExportForm, Decoded):
    """The form of the export, and its fixed decoding."""


@dataclass(frozen=True)
class Reporting(ReportOptions, Pairs):
    """One page about a trained model, with scores on these texts."""


@dataclass(frozen=True)
class Generation(Decoded, PairAnswers):
    """Summaries, one per line."""
