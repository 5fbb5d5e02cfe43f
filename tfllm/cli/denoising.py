"""Command-line options of an encoder-decoder that fills gaps: TASK denoising, which `pretrain --objective spans` is."""

from dataclasses import dataclass, field
from typing import Literal

from tfllm.cli import pretrain, texts
from tfllm.models.configs import Seq2SeqRNNConfig, TransformerConfig

TEXT = pretrain.TEXT
ASK = pretrain.ASK


@dataclass(frozen=True)
class Training(pretrain.Pretraining):
    """Text, tokenizer, encoder-decoder, recipe: the config.yaml of a run."""

    objective: Literal["spans"] = "spans"
    model: TransformerConfig | Seq2SeqRNNConfig = field(default_factory=TransformerConfig)


@dataclass(frozen=True)
class Evaluation(texts.Texts):
    """Loss and accuracy of the tokens of targets, sentinels and END included."""

    json: bool = False  # for programs
    batch_tokens: int = 4096  # places in a batch, padding counted

    def scores(self, model):
        return model.evaluate(texts.records(self), batch_tokens=self.batch_tokens, verbose=0, return_dict=True)


@dataclass(frozen=True)
class Generation:
    """Texts whose every [MASK], a gap, is filled."""

    batch_size: int = 32  # texts answered at a time

    def pieces(self, model, texts, first):
        """What to print."""
        for answer in model.generate(texts, self.batch_size):
            yield answer.replace("\n", " ") + "\n"


@dataclass(frozen=True)
class Exporting:
    """Nothing is to be said."""
