"""Text embedding: one vector per text; texts of similar meaning have similar vectors. Reimers & Gurevych 2019."""

from pathlib import Path
from typing import Any, NamedTuple

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
LENGTH = 512  # default maximum tokens, if the encoder has no limit
SCORES = 2**24  # maximum cosines of a search in memory


class SearchResult(NamedTuple):
    """The result of `search`: indices in the corpus and cosines, best first, [Q, k] each ([k] for one query)."""

    indices: np.ndarray
    scores: np.ndarray


@keras.saving.register_keras_serializable("tfllm")
class TextEmbedder(Task):
    """An `encoder` (models/encoder.py, or a causal model) with its `tokenizer`: texts -> vectors [N, D] float32.

    pooling    how token vectors become one vector: "mean", "max", "first", "last"; "encoder": the encoder's own `pool`
               (BERT's pooler)
    normalize  scale the vectors to length 1, so that dot products are cosines
    length     maximum tokens of a text, with special tokens; default: the encoder's limit, or 512. Longer texts are
               truncated with a warning

    An empty text has the vector of START and END; with word vectors it is 0.

    A TextEmbedder is not trained: train the encoder in a MaskedLanguageModel or a TextClassifier, and see `from_task`.
    Raises ValueError for an unknown pooling and for a length above the encoder's limit.
    """

    fields = ("text",)

    fixed = ("pooling",)

    def __init__(self, encoder, tokenizer, pooling="mean", normalize=True, length=None, **kwargs):
        super().__init__(**kwargs)
        if pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {POOLINGS}; got {pooling!r}")
        if pooling == "encoder" and not hasattr(encoder, "pool"):
            raise ValueError(f"a {type(encoder).__name__} has no pooling of its own: choose one of {POOLINGS[:-1]}")
        expect_rows(encoder, tokenizer)
        most = getattr(encoder, "max_length", None)
        self.encoder, self.tokenizer, self.pooling, self.normalize = encoder, tokenizer, pooling, normalize
        self.length = length or most or LENGTH
        self.check_settings()
        self.pool = None if pooling == "encoder" else Pooling(pooling, name="pool", dtype="float32")
        self.built = True

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path, **options: Any) -> "TextEmbedder":
        """A sentence-transformers or BERT folder in Hugging Face's format, or a name on its hub.

        Pooling, normalisation and length are those of the sentence-transformers config; a plain BERT uses mean pooling.
        options: arguments of TextEmbedder, which override these. Raises FileNotFoundError if the name does not exist,
        ValueError for a folder with unsupported modules.
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
    def from_vectors(cls, vectors: Any, tokenizer: Any = None, counts: Any = None, smoothing: float = 1e-3,
                     **options: Any) -> "TextEmbedder":  # fmt: skip
        """The mean of the word vectors of a text, a simple baseline. vectors: gensim's KeyedVectors.

        tokenizer  default: `Words` with the words of the vectors, lower-cased if all of these are
        counts     {word: frequency}: weights words by smoothing / (smoothing + p(word)), the "SIF" of Arora et al.
        2017,
                   alg. 1; differs: their second step, removing a common direction, is left out

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
    def from_task(cls, task: Any, **options: Any) -> "TextEmbedder":
        """The encoder (or causal model), tokenizer and length of another task: MaskedLanguageModel, TextClassifier, ...

        The weights are shared, not copied. Raises ValueError if the task has no encoder with one tokenizer.
        """
        encoder = getattr(task, "encoder", None) or getattr(task, "model", None)
        if encoder is None or not hasattr(task, "tokenizer"):
            raise ValueError(f"a {type(task).__name__} has no encoder with one tokenizer")
        return cls(encoder, task.tokenizer, **{"length": task.length} | options)

    def prepare(self, texts):
        """strings [B] -> inputs of the encoder, ragged [B, None]: see `text_inputs.read`."""
        return text_inputs.read(self.encoder, self.tokenizer, self.length, texts)[0]

    def call(self, inputs, training=None):
        """{"token_ids", "padding_mask", ...}, each [B, T] -> vectors [B, D] float32."""
        x = ops.cast(text_inputs.vector(self.encoder, self.pool, inputs, training), "float32")
        return ops.normalize(x, epsilon=1e-12) if self.normalize else x

    def answer(self, texts):
        """strings [B] -> {"embedding": [B, D], "cut": [B]}. cut: number of truncated tokens."""
        inputs, sizes = text_inputs.read(self.encoder, self.tokenizer, self.length, texts)
        cut = tf.cast(tf.maximum(sizes - self.length, 0), tf.int32)
        return {"embedding": self(text_inputs.dense(inputs), training=False), "cut": cut}

    def example(self, record):
        raise NotImplementedError("a TextEmbedder cannot be trained: train its encoder, and see TextEmbedder.from_task")

    def objective(self):
        raise NotImplementedError("a TextEmbedder cannot be trained: train its encoder, and see TextEmbedder.from_task")

    def embed(self, texts: Any, batch_size: int = 64, verbose: int | str = "auto") -> Any:
        """A string -> [D]; a list -> [N, D] float32, in order; a dataset -> a generator of [D].

        Truncated texts log a warning.
        """
        result = self.run("serving_default", texts, batch_size=batch_size, verbose=verbose)
        if not isinstance(result, dict):
            return (one["embedding"] for one in result)
        text_inputs.warn_cut(np.atleast_1d(result["cut"]) > 0, self.length)
        return result["embedding"]

    def similarity(self, a: Any, b: Any) -> Any:
        """Cosines between the texts (or vectors [N, D]) a and b -> [A, B]; for two strings a number."""
        both = is_one(a), is_one(b)
        result = self.unit(a) @ self.unit(b).T  # [A, B]
        return float(result[0, 0]) if all(both) else result[0] if both[0] else result[:, 0] if both[1] else result

    def search(self, queries: Any, corpus: Any, k: int = 10) -> SearchResult:
        """The k texts of the corpus nearest to each query, by cosine -> SearchResult(indices, scores).

        queries, corpus: texts, or their vectors from `embed`. Ties are ordered by index. Raises ValueError for an empty
        corpus.
        """
        k, one, corpus = count_of("k", k), is_one(queries), self.unit(corpus)
        if not len(corpus):
            raise ValueError("the corpus is empty")
        queries, k = self.unit(queries), min(k, len(corpus))
        rows, parts = max(1, SCORES // len(corpus)), []
        for start in range(0, len(queries), rows):
            scores, indices = tf.math.top_k(queries[start : start + rows] @ corpus.T, k)
            parts.append((indices.numpy(), scores.numpy()))
        if not parts:
            return SearchResult(np.zeros((0, k), np.int32), np.zeros((0, k), np.float32))
        result = (np.concatenate(part) for part in zip(*parts, strict=True))
        return SearchResult(*(part[0] if one else part for part in result))

    def unit(self, texts):
        """Texts, or vectors [N, D] (or one, [D]) -> [N, D], scaled to length 1."""
        x = texts if isinstance(texts, np.ndarray) and texts.dtype.kind == "f" else None
        if x is None:
            x = self.embed([texts] if is_one(texts) else texts)
        x = x[None] if x.ndim == 1 else x
        return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
