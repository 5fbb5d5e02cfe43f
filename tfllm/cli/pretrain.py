"""`tfllm pretrain --text F ... --out RUN`: learn from running text by hiding parts of it; the run is used as any other.

Objectives: mlm_nsp and mlm, BERT's and RoBERTa's, for an encoder; spans, T5's, for an encoder-decoder. The same line
once more, or only --out RUN, goes on with a run.
"""

import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from tfllm.cli import options, texts
from tfllm.cli.train import APART, train
from tfllm.models.bert import BERTConfig
from tfllm.models.seq2seq_rnn import Seq2SeqRNNConfig
from tfllm.models.transformer import TransformerConfig
from tfllm.training import Recipe, callbacks


@dataclass(frozen=True)
class Pretraining(texts.Texts):
    """Text, objective, tokenizer, model, recipe: the config.yaml of a run."""

    split: str = "train"  # the part of the public set
    valid_text: tuple[str, ...] | None = None  # text to validate on, likewise
    valid_split: str = "validation"
    objective: Literal["mlm_nsp", "mlm", "spans"] = "mlm_nsp"  # masks with pairs; masks; gaps for an encoder-decoder
    vocab_size: int = 8000  # tokens, at most
    lowercase: bool = True
    length: int = 128  # tokens in a row, at most
    masked: float = 0.15  # share of the tokens that is hidden
    whole_words: bool = False  # of masks: all pieces of a word, or none
    span: float = 3.0  # of gaps: tokens in one, on average
    model: BERTConfig | TransformerConfig | Seq2SeqRNNConfig = field(default_factory=BERTConfig)
    stream: bool = False  # leave the text in its files and tokenise it while training: for what memory cannot hold
    steps_per_epoch: int | None = None  # batches in an epoch of a stream; none: all of the text
    shuffle_buffer: int = 4096  # rows of a stream that are shuffled together
    batch_tokens: int = 4096  # places in a batch, padding counted
    shapes: int = 6  # padded lengths, at most; XLA compiles each
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self):
        if (self.objective == "spans") == isinstance(self.model, BERTConfig):
            wanted = "Transformer or Seq2SeqRNN" if self.objective == "spans" else "BERT"
            raise ValueError(f"--objective {self.objective} is for a {wanted}: --model.kind {wanted.split()[0]}")
        if self.objective == "spans" and self.whole_words:
            raise ValueError("--whole_words is of masks: gaps are of tokens")

    @property
    def validated(self):
        """Whether text to validate on is named."""
        return self.valid_text is not None or self.tfds is not None

    def read(self):
        """(training documents, documents to validate on or None)"""
        if self.steps_per_epoch is not None and not self.stream:
            raise ValueError("--steps_per_epoch is of a stream: --stream true")
        return texts.some(self, self.stream), texts.records(self, "valid_")

    def begin(self, train):
        """An untrained task."""
        import keras

        keras.utils.set_random_seed(self.recipe.seed)
        if self.objective == "spans":
            from tfllm.tasks.denoiser import Denoiser, DenoiserConfig

            return Denoiser.from_text(train, self.only(DenoiserConfig, corrupted=self.masked))
        from tfllm.tasks.masked_language_model import MaskedLanguageModel, MaskedLanguageModelConfig

        pairs = self.objective == "mlm_nsp"
        return MaskedLanguageModel.from_text(train, self.only(MaskedLanguageModelConfig, next_sentence=pairs))

    def only(self, kind, **more):
        """A config of the `kind`, with those of its fields that stand here."""
        shared = {f.name: getattr(self, f.name) for f in fields(kind) if hasattr(self, f.name)}
        return kind(**shared | more)

    def fit(self, task, epoch, folder, train, valid):
        """Train from `epoch` on, into the run's folder."""
        streamed = {"steps_per_epoch": self.steps_per_epoch, "shuffle_buffer": self.shuffle_buffer}
        task.fit(
            train, validation_data=valid, epochs=self.recipe.epochs, initial_epoch=epoch, seed=self.recipe.seed,
            recipe=self.recipe, batch_tokens=self.batch_tokens, shapes=self.shapes,
            verbose=1 if sys.stdout.isatty() else 0,
            callbacks=callbacks(folder, self.recipe), stream=self.stream, **streamed if self.stream else {},
        )  # fmt: skip


@dataclass(frozen=True)
class Evaluation(texts.Texts):
    """Loss and accuracy of masked tokens and of pairs, beside what no unigram model can beat."""

    seed: int = 0  # of the masks
    batch_tokens: int = 4096  # places in a batch, padding counted

    def scores(self, model):
        return model.score(texts.some(self), self.seed, self.batch_tokens)


@dataclass(frozen=True)
class Generation:
    """Texts whose every [MASK] is filled; with top_k, under each the likeliest tokens of each mask."""

    top_k: int = 0  # likeliest tokens to list for each mask, with their probabilities
    batch_size: int = 32  # texts answered at a time

    def pieces(self, model, prompts, first):
        """What to print."""
        prompts = list(prompts)
        listed = model.fill(prompts, self.top_k, self.batch_size) if self.top_k else [[] for _ in prompts]
        for text, fillings in zip(model.generate(prompts, self.batch_size), listed, strict=True):
            yield text.replace("\n", " ") + "\n"
            for tokens in fillings:
                yield "  " + "  ".join(f"{token} {share:.3f}" for token, share in tokens) + "\n"


@dataclass(frozen=True)
class Exporting:
    top_k: int = 5  # tokens for each mask in the SavedModel


Training, TEXT = Pretraining, "--text F [F ...]"


def run(arguments):
    if arguments in ([], ["--help"], ["-h"]):
        return print(options.help(f"tfllm pretrain {TEXT} --out RUN ...", Pretraining, APART))
    given, words = options.split(arguments)
    options.words([], words)
    if "out" not in given:
        raise ValueError("where to? --out RUN")
    train("pretrain", Pretraining, Path(given.pop("out")), given)
