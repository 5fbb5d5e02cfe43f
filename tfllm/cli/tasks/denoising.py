"""Command-line options for denoising: an encoder-decoder that fills gaps, also `pretrain --objective spans`."""

from dataclasses import dataclass, field
from typing import Literal

from tfllm.cli.sources import Texts
from tfllm.cli.tasks import masked_lm
from tfllm.cli.tasks.exporting import ExportForm
from tfllm.cli.tasks.reporting import ReportOptions
from tfllm.cli.tasks.text_tasks import TextScores
from tfllm.models.configs import Seq2SeqRNNConfig, TransformerConfig

TEXT = "--text F [F ...]"
ASK = masked_lm.ASK


@dataclass(frozen=True)
class Training(masked_lm.Training):
    """Text, tokenizer, encoder-decoder, recipe: the config.yaml of a run."""

    objective: Literal["spans"] = "spans"
    model: TransformerConfig | Seq2SeqRNNConfig = field(default_factory=TransformerConfig)


@dataclass(frozen=True)
class Evaluation(TextScores):
    """Loss and accuracy of the tokens of targets, including sentinels and END."""

    def scores(self, model):
        return model.evaluate(self.records(), batch_tokens=self.batch_tokens, verbose=0, return_dict=True)


@dataclass(frozen=True)
class Reporting(ReportOptions, Texts):
    """One page about a trained model, with scores on these texts."""


@dataclass(frozen=True)
class Generation:
    """Fill every [MASK] of a text, which stands for a gap."""

    batch_size: int = 32  # texts per batch

    def pieces(self, model, texts, first):
        """What to print."""
        for answer in model.generate(texts, self.batch_size):
            yield answer.replace("\n", " ") + "\n"


Exporting = ExportForm
