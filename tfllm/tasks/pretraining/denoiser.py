"""Pretraining of an encoder-decoder: the source has gaps, the target is the removed text. Raffel et al. 2020, sec. 3.

`Denoiser.translator()` creates a Translator from the pretrained weights and the tokenizer.
"""

from typing import Any

import keras
import tensorflow as tf

from tfllm.data import spans
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.models.configs import TransformerConfig
from tfllm.tasks.building import Builder, documents
from tfllm.tasks.pretraining import filling, text_rows
from tfllm.tasks.pretraining.pretraining import Pretraining, full
from tfllm.tasks.settings import DenoiserConfig
from tfllm.tasks.text_generation.decoding import Decoding
from tfllm.tasks.text_generation.plain_codec import PlainCodec, append_end
from tfllm.tasks.text_generation.seq2seq_writer import Seq2SeqWriter
from tfllm.tasks.translator import Translator
from tfllm.text import END, PAD, START
from tfllm.text.cleaning import replace_invalid

GREEDY = Decoding(beam_width=1)


SIZES = {
    "tiny": DenoiserConfig(),
    "small": DenoiserConfig(model=TransformerConfig(num_layers=4, d_model=256, num_heads=4, dff=1024)),
    "base": DenoiserConfig(vocab_size=32000, model=TransformerConfig(num_layers=6, d_model=512, num_heads=8, dff=2048)),
}


