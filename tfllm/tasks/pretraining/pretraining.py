"""What tasks share that learn from running text by hiding parts of it: new parts in every epoch, in memory or streamed.

A final task says what the rows are (`example`), and how a padded batch of them is hidden in part (`hide`), from a seed.
"""

import tensorflow as tf

from tfllm.data.batches import TOKENS
from tfllm.data.masking import Remasked
from tfllm.data.streams import Stream
from tfllm.tasks.streaming import fit_stream
from tfllm.tasks.task import Task
from tfllm.tasks.text_inputs import warn_cut


class Pretraining(Task):
    """Abstract. Records have "text", a document each; `length` is the most tokens of a row.

    `evaluate`, and validation in `fit`, hide the same parts each time.
    """

    fields = ("text",)

    def example(self, record):
        """documents [B] -> parts of rows, a tuple of ragged int32 [N, None] that are equally long."""
        raise NotImplementedError(f"{type(self).__name__} must say what its rows are")

    def hide(self, parts, seed):
        """Parts, padded [B, T], and int [2] -> (inputs, targets, weights)."""
        raise NotImplementedError(f"{type(self).__name__} must say what it hides")

    def rows(self, records, verbose=0):
        found = super().rows(records, verbose)
        if not found[0].nrows():
            raise ValueError(self.nothing)
        return found

    nothing = "there is nothing to learn from: no document has as many tokens as are needed"

    def batches(self, x, y=None, batch_size=None, tokens=TOKENS, shapes=6, seed=None, verbose=0):
        """As `Task.batches`; what is hidden depends on (seed, `epoch`). Without a seed `epoch` counts too."""
        return Remasked(super().batches(x, y, batch_size, tokens, shapes, seed, verbose), self.hide, seed or 0)

    def streamed(self, records, seed, **options):
        """Records -> a data.streams.Stream of rows, in which new parts are hidden in every epoch."""
        return Remasked(Stream(records, self.example, self.length, seed=seed, **options), self.hide, seed or 0)

    def fit(self, x=None, y=None, *args, stream=False, **options):
        """As `Task.fit`. stream: text that is larger than memory, see `streaming.fit_stream`."""
        return fit_stream(self, x, y, *args, **options) if stream else super().fit(x, y, *args, **options)

    def generate(self, texts, batch_size=32):
        """Texts with each "[MASK]" filled, by `answer`; a string -> a string, a list -> a list.

        A text without "[MASK]", such as an empty one, comes back as it is. A warning tells how many are too long.
        """

        def tell(found):
            warn_cut(found["cut"] > 0, self.readable)
            return [text.decode("utf-8", "replace") for text in found["text"]]

        return self.run("serving_default", texts, tell=tell, batch_size=batch_size)

    @property
    def readable(self):
        """Tokens of a text that the model can read, those around it counted; None: any number."""
        raise NotImplementedError(f"{type(self).__name__} must say how long a text it can read")

    def read(self, texts):
        """strings [B] with "[MASK]" in them -> (ragged token_ids [B, None], how many tokens were not read [B])."""
        raise NotImplementedError(f"{type(self).__name__} must say how a text with masks becomes token ids")

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None]: what the model is shown of texts with "[MASK]" in them."""
        return self.read(texts)[0]

    def unread(self, sizes, around):
        """Tokens of each text [B], tokens around it -> how many are not read, int32 [B]."""
        limit = self.readable
        return tf.cast(tf.zeros_like(sizes) if limit is None else tf.maximum(sizes + around - limit, 0), tf.int32)


def full(like, value):
    """Ragged int32 like a ragged one, `value` everywhere."""
    return like.with_flat_values(tf.fill(tf.shape(like.flat_values), value))
