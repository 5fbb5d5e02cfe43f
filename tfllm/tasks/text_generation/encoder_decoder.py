"""What tasks share that learn from pairs of strings with an encoder-decoder: translation and summarization."""


import tensorflow as tf

from tfllm.data import batches
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.ragged import column, joined
from tfllm.tasks import records as gate
from tfllm.tasks.task import log
from tfllm.tasks.text_generation.seq2seq_writer import Seq2SeqWriter
from tfllm.tasks.text_generation.writing import Writing
from tfllm.text import END, PAD, START


class EncoderDecoder(Writing):
    """Abstract. A final class has `model` and `label_smoothing`, and is the codec of its Seq2SeqWriter, see there."""

    fields = ("source", "target")
    asks = ("source",)
    weighable = True
    forbidden = (PAD, START)
    counted = None

    @property
    def writer(self):
        return Seq2SeqWriter(self.model, self)

    def check(self, decoding):
        """Hook: ValueError for a decoding that the model cannot have."""

    def shorter(self, texts, decoding, row, write):
        """Hook: what is read in place of the texts."""
        return texts

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None] with END, cut to what the model can take (`pe_input`)."""
        return self.sources(texts)[0]["token_ids"]

    def objective(self):
        loss = TokenCrossEntropy(self.label_smoothing)
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), TokenAccuracy()]}

    def example(self, record):
        return self.checked(record)[0]

    def checked(self, record):
        """-> (the example, flags): whether "source" and "target" are truncated, each ragged [B, 1] bool."""
        raise NotImplementedError(f"{type(self).__name__} must say how a record becomes an example")

    def rows(self, records, verbose=0):
        """As of a Task; a warning tells what is truncated."""
        rows, flags = batches.rows(records, gate.weighed(self.checked), verbose)
        for name, limit in (("source", self.model.pe_input), ("target", self.model.pe_target)):
            warn_truncated(name, flags[name].flat_values.numpy(), limit)
        return rows

    def report(self, found, decoding):
        warn_truncated("source", found["cut"] > 0, self.model.pe_input)


def append_end(token_ids, limit):
    """Ragged [B, None] with END, at most `limit` tokens (None: all)."""
    return joined(token_ids if limit is None else token_ids[:, : limit - 1], END)


def shift_right(target):
    """Ragged target [B, None] -> what the decoder is shown: START, then all but the last."""
    return joined(START, target[:, :-1])


def tokens_cut(sizes, limit):
    """Of texts of so many tokens, END not counted: how many a model of `limit` tokens does not read, int32."""
    sizes = tf.cast(sizes, tf.int32)
    return tf.zeros_like(sizes) if limit is None else tf.maximum(sizes + 1 - limit, 0)


def over(token_ids, limit):
    """Ragged [B, None] -> ragged [B, 1] bool: whether `append_end` truncates it to this limit."""
    return column(tf.zeros([token_ids.nrows()], tf.bool) if limit is None else token_ids.row_lengths() > limit - 1)


def warn_truncated(name, flags, limit):
    """Logs how many of these texts, flags [N], have more tokens than the limit."""
    if flags.any():
        log.warning("%d of %d %s texts have more than %d tokens, END counted, and are truncated", flags.sum(),
                    len(flags), name, limit)  # fmt: skip
