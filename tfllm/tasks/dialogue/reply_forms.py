"""What two kinds of models make of a dialogue: examples to learn from, and prompts or sources to reply to.

Both have `first`, the id that a history begins with, `most`, `examples`, `call` and `writer`, so that there is one task
for all models (dialogue_generator.py).
"""

import tensorflow as tf

from tfllm.ragged import between, joined
from tfllm.tasks.dialogue import turns
from tfllm.tasks.text_generation.causal_writer import CausalWriter
from tfllm.tasks.text_generation.decoding import rules
from tfllm.tasks.text_generation.encoder_decoder import shift_right
from tfllm.tasks.text_generation.seq2seq_writer import Seq2SeqWriter, at_most
from tfllm.text import PAD, START, UNKNOWN
from tfllm.text.cleaning import blank, replace_invalid


class CausalReplies:
    """A GPT, an LSTM or another causal model: one stream of turns, of which the next one is the continuation.

    Replies whose histories begin with the same turn stand in one row of a batch, behind one another; dialogues that are
    not longer than the model are one row.
    """

    counted = "max_new_tokens"

    def __init__(self, task):
        self.task, self.model, self.tokenizer = task, task.model, task.tokenizer

    @property
    def first(self):
        return self.tokenizer.end if self.tokenizer.start is None else self.tokenizer.start

    @property
    def writer(self):
        return CausalWriter(self.model, self.tokenizer, self)

    def most(self, reply_length):
        """The tokens of a history that the model can take beside such replies, or None. ValueError where it cannot."""
        most = self.model.max_length
        if most is not None and reply_length >= most:
            raise ValueError(f"reply_length is {reply_length}; the model takes {most} tokens with the history")
        return None if most is None else most - reply_length

    def examples(self, script, written, found):
        """Rows in which each reply comes once, see turns.py -> (inputs, targets, weights), ragged [N, None]."""
        token_ids, weights = turns.streams(script, written, found, self.task.reply_length)
        return token_ids[:, :-1], token_ids[:, 1:], weights[:, 1:]

    def call(self, inputs):
        """token_ids [B, T] -> logits [B, T, V]."""
        return self.model(inputs)

    # The prompts of a CausalWriter

    def read(self, texts, decoding):
        prompts, notes = self.task.prompts(texts)
        return tf.fill([prompts.nrows()], ""), prompts, notes

    def lengths(self, decoding):
        return 0, self.task.reply_length if decoding.max_new_tokens is None else decoding.max_new_tokens

    def context(self, prompts):
        """None: a reply begins a text."""
        return prompts[:, :0]

    def silent(self, texts):
        return blank(texts)


class Seq2SeqReplies:
    """A Seq2SeqRNN or a Transformer: the encoder reads the history, the decoder says the reply.

    Each reply is a pair of its own: history -> reply. Left out: stop strings and contrastive search.
    """

    first = None  # no START before a source
    forbidden = (PAD, UNKNOWN, START)
    counted = "max_new_tokens"

    def __init__(self, task):
        self.task, self.model, self.tokenizer = task, task.model, task.tokenizer

    @property
    def writer(self):
        return Seq2SeqWriter(self.model, self)

    def most(self, reply_length):
        """As of CausalReplies."""
        limit = self.model.pe_target
        if limit is not None and reply_length >= limit:
            raise ValueError(f"reply_length is {reply_length}; it must be less than the model's pe_target, {limit}")
        return None if self.model.pe_input is None else self.model.pe_input - 1

    def examples(self, script, written, found):
        """A row for each reply; see `call`."""
        source = script.history(written, *found)
        source = joined(source, script.marked(tf.gather(written.speakers, found.turn)))
        target = between(
            written.token_ids.flat_values, *turns.reply_tokens(written, found.turn, self.task.reply_length)
        )
        return {"source": source, "target": shift_right(target)}, target, tf.ones_like(target, tf.float32)

    def call(self, inputs):
        """{"source": [B, S], "target": [B, T]} -> logits [B, T, V] of the token after each of the target."""
        return self.model(inputs["source"], inputs["target"])[0]

    # The codec of a Seq2SeqWriter

    def sources(self, texts):
        ids, notes = self.task.prompts(texts)
        return {"token_ids": ids}, notes

    def shorter(self, texts, decoding, row, write):
        return texts

    def detokenize(self, outputs, sources):
        return replace_invalid(self.tokenizer.decode(outputs))

    @property
    def sayable(self):
        return self.tokenizer.vocab_size

    def longest(self, size, decoding):
        most = self.task.reply_length if decoding.max_new_tokens is None else decoding.max_new_tokens
        return at_most(most, self.model.pe_target)

    def rules(self, decoding):
        return rules(decoding, self.tokenizer)

    def check(self, decoding):
        if decoding.stop or decoding.penalty_alpha is not None:
            raise ValueError("stop strings and contrastive search (penalty_alpha) are of causal models")
