"""Pre-training an encoder: tell the tokens behind masks, and whether the second text follows the first. Devlin 2019.

Also RoBERTa's way, without pairs (Liu et al. 2019, sec. 4): `next_sentence=False`. A TextClassifier begins with the
encoder and the tokenizer.
"""

from dataclasses import replace
from functools import partial

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
from tfllm.tasks.packed_pairs import marks_around, packed
from tfllm.tasks.pretraining import filling, text_rows
from tfllm.tasks.pretraining.pretraining import Pretraining, full
from tfllm.tasks.settings import MaskedLanguageModelConfig
from tfllm.tasks.signature import Signature, count_of
from tfllm.tasks.task import log
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
    """An `encoder` (models/encoder.py) with its `tokenizer` and the heads of pre-training. Records have "text".

    MaskedLanguageModel.from_text(texts) learns the tokenizer and builds a BERT.
    next_sentence: rows are pairs, of which half follow on (data/sentence_pairs.py), and there is a second loss; else a
        row is what one document has for it.
    length: tokens of a row, at most. masked: share of the tokens that is masked, anew in every epoch.
    whole_words: all pieces of a word, or none (needs WordPieces).

    Pairs are drawn once, from the text alone, and their second texts come from among the documents that are tokenised
    together (512; of a stream 64). Differs: the paper has one set of masks for each of ten copies of the text.
    """

    nothing = (
        "there is nothing to learn from: next-sentence prediction needs at least two documents of two tokens. Cut the "
        "text into documents (documents='paragraph'), or give next_sentence=False"
    )

    def __init__(self, encoder, tokenizer, next_sentence=True, length=128, masked=0.15, whole_words=False, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.tokenizer, self.next_sentence = encoder, tokenizer, next_sentence
        self.length, self.masked, self.whole_words = length, masked, whole_words
        if encoder.max_length is not None and length > encoder.max_length:
            raise ValueError(f"rows of {length} tokens: the encoder can take {encoder.max_length}")
        if not 0 < masked < 1:
            raise ValueError(f"masked is a share between 0 and 1; got {masked}")
        if getattr(tokenizer, "mask", None) is None:
            raise ValueError(f"{type(tokenizer).__name__} has no token for a mask: take WordPieces")
        if whole_words and getattr(tokenizer, "continues", None) is None:
            raise ValueError(f"{type(tokenizer).__name__} does not tell which pieces go on with a word")
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
    def from_text(cls, texts, config="tiny"):
        """Learns WordPieces of the texts (documents, or records of "text") and builds an untrained BERT for them.

        config: a MaskedLanguageModelConfig, or the name of one: "tiny" (the default), "small", "base".
        """
        build = Builder(config, SIZES)
        tokenizer = build.learn(documents(cls, texts), "wordpieces")
        return cls(build.model(tokenizer), tokenizer, **build.options(cls))

    @classmethod
    def from_pretrained(cls, path_or_name, next_sentence=None, length=None, masked=0.15, whole_words=False, rate=None,
                        **options):  # fmt: skip
        """A BERT with its heads and its tokenizer: a folder in Hugging Face's format, or a name on its hub.

        next_sentence: left out, whether the folder has that head. length: left out, 128, or what the encoder can take.
        A head that the folder has not is untrained, and a warning says so. rate: probability of dropout, where it is to
        be another. options: of BERT, such as dtype="mixed_bfloat16". Raises as interop.bert does.
        """
        from tfllm.interop import bert, huggingface

        folder = huggingface.folder(path_or_name)
        encoder, tell, follow = bert.load_with_heads(folder, rate, **options)
        next_sentence = follow is not None if next_sentence is None else next_sentence
        length = min(128, encoder.max_length) if length is None else length
        task = cls(encoder, WordPieces.from_folder(folder), next_sentence, length, masked, whole_words)
        for name, found in (("tell", tell), ("follow", follow)):
            if hasattr(task, name) and found is not None:
                getattr(task, name).set_weights(found.get_weights())
            elif hasattr(task, name):
                log.warning("%s has no head like %r: it is untrained", path_or_name, name)
        return task.pretrained()

    def save_pretrained(self, folder):
        """Writes encoder, heads and tokenizer in Hugging Face's format, as `from_pretrained` here and there reads them.

        ValueError for what that format has no words for: other encoders than BERT, other tokenizers than WordPieces.
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
        """As of Pretraining: START, the tokens with "[MASK]" as the mask, END."""
        token_ids, (start, end) = self.marked(texts), (self.tokenizer.start, self.tokenizer.end)
        cut = self.unread(token_ids.row_lengths(), marks_around(None, start, end))
        return packed(token_ids, start=start, end=end, length=self.readable)[0], cut

    def marked(self, texts):
        return filling.marked(self.tokenizer, filling.parts(texts), self.tokenizer.mask)

    def example(self, record):
        """documents [B] -> (token_ids, segment_ids, 0 where the second text follows and 1 where not, 1 everywhere)."""
        cut = text_rows.pairs if self.next_sentence else text_rows.blocks
        found = cut(self.tokenizer, record["text"], self.length)
        return *found, full(found[0], 1)

    def hide(self, parts, seed):
        token_ids, segment_ids, label, real = parts
        maskable = tf.logical_and(real > 0, tf.gather(self.ordinary, token_ids))
        begins = ~tf.gather(self.tokenizer.continues, token_ids) if self.whole_words else None
        others = tf.cast(tf.where(self.ordinary)[:, 0], tf.int32)
        hidden, places, targets, weights = masking.masked(
            token_ids, maskable, seed, self.tokenizer.mask, others, self.masked, begins
        )
        inputs = {"token_ids": hidden, "segment_ids": segment_ids, "padding_mask": real, "places": places}
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

    def call(self, inputs):
        """token_ids, segment_ids, padding_mask [B, T], places [B, P] -> {"mlm": logits [B, P, V], "nsp": [B, 1, 2]}.

        Only the places that are asked for meet the vocabulary.
        """
        segment_ids = inputs["segment_ids"] if self.encoder.segments else None
        x = self.encoder(inputs["token_ids"], segment_ids=segment_ids, padding_mask=inputs["padding_mask"])
        chosen = tf.gather(x, inputs["places"], batch_dims=1)  # [B, P, D]
        pooled = self.encoder.pool(x, inputs["padding_mask"])
        if not self.next_sentence:  # a pooler learns nothing then; without this Keras warns that it has no gradient
            chosen += 0.0 * tf.reduce_sum(pooled)
        found = {"mlm": self.tell(chosen, keras.ops.convert_to_tensor(self.encoder.embed.embeddings))}
        return found | {"nsp": self.follow(pooled)[:, None]} if self.next_sentence else found

    def objective(self):
        """The sum of both losses, each a mean: over masked tokens, and over pairs."""
        loss = {name: TokenCrossEntropy() for name in (["mlm", "nsp"] if self.next_sentence else ["mlm"])}
        name = "exact" if self.next_sentence else "loss"
        metrics = {output: [TokenMean(part, name), TokenAccuracy()] for output, part in loss.items()}
        return {"loss": loss, "weighted_metrics": metrics}

    def get_metrics_result(self):
        """As in Keras, but the losses are means over all tokens, and all pairs, not means over batches."""
        found = super().get_metrics_result()
        if {"mlm_exact", "nsp_exact"} <= found.keys():
            found |= {"mlm_loss": found.pop("mlm_exact"), "nsp_loss": found.pop("nsp_exact")}
            found["loss"] = found["mlm_loss"] + found["nsp_loss"]
        return found

    def score(self, x, seed=0, batch_tokens=4096, shapes=6):
        """Masks drawn from the seed, and how well they are told -> evaluation.masked.MaskedScore.

        The masks are the same for the same texts, seed, `batch_tokens` and `shapes`.
        """
        from tfllm.evaluation.masked import MaskedScore, entropy

        sums, counts = np.zeros(6), np.zeros(self.tokenizer.vocab_size)
        hidden = self.batches(x, tokens=batch_tokens, shapes=shapes)
        hidden.seed = seed
        for inputs, targets, weights in hidden.dataset:
            sums += self.summed(inputs, targets, weights).numpy()
            counts += np.bincount(targets["mlm"].numpy().ravel(), weights["mlm"].numpy().ravel(), len(counts))
        tokens, count = round(sums[2]), round(sums[5])
        of_tokens, of_pairs = sums[:2] / max(tokens, 1), sums[3:5] / max(count, 1)
        found = MaskedScore(tokens, *map(float, of_tokens), entropy(counts.tolist()))
        return replace(found, pairs=count, next_sentence_loss=float(of_pairs[0]),
                       next_sentence_accuracy=float(of_pairs[1])) if count else found  # fmt: skip

    @property
    @compiled
    def summed(self):
        """A batch -> float64 [6]: losses, right ones, and how many, of the masked tokens; then of the pairs."""

        def summed(inputs, targets, weights):
            logits, found = self(inputs, training=False), []
            for name in ("mlm", "nsp"):
                if name not in logits:
                    found += [0.0, 0.0, 0.0]
                    continue
                losses = smoothed_cross_entropy(targets[name], logits[name])
                right = tf.argmax(logits[name], axis=-1, output_type=tf.int32) == targets[name]
                parts = (losses, tf.cast(right, tf.float32), tf.ones_like(losses))
                found += [tf.reduce_sum(tf.cast(part * weights[name], tf.float64)) for part in parts]
            return tf.stack([tf.cast(part, tf.float64) for part in found])

        return tf.function(summed, autograph=False, reduce_retracing=True)

    def answer(self, texts, top_k=5):
        """strings [B] with "[MASK]" in them -> {"text", "cut" [B], "tokens", "probabilities" [B, M, top_k]}.

        text: with the likeliest token in each place. tokens: the likeliest ones, best first, of up to M masks, the
        most that a text has; those that a text has not are "" of probability 0. Special tokens are left out. Each mask
        is filled as if the others stayed masks. A text without masks, such as an empty one, stays as it is. A text that
        is too long loses its end, where masks stay masks; cut: how many tokens were not read.
        """
        parts, (ragged, cut) = filling.parts(texts), self.read(texts)
        longest = tf.maximum(ragged.bounding_shape(axis=1), 1)  # T, of no text too
        token_ids = ragged.to_tensor(self.tokenizer.pad, shape=tf.stack([ragged.nrows(), longest]))  # [B, T]
        real = tf.sequence_mask(ragged.row_lengths(), longest)
        masks = tf.logical_and(real, token_ids == self.tokenizer.mask)
        most = tf.reduce_max(tf.pad(tf.reduce_sum(tf.cast(masks, tf.int32), axis=1), [[0, 1]]))  # M
        places, weights = masking.positions_of(masks, most)
        logits = self({"token_ids": token_ids, "segment_ids": tf.zeros_like(token_ids), "padding_mask": real,
                       "places": places}, training=False)["mlm"]  # [B, M, V] # fmt: skip
        logits = tf.where(self.ordinary, tf.cast(logits[..., : self.tokenizer.vocab_size], tf.float32), -float("inf"))
        top_k = min(count_of("top_k", top_k), self.tokenizer.vocab_size - len(set(self.tokenizer.special_ids)))
        found, best = tf.math.top_k(tf.nn.softmax(logits), top_k)
        tokens = tf.where(weights[..., None] > 0, tf.gather(tf.constant(self.tokenizer.tokens), best), "")
        text = filling.joined(parts, tokens[..., 0])
        return {"text": text, "tokens": tokens, "probabilities": found * weights[..., None], "cut": cut}

    def fill(self, texts, top_k=5, batch_size=32):
        """A text with "[MASK]" in it -> for each mask a list of (token, probability), best first; a list -> a list.

        An empty text has no masks: []. ValueError for any other text without a mask, and for one that is cut before its
        last mask.
        """

        def tell(found):
            rows = zip(found["text"], found["tokens"], found["probabilities"], strict=True)
            return [self.filled(*row) for row in rows]

        return self.run(self.signature("serving_default", top_k=top_k), texts, tell=tell, batch_size=batch_size)

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

    def signatures(self, top_k=5):
        """serving_default: as `answer`, with `top_k` tokens for each mask."""
        return {"serving_default": Signature(partial(self.answer, top_k=top_k))}
