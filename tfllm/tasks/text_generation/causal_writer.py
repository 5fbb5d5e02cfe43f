"""CausalWriter: continues prompts with a causal model. The task defines what a prompt is."""

from typing import NamedTuple

import tensorflow as tf

from tfllm.generation import before_stops
from tfllm.ragged import between, joined
from tfllm.tasks.text_generation.continuation import beams, begin, loop, pieces, sampled, truncate_prompts
from tfllm.text.cleaning import replace_invalid


class Prefilled(NamedTuple):
    """The state of one text before its first new token."""

    text: tf.Tensor  # string [1]: the beginning of the output
    context: tf.RaggedTensor  # [1, None]: the ids before the new ones when these are detokenized
    notes: dict  # {name: [1]}, the outputs of `candidates` besides text and score
    fixed: tuple  # constant inputs of each step
    progress: tuple  # state of the loop


class CausalWriter:
    """Continues prompts with a causal `model` and its `tokenizer`. prompts: how the task makes a prompt of a text:

    prompts.read(texts, decoding)  -> (the beginning of each answer, strings [B]; prompts, ragged ids [B, None]; notes)
    prompts.lengths(decoding)      -> max_length, max_new_tokens: arguments of `truncate_prompts`
    prompts.context(ids)           -> the prompt ids that are detokenized together with the new ones
    prompts.empty_answers(texts)   -> bool [B]: True where the answer is empty; or None
    prompts.length_field           the field of the decoding that limits the length
    """

    def __init__(self, model, tokenizer, prompts):
        self.model, self.tokenizer, self.prompts, self.length_field = model, tokenizer, prompts, prompts.length_field

    def check(self, decoding, n):
        """Raise ValueError if the decoding cannot return n texts for a prompt."""
        if n < 1:
            raise ValueError(f"num_return_sequences must be 1 or more, got {n}")
        if n > 1 and decoding.beam_width == 1 and decoding.temperature is None:
            raise ValueError(f"this decoding gives one text: for {n} set a temperature, or beam_width={n} or more")
        if decoding.beam_width > 1 and n > decoding.beam_width:
            raise ValueError(f"beam_width={decoding.beam_width} cannot give {n} texts: set beam_width={n} or more")

    def has_xla(self, decoding):
        """Whether XLA can compile this decoding: not a beam search."""
        return decoding.beam_width == 1

    def xla_structure(self, structure, decoding):
        """The structure that XLA compiles: unchanged, since lengths are inputs."""
        return structure

    def longest(self, decoding):
        """The value of `length_field` in the decoding, or its default."""
        return next(size for size in self.prompts.lengths(decoding)[::-1] if size is not None)

    def candidates(self, texts, n, decoding, row=0, xla_structure=None):
        """strings [B] -> {"text": [B, n], "score": [B, n], and notes}: see `Writing.candidates`.

        xla_structure: any value except None compiles the loop with XLA.
        notes, int32 [B]: "cut", truncated tokens of the prompt; "max_new_tokens", the maximum number of new tokens;
        "short", by how many that number was reduced to fit the model; and the notes of `prompts.read`.
        """
        beginnings, prompts, limits, notes = self.read(texts, decoding)
        if decoding.beam_width > 1:
            token_ids, lengths, scores = beams(self.model, self.tokenizer, decoding, prompts, limits, n)
        else:
            token_ids, lengths, scores = sampled(
                self.model, self.tokenizer, decoding, prompts, limits, n, row, xla_structure is not None
            )
        new = replace_invalid(self.detokenize(prompts, token_ids, lengths))  # [B, n]
        if decoding.stops:
            new = tf.reshape(before_stops(tf.reshape(new, [-1]), decoding.stops), tf.shape(new))
        text = beginnings[:, None] + new
        if (empty := self.prompts.empty_answers(texts)) is not None:
            text, scores = tf.where(empty[:, None], "", text), tf.where(empty[:, None], 0.0, scores)
        return {"text": text, "score": scores} | notes

    def read(self, texts, decoding):
        """strings [B] -> (the beginning of each answer [B], prompts [B, None], limits [B], notes)."""
        beginnings, before, notes = self.prompts.read(texts, decoding)
        prompts, limits, cut, short = truncate_prompts(before, self.model.max_length, *self.prompts.lengths(decoding))
        most = limits - tf.cast(prompts.row_lengths(), tf.int32)
        return beginnings, prompts, limits, {"cut": cut, "short": short, "max_new_tokens": most} | notes

    def detokenize(self, prompts, token_ids, lengths):
        """Prompts [B, None], ids [B, n, L] that begin with them, their lengths [B, n] -> the new text, strings [B, n].

        The new ids are decoded together with their context, since the text of a token may depend on the token before it
        (words and the space between them).
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

    # Streaming of one text

    def has_empty_answer(self, texts):
        result = self.prompts.empty_answers(texts)
        return result is not None and bool(result.numpy()[0])

    def loop(self, decoding, fixed=(), row=0):
        return loop(self.model, self.tokenizer, decoding, row)

    def begin(self, texts, decoding):
        """Prefill: strings [1] -> Prefilled."""
        beginnings, prompts, limits, notes = self.read(texts, decoding)
        progress = begin(self.model, self.tokenizer, self.loop(decoding), decoding, prompts, limits)
        return Prefilled(beginnings, self.prompts.context(prompts), notes, (), progress)

    def written(self, prefilled, new):
        """Prefilled, and lists of new tokens -> yields all bytes generated so far, after each list."""
        token_ids, parts, so_far = prefilled.context.to_list()[0], pieces(self.tokenizer), b""
        known = len(self.tokenizer.decode(prefilled.context).numpy()[0])
        for more in new:
            token_ids += more
            if parts is None:
                so_far = self.tokenizer.decode([token_ids]).numpy()[0][known:]
            else:
                so_far += b"".join(parts[i] for i in more)
            yield so_far
