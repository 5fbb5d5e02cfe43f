"""Command-line options for pre-training: TASK pretrain.

Objectives: mlm_nsp and mlm, as BERT and RoBERTa, for an encoder; spans, as T5, for an encoder-decoder.
"""

from dataclasses import dataclass, field, fields
from typing import Literal

from tfllm.cli.sources import Texts
from tfllm.cli.tasks.exporting import ExportForm
from tfllm.cli.tasks.reporting import ReportOptions
from tfllm.cli.tasks.text_tasks import StreamedTraining, TextScores
from tfllm.models.configs import BERTConfig, Seq2SeqRNNConfig, TransformerConfig

TEXT = "--text F [F ...]"
ASK = "tfllm generate RUN 'text with a [MASK]'"


@dataclass(frozen=True)
class Training(StreamedTraining):
    """Text, objective, tokenizer, model, recipe: the config.yaml of a run."""

    # masked tokens and sentence pairs; masked tokens; gaps, for an encoder-decoder
    objective: Literal["mlm_nsp", "mlm", "spans"] = "mlm_nsp"
    vocab_size: int = 8000  # number of tokens, at most
    lowercase: bool = True  # read "Dog" as "dog"
    length: int = 128  # tokens per row, at most
    masked: float = 0.15  # share of the tokens to mask
    whole_words: bool = False  # for masks: mask all tokens of a word, or none
    span: float = 3.0  # for gaps: mean number of tokens in a gap
    model: BERTConfig | TransformerConfig | Seq2SeqRNNConfig = field(default_factory=BERTConfig)

    def __post_init__(self):
        if (self.objective == "spans") == isinstance(self.model, BERTConfig):
            wanted = "Transformer or Seq2SeqRNN" if self.objective == "spans" else "BERT"
            raise ValueError(f"--objective {self.objective} needs a {wanted}: --model.kind {wanted.split()[0]}")
        if self.objective == "spans" and self.whole_words:
            raise ValueError("--whole_words needs an objective with masks, not gaps")

    def untrained(self, train):
        if self.objective == "spans":
            from tfllm.tasks.pretraining.denoiser import Denoiser, DenoiserConfig

            return Denoiser.from_text(train, self.only(DenoiserConfig, corrupted=self.masked))
        from tfllm.tasks.pretraining.masked_language_model import MaskedLanguageModel, MaskedLanguageModelConfig

        pairs = self.objective == "mlm_nsp"
        return MaskedLanguageModel.from_text(train, self.only(MaskedLanguageModelConfig, next_sentence=pairs))

    def sample(self, task, record):
        words = record["text"].split()[:12]
        words[len(words) // 2] = "[MASK]"
        return f"{' '.join(words)} -> {task.generate([' '.join(words)])[0]}"

    def only(self, kind, **more):
        """A config of the class `kind`, with those of its fields that this one has."""
        shared = {f.name: getattr(self, f.name) for f in fields(kind) if hasattr(self, f.name)}
        return kind(**shared | more)


@dataclass(frozen=True)
class Evaluation(TextScores):
    """Loss and accuracy of masked tokens and of pairs, next to the best possible unigram model."""

    seed: int = 0  # of the masks

    def scores(self, model):
        return model.score(self.records(), self.seed, self.batch_tokens)


@dataclass(frozen=True)
class Reporting(ReportOptions, Texts):
    """One page about a trained model, with scores on these texts."""


@dataclass(frozen=True)
class Generation:
    """Fill every [MASK] of a text; with top_k, also list the most probable tokens of each mask."""

    top_k: int = 0  # number of tokens to list for each mask, with their probabilities
    batch_size: int = 32  # texts per batch

    def pieces(self, model, prompts, first):
        """What to print."""
        prompts = list(prompts)
        listed = model.fill(prompts, self.top_k, self.batch_size) if self.top_k else [[] for _ in prompts]
        for text, fillings in zip(model.generate(prompts, self.batch_size), listed, strict=True):
            yield text.replace("\n", " ") + "\n"
            for tokens in fillings:
                yield "  " + "  ".join(f"{token} {share:.3f}" for token, share in tokens) + "\n"


@dataclass(frozen=True)
class Exporting(ExportForm):
    top_k: int = 5  # number of tokens for each mask in the SavedModel
