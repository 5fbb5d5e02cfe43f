"""The base class of tasks that train an encoder-decoder on pairs of strings: translation and summarization."""

import tensorflow as tf

from tfllm.data import batches
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.ragged import column, joined
from tfllm.tasks import user_data
from tfllm.tasks.task import log
from tfllm.tasks.text_generation.plain_codec import append_end
from tfllm.tasks.text_generation.writing import Writing
from tfllm.text import START


class EncoderDecoder(Writing):
    """Abstract. A final class has `model`, `label_smoothing`, `writer` (a Seq2SeqWriter) and `checked`."""

    fields = ("source", "target")
    asks = ("source",)
    allows_sample_weight = True

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None] with END, truncated to the model's limit (`pe_input`)."""
        return self.writer.codec.sources(texts)[0]["token_ids"]

    def objective(self):
        loss = TokenCrossEntropy(self.label_smoothing)
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), TokenAccuracy()]}

    def example(self, record):
        return self.checked(record)[0]

    def checked(self, record):
        """-> (the example, flags): whether "source" and "target" are truncated, each ragged [B, 1] bool; see `pair`."""
        raise NotImplementedError(f"{type(self).__name__} must define how a record becomes an example")

    def pair(self, source, target, **more):
        """Token ids of sources and targets, ragged [B, None], without END -> the result of `checked`.

        more: further inputs of the model.
        """
        limits = {"source": self.model.pe_input, "target": self.model.pe_target}
        flags = {"source": over(source, limits["source"]), "target": over(target, limits["target"])}
        target = append_end(target, limits["target"])
        inputs = {"source": append_end(source, limits["source"]), **more, "target": shift_right(target)}
        return (inputs, target, tf.ones_like(target, tf.float32)), flags

    def rows(self, records, verbose=0):
        """As in Task; truncated texts log a warning."""
        rows, flags = batches.rows(records, user_data.with_sample_weights(self.checked), verbose)
        for name, limit in (("source", self.model.pe_input), ("target", self.model.pe_target)):
            warn_truncated(name, flags[name].flat_values.numpy(), limit)
        return rows

    def report(self, result, decoding):
        warn_truncated("source", result["cut"] > 0, self.model.pe_input)


def shift_right(target):
    """Ragged target [B, None] -> the input of the decoder: START, then all but the last token."""
    return joined(START, target[:, :-1])


def over(token_ids, limit):
    """Ragged [B, None] -> ragged [B, 1] bool: True where `append_end` truncates."""
    return column(tf.zeros([token_ids.nrows()], tf.bool) if limit is None else token_ids.row_lengths() > limit - 1)


def warn_truncated(name, flags, limit):
    """Log how many texts have more tokens than the limit. flags: bool [N]."""
    if flags.any():
        log.warning("%d of %d %s texts have more than %d tokens with END and are truncated", flags.sum(),
                    len(flags), name, limit)  # fmt: skip
