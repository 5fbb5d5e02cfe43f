"""Command-line options for translation."""

from dataclasses import asdict, dataclass, field
from typing import Literal

from tfllm.cli.sources import Pairs
from tfllm.cli.tasks.exporting import ExportForm
from tfllm.cli.tasks.pair_tasks import PairAnswers, PairTraining
from tfllm.cli.tasks.reporting import ReportOptions
from tfllm.tasks.settings import TranslatorConfig
from tfllm.tasks.text_generation.decoding import Decoding

# Those of tfllm.evaluation.translation_scores, which imports NumPy; a test checks that they are equal.
TOKENIZERS = Literal["13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "flores101", "flores200", "spBLEU-1K"]
TEXT = "--source F --target F"
ASK = "tfllm generate RUN 'text'"


@dataclass(frozen=True)
class Training(TranslatorConfig, PairTraining):
    """Text, tokenizer, model, recipe: the config.yaml of a run."""

    task, measure = "Translator", ("bleu", "BLEU")
    bleu_every: int | None = None  # epochs between two BLEU scores of the validation text (greedy), "val_bleu"
    tokenize: TOKENIZERS | None = None  # for BLEU, named as in sacrebleu; none: by the script of the references

    @property
    def scoring(self):
        from tfllm.evaluation.translation_scores import checked_tokenizer

        checked_tokenizer(self.tokenize)
        return {"tokenize": self.tokenize}


@dataclass(frozen=True)
class Evaluation(Pairs):
    """BLEU and chrF, with signatures and confidence intervals."""

    tokenize: TOKENIZERS | None = None  # for BLEU, named as in sacrebleu; none: by the script of the references
    json: bool = False  # print JSON
    decoding: Decoding = field(default_factory=Decoding)

    def scores(self, model):
        return model.score(self.records(), verbose=0, tokenize=self.tokenize, **asdict(self.decoding))


@dataclass(frozen=True)
class Decoded:
    decoding: Decoding = field(default_factory=Decoding)


@dataclass(frozen=True)
class Exporting(ExportForm, Decoded):
    """The form of the export, and its fixed decoding."""


@dataclass(frozen=True)
class Reporting(ReportOptions, Pairs):
    """One page about a trained model, with scores on these texts."""


@dataclass(frozen=True)
class Generation(Decoded, PairAnswers):
    """Translations, one per line."""
