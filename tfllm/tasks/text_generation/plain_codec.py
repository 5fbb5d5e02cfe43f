"""Texts as token ids with END, and ids as texts: the codec of an encoder-decoder whose tokenizers have all there is."""

import tensorflow as tf

from tfllm.ragged import joined
from tfllm.tasks.text_generation.decoding import rules
from tfllm.tasks.text_generation.seq2seq_writer import at_most
from tfllm.text import END, PAD, START
from tfllm.text.cleaning import replace_invalid


class PlainCodec:
    """A codec of a Seq2SeqWriter. source, target: tokenizers; more: ids behind those of the target, written too."""

    forbidden, counted = (PAD, START), None

    def __init__(self, model, source, target, more=0):
        self.model, self.source, self.target, self.sayable = model, source, target, target.vocab_size + more

    def sources(self, texts):
        ids, most = self.source.encode(texts), self.model.pe_input
        return {"token_ids": append_end(ids, most)}, {"cut": tokens_cut(ids.row_lengths(), most)}

    def shorter(self, texts, decoding, row, write):
        return texts

    def detokenize(self, ids, sources):
        return replace_invalid(self.target.decode(ids))

    def longest(self, size, decoding):
        """3 S + 20 of S tokens."""
        return at_most(3 * size + 20, self.model.pe_target)

    def rules(self, decoding):
        return rules(decoding, self.target)

    def check(self, decoding):
        pass


def append_end(token_ids, limit):
    """Ragged [B, None] with END, at most `limit` tokens (None: all)."""
    return joined(token_ids if limit is None else token_ids[:, : limit - 1], END)


def tokens_cut(sizes, limit):
    """Of texts of so many tokens, END not counted: how many a model of `limit` tokens does not read, int32."""
    sizes = tf.cast(sizes, tf.int32)
    return tf.zeros_like(sizes) if limit is None else tf.maximum(sizes + 1 - limit, 0)
