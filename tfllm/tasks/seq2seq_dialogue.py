"""Dialogue by an encoder-decoder: the encoder reads the history, the decoder says the reply."""

from dataclasses import replace
from functools import partial

import keras
import tensorflow as tf

from tfllm.generation import Loop, drawing, readable, stream
from tfllm.ragged import joined
from tfllm.tasks import records as gate
from tfllm.tasks import turns
from tfllm.tasks.compiled import compiled
from tfllm.tasks.decoding import chooser, growing, rules
from tfllm.tasks.dialogue import DialogueGenerator
from tfllm.tasks.encoder_decoder import EncoderDecoder, at_most, shifted
from tfllm.tasks.vocabularies import Sayable
from tfllm.text import PAD, START, UNKNOWN
from tfllm.text.cleaning import blank, replace_invalid


@keras.saving.register_keras_serializable("tfllm")
class Seq2SeqDialogue(DialogueGenerator, EncoderDecoder):
    """A Seq2SeqRNN or a Transformer as `model`. See DialogueGenerator.

    Each reply is a pair of its own: history -> reply. Left out: stop strings and contrastive search.
    """

    first = None  # no START before a source
    forbidden = (PAD, UNKNOWN, START)

    def most(self, reply_length):
        limit = self.model.pe_target
        if limit is not None and reply_length >= limit:
            raise ValueError(f"reply_length is {reply_length}; it must be less than the model's pe_target, {limit}")
        return None if self.model.pe_input is None else self.model.pe_input - 1

    def examples(self, script, written, found):
        """A row for each reply; see `call`."""
        source = script.history(written, *found)
        source = joined(source, script.marked(tf.gather(written.speakers, found.turn)))
        target = turns.between(
            written.token_ids.flat_values, *turns.reply_tokens(written, found.turn, self.reply_length)
        )
        return {"source": source, "target": shifted(target)}, target, tf.ones_like(target, tf.float32)

    def call(self, inputs):
        """{"source": [B, S], "target": [B, T]} -> logits [B, T, V] of the token after each of the target."""
        return self.model(inputs["source"], inputs["target"])[0]

    def sources(self, texts):
        ids, told = self.prompts(texts)
        return {"token_ids": ids}, told

    def said(self, outputs, sources):
        return replace_invalid(self.tokenizer.decode(outputs))

    @property
    def sayable(self):
        return self.tokenizer.vocab_size

    def longest(self, size, decoding):
        most = self.reply_length if decoding.max_new_tokens is None else decoding.max_new_tokens
        return at_most(most, self.model.pe_target)

    def rules(self, decoding):
        if decoding.stop or decoding.penalty_alpha is not None:
            raise ValueError("stop strings and contrastive search (penalty_alpha) are of causal models")
        return rules(decoding, self.tokenizer)

    def report(self, found):
        self.warn(found, len(found["cut"]))

    def stream(self, text, row=0, **decoding):
        """Yields the reply piece by piece as it is made, each a str that is not empty; see Generator.stream."""
        text, (_, structure, numbers) = gate.one(text, "dialogue"), growing(self.decoding, decoding)
        self.warn(self.prompts(tf.constant([text]))[1], 1)
        start, run = self.compiled_stream(structure)
        fixed, now = start(tf.constant([text]), numbers)
        run = partial(run, fixed, tf.constant(row), numbers)
        yield from readable(self.written(ids[0].tolist() for ids in stream(run, now)))

    def written(self, new):
        """Lists of tokens -> the bytes of all so far, after each list."""
        token_ids = []
        for some in new:
            token_ids += some
            yield self.tokenizer.decode([token_ids]).numpy()[0]

    @compiled
    def compiled_stream(self, structure):
        """Two tf.functions: (strings [1], numbers) -> (fixed, Progress), and the loop's run."""

        def writing(decoding, fixed, row):
            def step(last, state, position):
                return Sayable(self.model, self.sayable).step(last, fixed, state, position)

            return Loop(drawing(step, chooser(decoding, row), self.rules(decoding), self.forbidden))

        def start(texts, numbers):
            decoding = replace(structure, **numbers)
            longest = tf.where(blank(texts)[0], 0, self.longest(None, decoding))
            fixed, state = self.model.start(self.prepare(texts).to_tensor(PAD), 1, longest)
            places = tf.range(longest + 1)[None]
            return fixed, writing(decoding, fixed, 0).begin(state, tf.where(places == 0, START, PAD), places == 0)

        def run(fixed, row, numbers, now, until):
            return writing(replace(structure, **numbers), fixed, row).run(now, until)

        return (
            tf.function(start, autograph=False, reduce_retracing=True),
            tf.function(run, autograph=False, reduce_retracing=True),
        )
