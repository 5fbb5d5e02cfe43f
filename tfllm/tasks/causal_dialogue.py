"""Dialogue by a causal model: one stream of turns, of which the next one is the continuation."""

import keras
import tensorflow as tf

from tfllm.tasks import turns
from tfllm.tasks.continuation import fitted
from tfllm.tasks.dialogue import DialogueGenerator
from tfllm.tasks.generator import Generator
from tfllm.text.cleaning import blank


@keras.saving.register_keras_serializable("tfllm")
class CausalDialogue(DialogueGenerator, Generator):
    """A GPT, an LSTM or another causal `model`. See DialogueGenerator.

    Replies whose histories begin with the same turn stand in one row of a batch, behind one another; dialogues that are
    not longer than the model are one row. In the signature `sample` of the export, max_length counts the reply.
    """

    counted = "max_new_tokens"

    def most(self, reply_length):
        most = self.model.max_length
        if most is not None and reply_length >= most:
            raise ValueError(f"reply_length is {reply_length}; the model takes {most} tokens with the history")
        return None if most is None else most - reply_length

    @property
    def first(self):
        return self.tokenizer.end if self.tokenizer.start is None else self.tokenizer.start

    def examples(self, script, written, found):
        """Rows in which each reply comes once, see turns.py."""
        token_ids, weights = turns.streams(script, written, found, self.reply_length)
        return token_ids[:, :-1], token_ids[:, 1:], weights[:, 1:]

    def call(self, inputs):
        """token_ids [B, T] -> logits [B, T, V] of the token after each."""
        return self.model(inputs)

    def continued(self, texts, n, decoding, row=0, jit_compile=False):
        """Dialogues [B] -> {"text": [B, n], "score": [B, n], "dropped": [B], "cut": [B]}: the replies alone.

        dropped, cut: see `prompts`. The others: see Generator. The reply to nothing is empty, with score 0.
        """
        found, silent = super().continued(texts, n, decoding, row, jit_compile), blank(texts)[:, None]
        found = {"text": tf.where(silent, "", found["text"]), "score": tf.where(silent, 0.0, found["score"])}
        return found | self.prompts(texts)[1]

    def stream(self, prompt, row=0, **decoding):
        if not blank([prompt]).numpy()[0]:
            yield from super().stream(prompt, row, **decoding)

    def begun(self, texts, decoding):
        prompts = self.prepare(texts)
        return tf.fill([prompts.nrows()], ""), prompts

    def fitted(self, prompts, decoding):
        most = self.reply_length if decoding.max_new_tokens is None else decoding.max_new_tokens
        return fitted(prompts, self.model.max_length, 0, most)

    def context(self, prompts):
        return prompts[:, :0]

    def continuations(self, prompts, token_ids, lengths):
        """As in Generator; a reply begins a text, so that it is decoded alone."""
        shape, count = tf.shape(lengths), tf.shape(lengths)[1]
        length = tf.shape(token_ids, tf.int64)[-1]
        start = tf.range(tf.size(lengths, tf.int64)) * length
        new = start + tf.repeat(prompts.row_lengths(), count)
        end = start + tf.cast(tf.reshape(lengths, [-1]), tf.int64)
        said = turns.between(tf.reshape(token_ids, [-1]), new, tf.maximum(end, new))
        return tf.reshape(self.tokenizer.decode(said), shape)

    def warn_cut(self, prompts, decoding):
        self.warn(self.prompts(tf.constant(prompts))[1], len(prompts))
