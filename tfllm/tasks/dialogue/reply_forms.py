"""How the two kinds of models handle dialogues: training examples, and prompts or sources for replies.

Both classes have `first` (the id that a history begins with), `most`, `examples`, `call` and `writer`, so one task
(dialogue_generator.py) serves all models.
"""

import tensorflow as tf

from tfllm.ragged import between, joined
from tfllm.tasks.dialogue import turns
from tfllm.tasks.text_generation import constraints
from tfllm.tasks.text_generation.causal_writer import CausalWriter
from tfllm.tasks.text_generation.decoding import rules
from tfllm.tasks.text_generation.encoder_decoder import shift_right
from tfllm.tasks.text_generation.seq2seq_writer import Seq2SeqWriter, at_most
from tfllm.text import PAD, START, UNKNOWN
from tfllm.text.cleaning import blank, replace_invalid


class CausalReplies:
    """For a causal model (GPT, LSTM, ...): a dialogue is one stream of tokens, and a reply is its continuation.

    Replies whose histories begin with the same turn share one row of a batch; a dialogue within the model's limit is
    one row.
    """

    length_field = "max_new_tokens"

    def __init__(self, task):
        self.task, self.model, self.tokenizer = task, task.model, task.tokenizer

    @property
    def first(self):
        return self.tokenizer.end if self.tokenizer.start is None else self.tokenizer.start

    @property
    def writer(self):
        return CausalWriter(self.model, self.tokenizer, self)

    def most(self, reply_length):
        """Maximum tokens of a history with such replies, or None. Raises ValueError if the replies are too long."""
        most = self.model.max_length
        if most is not None and reply_length >= most:
            raise ValueError(f"reply_length is {reply_length}; the model's limit is {most} tokens with the history")
        return None if most is None else most - reply_length

    def examples(self, script, written, replies):
        """Rows in which each reply occurs once, see turns.py -> (inputs, targets, weights), ragged [N, None]."""
        token_ids, weights = turns.streams(script, written, replies, self.task.reply_length)
        return token_ids[:, :-1], token_ids[:, 1:], weights[:, 1:]

    def call(self, inputs, training=None):
        """token_ids [B, T] -> logits [B, T, V]."""
        return self.model(inputs, training=training)

    # The prompts of a CausalWriter

    def read(self, texts, decoding):
        prompts, notes = self.task.prompts(texts)
        return tf.fill([prompts.nrows()], ""), prompts, notes

    def lengths(self, decoding):
        return 0, self.task.reply_length if decoding.max_new_tokens is None else decoding.max_new_tokens

    def context(self, prompts):
        """Empty, since a reply is the beginning of a text."""
        return prompts[:, :0]

    def empty_answers(self, texts):
        return blank(texts)


class Seq2SeqReplies:
    """For an encoder-decoder (Seq2SeqRNN, Transformer): the encoder reads the history, the decoder generates the reply.

    Each reply is one pair, history -> reply. Stop strings and contrastive search are not supported.
    """

    first = None  # no START before a source
    forbidden = (PAD, UNKNOWN, START)
    length_field = "max_new_tokens"

    def __init__(self, task):
        self.task, self.model, self.tokenizer = task, task.model, task.tokenizer

    @property
    def writer(self):
        return Seq2SeqWriter(self.model, self)

    def most(self, reply_length):
        """As in CausalReplies."""
        limit = self.model.pe_target
        if limit is not None and reply_length >= limit:
            raise ValueError(f"reply_length is {reply_length}; it must be less than the model's pe_target, {limit}")
        return None if self.model.pe_input is None else self.model.pe_input - 1

    def examples(self, script, written, replies):
        """One row for each reply; see `call`."""
        source = script.history(written, *replies)
        source = joined(source, script.tags_of(tf.gather(written.speakers, replies.turn)))
        target = between(
            written.token_ids.flat_values, *turns.reply_tokens(written, replies.turn, self.task.reply_length)
        )
        return {"source": source, "target": shift_right(target)}, target, tf.ones_like(target, tf.float32)

    def call(self, inputs, training=None):
        """{"source": [B, S], "target": [B, T]} -> logits [B, T, V] of the token after each target token."""
        return self.model(inputs["source"], inputs["target"], training=training)[0]

    # The codec of a Seq2SeqWriter

    def sources(self, texts):
        ids, notes = self.task.prompts(texts)
        return {"token_ids": ids}, notes

    def condensed(self, texts, decoding, row, write):
        return texts

    def detokenize(self, outputs, sources):
        return replace_invalid(self.tokenizer.decode(outputs))

    @property
    def num_ids(self):
        return self.tokenizer.vocab_size

    def longest(self, size, decoding):
        most = self.task.reply_length if decoding.max_new_tokens is None else decoding.max_new_tokens
        return at_most(most, self.model.pe_target)

    def rules(self, decoding):
        return rules(decoding, self.tokenizer)

    def check(self, decoding):
        if decoding.stop or decoding.penalty_alpha is not None:
            raise ValueError("stop strings and contrastive search (penalty_alpha) need a causal model")
        if names := constraints.given(decoding):
            raise ValueError(f"{names[0]} needs a causal model")
