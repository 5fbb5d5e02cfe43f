"""The base class of tasks that learn from running text by hiding parts of it, in memory or streamed.

A final task defines the rows (`example`) and how parts of a padded batch are hidden (`hide`) from a seed. Every epoch
hides other parts.
"""

from typing import Any

import keras
import tensorflow as tf

from tfllm.data.batches import TOKENS
from tfllm.data.masking import Remasked
from tfllm.data.streams import Stream
from tfllm.tasks.pretraining.filling import MASK
from tfllm.tasks.streaming import fit_stream
from tfllm.tasks.task import Task
from tfllm.tasks.text_inputs import warn_cut


class Pretraining(Task):
    """Abstract. Records have "text", one document each; `length` is the maximum number of tokens of a row.

    `evaluate`, and validation in `fit`, always hide the same parts.
    """

    fields = ("text",)
    facts = {"mask": MASK}  # for the manifest of the exported model

    def example(self, record):
        """documents [B] -> parts of rows, a tuple of ragged int32 [N, None] of equal row lengths."""
        raise NotImplementedError(f"{type(self).__name__} must define its rows")

    def hide(self, parts, seed):
        """Parts, padded [B, T], and seed, int [2] -> (inputs, targets, weights)."""
        raise NotImplementedError(f"{type(self).__name__} must define what it hides")

    def rows(self, records, verbose=0):
        result = super().rows(records, verbose)
        if not result[0].nrows():
            raise ValueError(self.nothing)
        return result

    nothing = "nothing to learn from: every document is too short"

    def batches(self, x, y=None, batch_size=None, tokens=TOKENS, shapes=6, seed=None, verbose=0):
        """As `Task.batches`; the hidden parts depend on (seed, `epoch`), also without a seed."""
        return Remasked(super().batches(x, y, batch_size, tokens, shapes, seed, verbose), self.hide, seed or 0)

    def streamed(self, records, seed, **options):
        """Records -> a data.streams.Stream of rows, in which every epoch hides other parts."""
        return Remasked(Stream(records, self.example, self.length, seed=seed, **options), self.hide, seed or 0)

    def fit(self, x: Any = None, y: Any = None, *args: Any, stream: bool = False,
            **options: Any) -> keras.callbacks.History:  # fmt: skip
        """As `Task.fit`. stream: trains on text that is larger than memory, see `streaming.fit_stream`."""
        return fit_stream(self, x, y, *args, **options) if stream else super().fit(x, y, *args, **options)

    def generate(self, texts: Any, batch_size: int = 32) -> Any:
        """Texts with each "[MASK]" filled, by `answer`; a string -> a string, a list -> a list.

        A text without "[MASK]", such as an empty one, is returned unchanged. Truncated texts log a warning.
        """

        def convert(result):
            warn_cut(result["cut"] > 0, self.readable)
            return [text.decode("utf-8", "replace") for text in result["text"]]

        return self.run("serving_default", texts, convert=convert, batch_size=batch_size)

    @property
    def readable(self):
        """Maximum tokens of a text, with special tokens; None: unlimited."""
        raise NotImplementedError(f"{type(self).__name__} must define how long a text it can read")

    def read(self, texts):
        """strings [B] with "[MASK]" in them -> (ragged token_ids [B, None], number of truncated tokens [B])."""
        raise NotImplementedError(f"{type(self).__name__} must define how a text with masks becomes token ids")

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None]: the input of the model for texts with "[MASK]" in them."""
        return self.read(texts)[0]

    def unread(self, sizes, around):
        """Tokens of each text [B], number of special tokens -> number of truncated tokens, int32 [B]."""
        limit = self.readable
        return tf.cast(tf.zeros_like(sizes) if limit is None else tf.maximum(sizes + around - limit, 0), tf.int32)


def full(like, value):
    """A ragged int32 tensor of the same row lengths with `value` everywhere."""
    return like.with_flat_values(tf.fill(tf.shape(like.flat_values), value))
