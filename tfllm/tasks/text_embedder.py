"""Text embedding: a text becomes one vector, and texts of like meaning lie near each other. Reimers & Gurevych 2019."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfllm.layers.pooling import Pooling
from tfllm.models.mean_of_vectors import MeanOfVectors
from tfllm.tasks import text_inputs
from tfllm.tasks.signature import count_of
from tfllm.tasks.task import Task
from tfllm.tasks.texts import is_one
from tfllm.tasks.vocabularies import expect_rows
from tfllm.text import Words
from tfllm.text.tokenizer import SPECIAL

POOLINGS = ("mean", "max", "first", "last", "encoder")
LENGTH = 512  # tokens, where neither the user nor the encoder says how many
SCORES = 2**24  # cosines that a search has in memory at once


class Found(NamedTuple):
    """What `search` gives: places in the corpus and cosines, best first, [Q, k] each ([k] for one query)."""

    indices: np.ndarray
    scores: np.ndarray


@keras.saving.register_keras_serializable("tfllm")
class TextEmbedder(Task):
    """An `encoder` (models/encoder.py, or a causal model) with its `tokenizer`: texts -> vectors [N, D] float32.

    pooling    how the vectors of the places become one: "mean", "max", "first", "last"; "encoder": as the encoder's
               own `pool` does (BERT's: by its pooler)
    normalize  vectors of length 1, so that their products are cosines
    length     tokens of a text that are read, those around it counted; by default what the encoder can take, 512 where
               that has no end. What is longer loses its end, and a warning says how many did

    An empty text has a vector too: that of START and END alone, as the encoder was trained; of word vectors it is 0.

    It is not trained itself: train the encoder as a MaskedLanguageModel or in a TextClassifier, and see `from_task`.
    """

    fields = ("text",)

    def __init__(self, encoder, tokenizer, pooling="mean", normalize=True, length=None, **kwargs):
        super().__init__(**kwargs)
        if pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {POOLINGS}; got {pooling!r}")
        if pooling == "encoder" and not hasattr(encoder, "pool"):
            raise ValueError(f"a {type(encoder).__name__} has no pooling of its own: choose one of {POOLINGS[:-1]}")
        expect_rows(encoder, tokenizer)
        most = getattr(encoder, "max_length", None)
        if length is not None and most is not None and length > most:
            raise ValueError(f"texts of {length} tokens: the encoder can take {most}")
        self.encoder, self.tokenizer, self.pooling, self.normalize = encoder, tokenizer, pooling, normalize
        self.length = length or most or LENGTH
        self.pool = None if pooling == "encoder" else Pooling(pooling, name="pool", dtype="float32")
        self.built = True

    @classmethod
    def from_pretrained(cls, path_or_name, **options):
        """A sentence-transformers or BERT folder in Hugging Face's format, or a name on its hub.

        Pooling, normalisation and length are those that a sentence-transformers folder tells; a plain BERT gets the
        mean. options: of TextEmbedder, above these. FileNotFoundError where there is nothing of that name; ValueError
        for a folder with parts that have no equal here.
        """
        from tfllm.interop import bert, huggingface
        from tfllm.text import WordPieces

        folder = huggingface.folder(path_or_name)
        encoder, layout = bert.load(folder), bert.sentence_layout(folder)
        if layout:
            length = min(layout.max_length or encoder.max_length, encoder.max_length)
            options = {"pooling": layout.pooling, "normalize": layout.normalize, "length": length} | options
        return cls(encoder, WordPieces.from_folder(folder), **options)

    @classmethod
    def from_vectors(cls, vectors, tokenizer=None, counts=None, smoothing=1e-3, **options):
        """The mean of the word vectors of a text, the plain baseline. vectors: gensim's KeyedVectors.

        tokenizer  what a word is; None: `Words` of the vectors' own words, lower-cased if all of these are
        counts     {word: how often it is seen}: rare words weigh more, smoothing / (smoothing + p(word)), the "SIF" of
                   Arora et al. 2017, alg. 1; their second step, taking away a common direction, is left out

        A word without a vector counts as 0.
        """
        if tokenizer is None:
            words = vectors.index_to_key
            tokenizer = Words(words, lowercase=all(word == word.lower() for word in words))
        rows = np.zeros((tokenizer.vocab_size, vectors.vector_size), np.float32)
        total = sum(counts.values()) if counts else 1
        for i, token in enumerate(tokenizer.tokens):
            word = token.decode("utf-8", "replace")
            if i >= len(SPECIAL) and word in vectors:
                rows[i] = vectors[word]
                if counts:
                    rows[i] *= smoothing / (smoothing + counts.get(word, 0) / total)
        encoder = MeanOfVectors(tokenizer.vocab_size, vectors.vector_size, rate=0.0)
        encoder.embed.embeddings.assign(rows)
        return cls(encoder, tokenizer, **options)

    @classmethod
    def from_task(cls, task, **options):
        """The encoder (or causal model), tokenizer and length of another task: MaskedLanguageModel, TextClassifier, ...

        The weights are shared, not copied.
        """
        encoder = getattr(task, "encoder", None) or getattr(task, "model", None)
        if encoder is None or not hasattr(task, "tokenizer"):
            raise ValueError(f"a {type(task).__name__} has no encoder with one tokenizer")
        return cls(encoder, task.tokenizer, **{"length": task.length} | options)

    def prepare(self, texts):
        """strings [B] -> what the encoder is fed, ragged [B, None]: see `text_inputs.read`."""
        return text_inputs.read(self.encoder, self.tokenizer, self.length, texts)[0]

    def call(self, inputs, training=None):
        """{"token_ids", "padding_mask", ...}, each [B, T] -> vectors [B, D] float32."""
        x = ops.cast(text_inputs.vector(self.encoder, self.pool, inputs, training), "float32")
        if not self.normalize:
            return x
        return x / ops.maximum(ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True)), 1e-12)

    def answer(self, texts):
        """strings [B] -> {"embedding": [B, D], "cut": [B]}. cut: how many tokens of the text were not read."""
        inputs, sizes = text_inputs.read(self.encoder, self.tokenizer, self.length, texts)
        cut = tf.cast(tf.maximum(sizes - self.length, 0), tf.int32)
        return {"embedding": self(text_inputs.dense(inputs), training=False), "cut": cut}

    def example(self, record):
        raise NotImplementedError("a TextEmbedder is not trained: train its encoder, and see TextEmbedder.from_task")

    def objective(self):
        raise NotImplementedError("a TextEmbedder is not trained: train its encoder, and see TextEmbedder.from_task")

    def embed(self, texts, batch_size=64, verbose="auto"):
        """A string -> [D]; a list -> [N, D] float32, in order; a dataset -> a generator of [D].

        A warning tells how many texts are longer than `length`.
        """
        found = self.run("serving_default", texts, batch_size=batch_size, verbose=verbose)
        if not isinstance(found, dict):
            return (one["embedding"] for one in found)
        text_inputs.warn_cut(np.atleast_1d(found["cut"]) > 0, self.length)
        return found["embedding"]

    def similarity(self, a, b):
        """Cosines of the texts (or vectors [N, D]) a with those of b -> [A, B]; of two strings a number."""
        both = is_one(a), is_one(b)
        found = self.unit(a) @ self.unit(b).T  # [A, B]
        return float(found[0, 0]) if all(both) else found[0] if both[0] else found[:, 0] if both[1] else found

    def search(self, queries, corpus, k=10):
        """The k texts of the corpus that are nearest to each query, by cosine -> Found(indices, scores).

        queries, corpus: texts, or their vectors as `embed` gives them. Of equal ones the first. ValueError for an
        empty corpus.
        """
        k, one, corpus = count_of("k", k), is_one(queries), self.unit(corpus)
        if not len(corpus):
            raise ValueError("there is nothing to search in: the corpus is empty")
        queries, k = self.unit(queries), min(k, len(corpus))
        rows, parts = max(1, SCORES // len(corpus)), []
        for start in range(0, len(queries), rows):
            scores, indices = tf.math.top_k(queries[start : start + rows] @ corpus.T, k)
            parts.append((indices.numpy(), scores.numpy()))
        if not parts:
            return Found(np.zeros((0, k), np.int32), np.zeros((0, k), np.float32))
        found = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Found(*(part[0] if one else part for part in found))

    def unit(self, texts):
        """Texts, or vectors [N, D] (or one, [D]) -> [N, D], each of length 1."""
        x = texts if isinstance(texts, np.ndarray) and texts.dtype.kind == "f" else None
        if x is None:
            x = self.embed([texts] if is_one(texts) else texts)
        x = x[None] if x.ndim == 1 else x
        return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