@keras.saving.register_keras_serializable("tfllm")
class Denoiser(Pretraining):
    """An encoder-decoder `model` with one `tokenizer` for source and target. Records have "text", one document each.

    Denoiser.from_text(texts) learns the tokenizer and builds the model. Its vocabulary has one sentinel more for each
    gap of a row: these ids come after those of the tokenizer.
    length: maximum tokens of a row. corrupted: share of them that is removed, others in every epoch. span: mean number
    of tokens of a gap.

    Raises ValueError for a model whose vocabulary or length limit is too small.
    """

    fixed = ("length", "corrupted", "span")

    def __init__(self, model, tokenizer, length=128, corrupted=0.15, span=3.0, **kwargs):
        super().__init__(**kwargs)
        self.model, self.tokenizer = model, tokenizer
        self.length, self.corrupted, self.span = length, corrupted, span
        self.sentinels = sentinels(length, corrupted, span)
        size, wanted = model.numbers["target_vocab_size"], tokenizer.vocab_size + self.sentinels
        if size < wanted or model.numbers["input_vocab_size"] != size:
            raise ValueError(f"source and target need one vocabulary, sentinels included: {wanted} ids; got {size}")
        limit = min(part or length + 2 for part in (model.pe_input, model.pe_target))
        if max(self.widths(length)) > limit:
            raise ValueError(f"length is {length} tokens, but the model's limit is {limit} with special tokens")
        self.built = True

    @classmethod
    def from_text(cls, texts: Any, config: str | DenoiserConfig = "tiny") -> "Denoiser":
        """Learn the vocabulary of the texts (documents, or records of "text") and build an untrained model.

        config: a DenoiserConfig or its name: "tiny" (default), "small", "base".
        """
        build = Builder(config, SIZES)
        tokenizer, settings = build.learn(documents(cls, texts)), build.config
        more = sentinels(settings.length, settings.corrupted, settings.span)
        return cls(build.model(tokenizer, more=more), tokenizer, **build.options(cls))

    def translator(self, label_smoothing: float = 0.1) -> Translator:
        """A Translator with this model (shared weights, not a copy) and this tokenizer."""
        return Translator(self.model, self.tokenizer, label_smoothing=label_smoothing)

    def widths(self, size):
        """Maximum tokens of source and target, with END, for rows of at most `size` tokens."""
        return [int(tf.reduce_max(part)) + 1 for part in spans.widths(tf.range(size + 1), self.corrupted, self.span)]

    @property
    def readable(self):
        return self.model.pe_input

    def read(self, texts):
        """As in Pretraining: the tokens, with sentinels for "[MASK]", then END."""
        first = self.tokenizer.vocab_size
        token_ids = filling.marked(self.tokenizer, filling.parts(texts), first)
        dense = token_ids.to_tensor()
        order = tf.cumsum(tf.cast(dense == first, tf.int32), axis=1, exclusive=True)
        last = first + self.sentinels - 1  # the model knows no more gaps
        numbered = tf.where(dense == first, tf.minimum(first + order, last), dense)
        numbered = tf.RaggedTensor.from_tensor(numbered, token_ids.row_lengths())
        return append_end(numbered, self.readable), self.unread(token_ids.row_lengths(), 1)

    def example(self, record):
        """documents [B] -> (token_ids, 1 everywhere): blocks of one document each."""
        token_ids = text_rows.blocks(self.tokenizer, record["text"], self.length, special_tokens=False)[0]
        return token_ids, full(token_ids, 1)

    def hide(self, parts, seed):
        token_ids, real = parts
        sizes = tf.reduce_sum(real, axis=1)  # [B]; 0 in a padding row
        result = spans.corrupted(token_ids, sizes, seed, self.tokenizer.vocab_size, self.corrupted, self.span)
        longest = spans.widths(tf.range(tf.shape(token_ids)[1] + 1), self.corrupted, self.span)
        widths = [tf.reduce_max(part) + 1 for part in longest]
        source, target = (
            append_end(part, None).to_tensor(PAD, shape=tf.stack([tf.shape(sizes)[0], width]))
            for part, width in zip(result, widths, strict=True)
        )
        decoder_input = tf.concat([tf.fill([tf.shape(sizes)[0], 1], START), target[:, :-1]], axis=1)
        weights = tf.cast(tf.logical_and(target != PAD, sizes[:, None] > 0), tf.float32)
        return {"source": source, "target": tf.where(target == PAD, PAD, decoder_input)}, target, weights

    def call(self, inputs, training=None):
        """{"source": [B, S], "target": [B, T]} -> logits [B, T, V] of the token after each target token."""
        return self.model(inputs["source"], inputs["target"], training=training)[0]

    def objective(self):
        loss = TokenCrossEntropy()
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), TokenAccuracy()]}

    def answer(self, texts, decoding=GREEDY):
        """strings [B] with "[MASK]" for gaps -> {"text": [B], "cut": [B]}: the text with its gaps filled.

        A gap that the model does not fill remains. A text without gaps is unchanged. cut: number of truncated tokens.
        """
        parts, first = filling.parts(texts), self.tokenizer.vocab_size
        token_ids, cut = self.read(texts)
        codec = PlainCodec(self.model, self.tokenizer, self.tokenizer, more=self.sentinels)
        generated = Seq2SeqWriter(self.model, codec).search(token_ids.to_tensor(PAD), 1, decoding)[0][:, 0]  # [B, L]
        generated = tf.cast(generated, tf.int32)
        ended = tf.cumsum(tf.cast(generated == END, tf.int32), axis=1) > 0
        gap = tf.cumsum(tf.cast(generated >= first, tf.int32), axis=1) - 1  # [B, L], the index of its gap
        gap = tf.where(tf.logical_or(ended, generated >= first), -1, gap)
        count = tf.cast(tf.maximum(parts.bounding_shape(axis=1), 1) - 1, tf.int32)  # M
        filled = tf.where(gap[:, None] == tf.range(count)[:, None], generated[:, None], PAD)  # [B, M, L]
        shape = tf.shape(filled)
        texts = self.tokenizer.decode(tf.reshape(filled, [-1, shape[2]]))
        return {"text": replace_invalid(filling.joined(parts, tf.reshape(texts, shape[:2]))), "cut": cut}


def sentinels(length, corrupted, span):
    """The number of gaps in a row of `length` tokens, which is the maximum."""
    return int(spans.numbers(tf.constant(length), corrupted, span)[1])
