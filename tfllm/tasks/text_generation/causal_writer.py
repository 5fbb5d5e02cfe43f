"""Continuing prompts with a causal model: a part of the tasks that do, which says nothing of what a prompt is."""

from typing import NamedTuple

import tensorflow as tf

from tfllm.generation import before_stops
from tfllm.ragged import between, joined
from tfllm.tasks.text_generation.continuation import beams, begin, loop, pieces, sampled, truncate_prompts
from tfllm.text.cleaning import replace_invalid


class Prefilled(NamedTuple):
    """What is there before the first new token of one text."""

    text: tf.Tensor  # string [1]: what is shown first
    context: tf.RaggedTensor  # [1, None]: the ids that new ones follow, when they become text
    notes: dict  # {name: [1]}, what `candidates` gives beside text and score
    fixed: tuple  # what each step needs and does not change
    progress: tuple  # of the loop


class CausalWriter:
    """A causal `model` with its `tokenizer` continues prompts. prompts: says how a text becomes a prompt.

    prompts.read(texts, decoding)  -> (what answers begin with: strings [B]; prompts: ragged ids [B, None]; notes)
    prompts.lengths(decoding)      -> max_length, max_new_tokens: as `truncate_prompts` takes them
    prompts.context(ids)           -> of the prompts the ids that new ones are decoded with
    prompts.silent(texts)          -> bool [B]: which have an empty answer; or None
    prompts.counted                the field of the decoding that limits a text
    """

    def __init__(self, model, tokenizer, prompts):
        self.model, self.tokenizer, self.prompts, self.counted = model, tokenizer, prompts, prompts.counted

    def check(self, decoding, n):
        """ValueError where the decoding cannot give n texts for a prompt."""
        if n < 1:
            raise ValueError(f"num_return_sequences must be 1 or more, got {n}")
        if n > 1 and decoding.beam_width == 1 and decoding.temperature is None:
            raise ValueError(f"this decoding has one text: for {n} give a temperature, or beam_width={n} or more")
        if decoding.beam_width > 1 and n > decoding.beam_width:
            raise ValueError(f"a beam of {decoding.beam_width} has no {n} texts: give beam_width={n} or more")

    def compiles(self, decoding):
        """Whether XLA compiles it: beams have no XLA program."""
        return decoding.beam_width == 1

    def shapes(self, structure, decoding):
        """The structure that XLA compiles: lengths are inputs."""
        return structure

    def longest(self, decoding):
        """The number that the decoding has for `counted`, or what goes without."""
        return next(size for size in self.prompts.lengths(decoding)[::-1] if size is not None)

    def candidates(self, texts, n, decoding, row=0, shapes=None):
        """strings [B] -> {"text": [B, n], "score": [B, n], and notes}: see `Writing.candidates`.

        shapes: anything but None has the loop compiled by XLA.
        notes, int32 [B]: "cut", tokens of the prompt that were not read; "max_new_tokens", the most that the text can
        have; "short", how many less than asked for, where the model can take no more; and what `prompts.read` tells.
        """
        beginnings, prompts, limits, notes = self.read(texts, decoding)
        if decoding.beam_width > 1:
            token_ids, lengths, scores = beams(self.model, self.tokenizer, decoding, prompts, limits, n)
        else:
            token_ids, lengths, scores = sampled(
                self.model, self.tokenizer, decoding, prompts, limits, n, row, shapes is not None
            )
        new = replace_invalid(self.detokenize(prompts, token_ids, lengths))  # [B, n]
        if decoding.stops:
            new = tf.reshape(before_stops(tf.reshape(new, [-1]), decoding.stops), tf.shape(new))
        text = beginnings[:, None] + new
        if (silent := self.prompts.silent(texts)) is not None:
            text, scores = tf.where(silent[:, None], "", text), tf.where(silent[:, None], 0.0, scores)
        return {"text": text, "score": scores} | notes

    def read(self, texts, decoding):
        """strings [B] -> (what answers begin with [B], prompts [B, None], limits [B], notes)."""
        beginnings, before, notes = self.prompts.read(texts, decoding)
        prompts, limits, cut, short = truncate_prompts(before, self.model.max_length, *self.prompts.lengths(decoding))
        most = limits - tf.cast(prompts.row_lengths(), tf.int32)
        return beginnings, prompts, limits, {"cut": cut, "short": short, "max_new_tokens": most} | notes

    def detokenize(self, prompts, token_ids, lengths):
        """Prompts [B, None], ids [B, n, L] that begin with them, their lengths [B, n] -> what is new, strings [B, n].

        It is decoded behind its context, for what a token stands for may depend on the one before it (words and the
        space between them).
        """
        shape, context = tf.shape(lengths), self.prompts.context(prompts)
        start = tf.range(tf.size(lengths, tf.int64)) * tf.shape(token_ids, tf.int64)[-1]
        new = start + tf.repeat(prompts.row_lengths(), shape[1])
        ends = tf.maximum(new, start + tf.cast(tf.reshape(lengths, [-1]), tf.int64))
        new = between(tf.reshape(token_ids, [-1]), new, ends)
        order = tf.repeat(tf.range(shape[0]), shape[1])
        whole = self.tokenizer.decode(joined(tf.gather(context, order), new))
        known = tf.gather(tf.strings.length(self.tokenizer.decode(context)), order)  # bytes
        return tf.reshape(tf.strings.substr(whole, known, tf.strings.length(whole)), shape)

    # One text as it grows

    def silent(self, texts):
        found = self.prompts.silent(texts)
        return found is not None and bool(found.numpy()[0])

    def loop(self, decoding, fixed=(), row=0):
        return loop(self.model, self.tokenizer, decoding, row)

    def begin(self, texts, decoding):
        """strings [1] -> Prefilled."""
        beginnings, prompts, limits, notes = self.read(texts, decoding)
        progress = begin(self.model, self.tokenizer, self.loop(decoding), decoding, prompts, limits)
        return Prefilled(beginnings, self.prompts.context(prompts), notes, (), progress)

    def written(self, prefilled, new):
        """Prefilled, and lists of new tokens -> the bytes of all new ones so far, after each list."""
        token_ids, parts, said = prefilled.context.to_list()[0], pieces(self.tokenizer), b""
        known = len(self.tokenizer.decode(prefilled.context).numpy()[0])
        for more in new:
            token_ids += more
            if parts is None:
                said = self.tokenizer.decode([token_ids]).numpy()[0][known:]
            else:
                said += b"".join(parts[i] for i in more)
            yield said
