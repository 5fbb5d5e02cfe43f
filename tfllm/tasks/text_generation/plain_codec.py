"""PlainCodec: texts as token ids with END and back, for an encoder-decoder with ordinary tokenizers."""

import tensorflow as tf

from tfllm.ragged import joined
from tfllm.tasks.text_generation.decoding import rules
from tfllm.tasks.text_generation.seq2seq_writer import at_most
from tfllm.text import END, PAD, START
from tfllm.text.cleaning import replace_invalid


class PlainCodec:
    """A codec of a Seq2SeqWriter. source, target: tokenizers; more: additional ids after those of the target."""

    forbidden, length_field = (PAD, START), None

    def __init__(self, model, source, target, more=0):
        self.model, self.source, self.target, self.num_ids = model, source, target, target.vocab_size + more

    def sources(self, texts):
        ids, most = self.source.encode(texts), self.model.pe_input
        return {"token_ids": append_end(ids, most)}, {"cut": tokens_cut(ids.row_lengths(), most)}

    def condensed(self, texts, decoding, row, write):
        return texts

    def detokenize(self, ids, sources):
        return replace_invalid(self.target.decode(ids))

    def longest(self, size, decoding):
        """3 S + 20 for a source of S tokens, at most the model's limit."""
        return at_most(3 * size + 20, self.model.pe_target)

    def rules(self, decoding):
        return rules(decoding, self.target)

    def check(self, decoding):
        pass


def append_end(token_ids, limit):
    """Ragged [B, None] with END, truncated to `limit` tokens (None: unlimited)."""
    return joined(token_ids if limit is None else token_ids[:, : limit - 1], END)


def tokens_cut(sizes, limit):
    """Sizes without END -> how many tokens a model with this limit does not read, int32."""
    sizes = tf.cast(sizes, tf.int32)
    return tf.zeros_like(sizes) if limit is None else tf.maximum(sizes + 1 - limit, 0)
