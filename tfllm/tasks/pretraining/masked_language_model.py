"""Pretraining of an encoder: predict masked tokens, and whether the second text follows the first. Devlin et al. 2019.

Without pairs as in RoBERTa (Liu et al. 2019, sec. 4) with `next_sentence=False`. A TextClassifier can reuse the
encoder and the tokenizer.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfllm.data import masking
from tfllm.layers.bert_heads import MaskedTokenHead, NextSentenceHead
from tfllm.losses import TokenCrossEntropy, smoothed_cross_entropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.models.bert import BERT
from tfllm.models.configs import BERTConfig
from tfllm.tasks.building import Builder, documents
from tfllm.tasks.compiled import compiled
from tfllm.tasks.pretraining import filling, text_rows
from tfllm.tasks.pretraining.pretraining import Pretraining, full
from tfllm.tasks.settings import MaskedLanguageModelConfig
from tfllm.tasks.signature import Signature, count_of
from tfllm.tasks.task import log
from tfllm.tasks.text_generation.likelihood import expect_numbers
from tfllm.tasks.text_inputs import num_special_tokens, packed
from tfllm.tasks.vocabularies import expect_rows
from tfllm.text import WordPieces

SIZES = {
    "tiny": MaskedLanguageModelConfig(),
    "small": MaskedLanguageModelConfig(
        vocab_size=16000, model=BERTConfig(num_layers=4, d_model=512, num_heads=8, dff=2048)
    ),  # Turc et al. 2019
    "base": MaskedLanguageModelConfig(
        vocab_size=30522, model=BERTConfig(max_length=512, num_layers=12, d_model=768, num_heads=12, dff=3072)
    ),  # Devlin et al. 2019
}


@keras.saving.register_keras_serializable("tfllm")
class MaskedLanguageModel(Pretraining):
    """An `encoder` (models/encoder.py) with its `tokenizer` and the pretraining heads. Records have "text".

    MaskedLanguageModel.from_text(texts) learns the tokenizer and builds a BERT.
    next_sentence: rows are pairs, half of them consecutive (data/sentence_pairs.py), with a second loss; otherwise a
        row is a block of one document.
    length: maximum tokens of a row. masked: share of the tokens that is masked, others in every epoch.
    whole_words: mask all pieces of a word, or none (needs WordPieces).

    Pairs are drawn once, from the text alone; a second text that does not follow comes from the documents that are
    tokenised together (512; of a stream 64). Differs: the paper has one set of masks for each of ten copies of the
    text. Raises ValueError for a length above the encoder's limit and for a tokenizer without a mask token.
    """

    nothing = (
        "nothing to learn from: next-sentence prediction needs at least two documents of two tokens. Split the "
        "text into documents (documents='paragraph'), or set next_sentence=False"
    )

    fixed = ("next_sentence",)

    def __init__(self, encoder, tokenizer, next_sentence=True, length=128, masked=0.15, whole_words=False, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.tokenizer, self.next_sentence = encoder, tokenizer, next_sentence
        self.length, self.masked, self.whole_words = length, masked, whole_words
        self.check_settings()
        if not 0 < masked < 1:
            raise ValueError(f"masked must be between 0 and 1; got {masked}")
        if getattr(tokenizer, "mask", None) is None:
            raise ValueError(f"{type(tokenizer).__name__} has no mask token: use WordPieces")
        if whole_words and getattr(tokenizer, "continues", None) is None:
            raise ValueError(f"whole_words needs WordPieces; got {type(tokenizer).__name__}")
        expect_rows(encoder, tokenizer)
        options = {
            name: encoder.numbers[name]
            for name in ("activation", "epsilon")
            if name in getattr(encoder, "numbers", {})
        }  # fmt: skip
        self.tell = MaskedTokenHead(encoder.vocab_size, encoder.width, **options, name="tell", dtype=self.dtype_policy)
        self.tell.build()
        if next_sentence:
            self.follow = NextSentenceHead(encoder.pooled_width, name="follow", dtype=self.dtype_policy)
            self.follow.build()
        self.built = True

    @classmethod
    def from_text(cls, texts: Any, config: str | MaskedLanguageModelConfig = "tiny") -> "MaskedLanguageModel":
        """Learn WordPieces from the texts (documents, or records of "text") and build an untrained BERT.

        config: a MaskedLanguageModelConfig or its name: "tiny" (default), "small", "base".
        """
        build = Builder(config, SIZES)
        tokenizer = build.learn(documents(cls, texts), "wordpieces")
        return cls(build.model(tokenizer), tokenizer, **build.options(cls))

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path, next_sentence: bool | None = None, length: int | None = None,
                        masked: float = 0.15, whole_words: bool = False, rate: float | None = None,
                        **options: Any) -> "MaskedLanguageModel":  # fmt: skip
        """A BERT with its heads and its tokenizer: a folder in Hugging Face's format, or a name on its hub.

        next_sentence: default: whether the folder has that head. length: default: 128, or the encoder's limit.
        A missing head is new and untrained, with a warning. rate: probability of dropout, to override the checkpoint's.
        options: of BERT, such as dtype="mixed_bfloat16". Raises the errors of interop.bert.
        """
        from tfllm.interop import bert, huggingface

        folder = huggingface.folder(path_or_name)
        encoder, tell, follow = bert.load_with_heads(folder, rate, **options)
        next_sentence = follow is not None if next_sentence is None else next_sentence
        length = min(128, encoder.max_length) if length is None else length
        task = cls(encoder, WordPieces.from_folder(folder), next_sentence, length, masked, whole_words)
        for name, result in (("tell", tell), ("follow", follow)):
            if hasattr(task, name) and result is not None:
                getattr(task, name).set_weights(result.get_weights())
            elif hasattr(task, name):
                log.warning("%s has no head like %r: it is untrained", path_or_name, name)
        return task.pretrained()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write encoder, heads and tokenizer in Hugging Face's format, for `from_pretrained` of both libraries.

        Raises ValueError unless the encoder is a BERT with a WordPieces tokenizer.
        """
        from tfllm.interop import bert

        if not isinstance(self.encoder, BERT) or not isinstance(self.tokenizer, WordPieces):
            kinds = type(self.encoder).__name__, type(self.tokenizer).__name__
            raise ValueError(f"Hugging Face's format is for a BERT with WordPieces; this is a {' with '.join(kinds)}")
        bert.save(self.encoder, folder, self.tell, getattr(self, "follow", None), self.tokenizer.pad)
        self.tokenizer.save_files(folder)

    @property
    def readable(self):
        return self.encoder.max_length

    def read(self, texts):
        """As in Pretraining: START, the tokens with "[MASK]" as the mask token, END."""
        token_ids, (start, end) = self.marked(texts), (self.tokenizer.start, self.tokenizer.end)
        cut = self.unread(token_ids.row_lengths(), num_special_tokens(None, start, end))
        return packed(token_ids, start=start, end=end, length=self.readable)[0], cut

    def marked(self, texts):
        return filling.marked(self.tokenizer, filling.parts(texts), self.tokenizer.mask)

    def example(self, record):
        """documents [B] -> (token_ids, segment_ids, 0 if the second text follows and 1 if not, 1 everywhere)."""
        cut = text_rows.pairs if self.next_sentence else text_rows.blocks
        result = cut(self.tokenizer, record["text"], self.length)
        return *result, full(result[0], 1)

    def hide(self, parts, seed):
        token_ids, segment_ids, label, real = parts
        maskable = tf.logical_and(real > 0, tf.gather(self.ordinary, token_ids))
        begins = ~tf.gather(self.tokenizer.continues, token_ids) if self.whole_words else None
        others = tf.cast(tf.where(self.ordinary)[:, 0], tf.int32)
        hidden, positions, targets, weights = masking.masked(
            token_ids, maskable, seed, self.tokenizer.mask, others, self.masked, begins
        )
        inputs = {"token_ids": hidden, "segment_ids": segment_ids, "padding_mask": real, "positions": positions}
        if not self.next_sentence:
            return inputs, {"mlm": targets}, {"mlm": weights}
        pair = tf.cast(real[:, :1], tf.float32)  # [B, 1]; 0 in a row that only fills up the batch
        return inputs, {"mlm": targets, "nsp": label[:, :1]}, {"mlm": weights, "nsp": pair}

    @property
    def ordinary(self):
        """bool, for each token of the tokenizer: it is not special."""
        special = np.zeros(self.tokenizer.vocab_size, bool)
        special[list(self.tokenizer.special_ids)] = True
        return tf.constant(~special)

    def call(self, inputs, training=None):
        """token_ids, segment_ids, padding_mask [B, T], positions [B, P] -> {"mlm": logits [B, P, V], "nsp": [B, 1, 2]}.

        Logits are computed only for the positions of masked tokens.
        """
        segment_ids = inputs["segment_ids"] if self.encoder.segments else None
        x = self.encoder(
            inputs["token_ids"], segment_ids=segment_ids, padding_mask=inputs["padding_mask"], training=training
        )
        chosen = tf.gather(x, inputs["positions"], batch_dims=1)  # [B, P, D]
        pooled = self.encoder.pool(x, inputs["padding_mask"])
        if not self.next_sentence:  # else Keras warns that the unused pooler has no gradient
            chosen += 0.0 * tf.reduce_sum(pooled)
        result = {"mlm": self.tell(chosen, keras.ops.convert_to_tensor(self.encoder.embed.embeddings))}
        return result | {"nsp": self.follow(pooled)[:, None]} if self.next_sentence else result

    def objective(self):
        """The sum of two losses, each a mean: over masked tokens, and over pairs."""
        loss = {name: TokenCrossEntropy() for name in (["mlm", "nsp"] if self.next_sentence else ["mlm"])}
        name = "exact" if self.next_sentence else "loss"
        metrics = {output: [TokenMean(part, name), TokenAccuracy()] for output, part in loss.items()}
        return {"loss": loss, "weighted_metrics": metrics}

    def get_metrics_result(self):
        """As in Keras, but the losses are means over all tokens and all pairs, not means over batches."""
        result = super().get_metrics_result()
        if {"mlm_exact", "nsp_exact"} <= result.keys():
            result |= {"mlm_loss": result.pop("mlm_exact"), "nsp_loss": result.pop("nsp_exact")}
            result["loss"] = result["mlm_loss"] + result["nsp_loss"]
        return result

    def score(self, x: Any, seed: int = 0, batch_tokens: int = 4096, shapes: int = 6) -> Any:
        """Loss and accuracy of predicting masked tokens, with masks drawn from the seed ->
        evaluation.masked.MaskedScore.

        The masks are the same for the same texts, seed, `batch_tokens` and `shapes`.
        """
        from tfllm.evaluation.masked import MaskedScore, entropy

        sums, counts = np.zeros(6), np.zeros(self.tokenizer.vocab_size)
        hidden = self.batches(x, tokens=batch_tokens, shapes=shapes)
        hidden.seed = seed
        for inputs, targets, weights in hidden.dataset:
            sums += self.summed(inputs, targets, weights).numpy()
            counts += np.bincount(targets["mlm"].numpy().ravel(), weights["mlm"].numpy().ravel(), len(counts))
        expect_numbers(sums)
        tokens, count = round(sums[2]), round(sums[5])
        of_tokens, of_pairs = sums[:2] / max(tokens, 1), sums[3:5] / max(count, 1)
        loss, accuracy = map(float, of_tokens)
        result = MaskedScore(tokens, loss, accuracy, entropy(counts.tolist()))
        return replace(result, pairs=count, next_sentence_loss=float(of_pairs[0]),
                       next_sentence_accuracy=float(of_pairs[1])) if count else result  # fmt: skip

    @property
    @compiled
    def summed(self):
        """A batch -> float64 [6]: sums of loss, correct predictions and number, of masked tokens and then of pairs."""

        def summed(inputs, targets, weights):
            logits, result = self(inputs, training=False), []
            for name in ("mlm", "nsp"):
                if name not in logits:
                    result += [0.0, 0.0, 0.0]
                    continue
                losses = smoothed_cross_entropy(targets[name], logits[name])
                right = tf.argmax(logits[name], axis=-1, output_type=tf.int32) == targets[name]
                parts = (losses, tf.cast(right, tf.float32), tf.ones_like(losses))
                result += [tf.reduce_sum(tf.cast(part * weights[name], tf.float64)) for part in parts]
            return tf.stack([tf.cast(part, tf.float64) for part in result])

        return tf.function(summed, autograph=False, reduce_retracing=True)

    def answer(self, texts, top_k=5):
        """strings [B] with "[MASK]" in them -> {"text", "cut" [B], "tokens", "probabilities" [B, M, top_k]}.

        text: each mask replaced by its most probable token. tokens: the most probable ones, best first, for up to M
        masks, the maximum of the batch; other texts have "" with probability 0 for missing masks. Special tokens are
        excluded. Each mask is predicted independently. A text without masks is unchanged. cut: number of truncated
        tokens at the end; masks there are not filled.
        """
        parts, (ragged, cut) = filling.parts(texts), self.read(texts)
        longest = tf.maximum(ragged.bounding_shape(axis=1), 1)  # T, at least 1
        token_ids = ragged.to_tensor(self.tokenizer.pad, shape=tf.stack([ragged.nrows(), longest]))  # [B, T]
        real = tf.sequence_mask(ragged.row_lengths(), longest)
        masks = tf.logical_and(real, token_ids == self.tokenizer.mask)
        most = tf.reduce_max(tf.pad(tf.reduce_sum(tf.cast(masks, tf.int32), axis=1), [[0, 1]]))  # M
        positions, weights = masking.positions_of(masks, most)
        logits = self({"token_ids": token_ids, "segment_ids": tf.zeros_like(token_ids), "padding_mask": real,
                       "positions": positions}, training=False)["mlm"]  # [B, M, V] # fmt: skip
        logits = tf.where(self.ordinary, tf.cast(logits[..., : self.tokenizer.vocab_size], tf.float32), -float("inf"))
        top_k = min(count_of("top_k", top_k), self.tokenizer.vocab_size - len(set(self.tokenizer.special_ids)))
        result, best = tf.math.top_k(tf.nn.softmax(logits), top_k)
        tokens = tf.where(weights[..., None] > 0, tf.gather(tf.constant(self.tokenizer.tokens), best), "")
        text = filling.joined(parts, tokens[..., 0])
        return {"text": text, "tokens": tokens, "probabilities": result * weights[..., None], "cut": cut}

    def fill(self, texts: Any, top_k: int = 5, batch_size: int = 32) -> list:
        """A text with "[MASK]" -> for each mask a list of (token, probability), best first; a list -> a list.

        An empty text gives []. Raises ValueError for any other text without a mask, and if truncation removes a mask.
        """

        def convert(result):
            rows = zip(result["text"], result["tokens"], result["probabilities"], strict=True)
            return [self.filled(*row) for row in rows]

        return self.run(self.signature("serving_default", top_k=top_k), texts, convert=convert, batch_size=batch_size)

    def filled(self, text, tokens, probabilities):
        """One answer, with its masks filled -> for each mask a list of (token, probability)."""
        empty = not text.decode("utf-8", "replace").strip()
        if (not empty and not any(names[0] for names in tokens)) or filling.MASK.encode() in text:
            raise ValueError(
                f"expected {filling.MASK} in each text, within its first {self.encoder.max_length} tokens; got "
                f"{text.decode('utf-8', 'replace')!r}"
            )
        return [
            [(token.decode(), float(p)) for token, p in zip(names, shares, strict=True)]
            for names, shares in zip(tokens, probabilities, strict=True) if names[0]
        ]  # fmt: skip

    def signatures(self, top_k: int = 5) -> dict[str, Signature]:
        """serving_default: as `answer`, with `top_k` tokens for each mask."""
        return {"serving_default": Signature(partial(self.answer, top_k=top_k))}
