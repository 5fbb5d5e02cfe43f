"""What tasks share that learn from pairs of strings with an encoder-decoder: translation and summarization."""

import tensorflow as tf

from tfllm.data import batches
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.ragged import column, joined
from tfllm.tasks import records as gate
from tfllm.tasks.task import log
from tfllm.tasks.text_generation.plain_codec import append_end
from tfllm.tasks.text_generation.writing import Writing
from tfllm.text import START


class EncoderDecoder(Writing):
    """Abstract. A final class has `model` and `label_smoothing`, and says `writer`, a Seq2SeqWriter, and `checked`."""

    fields = ("source", "target")
    asks = ("source",)
    weighable = True

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None] with END, cut to what the model can take (`pe_input`)."""
        return self.writer.codec.sources(texts)[0]["token_ids"]

    def objective(self):
        loss = TokenCrossEntropy(self.label_smoothing)
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), TokenAccuracy()]}

    def example(self, record):
        return self.checked(record)[0]

    def checked(self, record):
        """-> (the example, flags): whether "source" and "target" are truncated, each ragged [B, 1] bool; see `pair`."""
        raise NotImplementedError(f"{type(self).__name__} must say how a record becomes an example")

    def pair(self, source, target, **more):
        """Token ids of sources and targets, ragged [B, None], without END -> what `checked` gives.

        more: what the model is shown beside the sources.
        """
        limits = {"source": self.model.pe_input, "target": self.model.pe_target}
        flags = {"source": over(source, limits["source"]), "target": over(target, limits["target"])}
        target = append_end(target, limits["target"])
        inputs = {"source": append_end(source, limits["source"]), **more, "target": shift_right(target)}
        return (inputs, target, tf.ones_like(target, tf.float32)), flags

    def rows(self, records, verbose=0):
        """As of a Task; a warning tells what is truncated."""
        rows, flags = batches.rows(records, gate.weighed(self.checked), verbose)
        for name, limit in (("source", self.model.pe_input), ("target", self.model.pe_target)):
            warn_truncated(name, flags[name].flat_values.numpy(), limit)
        return rows

    def report(self, found, decoding):
        warn_truncated("source", found["cut"] > 0, self.model.pe_input)


def shift_right(target):
    """Ragged target [B, None] -> what the decoder is shown: START, then all but the last."""
    return joined(START, target[:, :-1])


def over(token_ids, limit):
    """Ragged [B, None] -> ragged [B, 1] bool: whether `append_end` truncates it to this limit."""
    return column(tf.zeros([token_ids.nrows()], tf.bool) if limit is None else token_ids.row_lengths() > limit - 1)


def warn_truncated(name, flags, limit):
    """Logs how many of these texts, flags [N], have more tokens than the limit."""
    if flags.any():
        log.warning("%d of %d %s texts have more than %d tokens, END counted, and are truncated", flags.sum(),
                    len(flags), name, limit)  # fmt: skip
