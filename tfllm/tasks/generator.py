"""What all tasks share whose causal model continues a prompt: answer, generate, stream, export."""

from dataclasses import replace
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from tfllm.generation import before_stops, readable, stream
from tfllm.ragged import between
from tfllm.tasks import records as gate
from tfllm.tasks.compiled import compiled
from tfllm.tasks.continuation import beams, begin, fitted, loop, pieces, sampled
from tfllm.tasks.decoding import Continuation, growing, of_options, plain_errors, signature, split
from tfllm.tasks.task import Task, batch_starts, log
from tfllm.tasks.texts import is_one
from tfllm.text.cleaning import replace_invalid

KNOBS = {  # inputs of the signature `sample`: the scalars that may differ from call to call
    "temperature": tf.float32, "top_k": tf.int32, "top_p": tf.float32, "min_p": tf.float32,
    "seed": tf.int32, "max_length": tf.int32,
}  # fmt: skip


class Generator(Task):
    """Abstract. A final task has a causal `model` and its `tokenizer`, and `prepare` makes prompts for it.

    A text is the prompt, untouched, and its continuation, which is valid UTF-8. What is drawn for a prompt depends on
    the seed and on its place in the list, not on the prompts beside it: same seed and same list, same texts, in
    Python, after reload and in the SavedModel.
    """

    decoding = Continuation  # the dataclass of how a prompt is continued
    counted = "max_length"  # its field that the signature `sample` has as an input

    def answer(self, texts, decoding=None):
        """strings [B] -> {"text": [B], "score": [B]}: prompt and continuation; log-probability of the continuation.

        The score of a beam search is divided by its length penalty.
        """
        return first(self.candidates(texts, 1, decoding))

    def candidates(self, texts, n=1, decoding=None, row=0, jit_compile=False):
        """strings [B] -> {"text": [B, n], "score": [B, n]}: n samples of each, or the n best of its beams.

        decoding: its numbers may be scalar tensors. row: the number of the first text, where they come in parts.
        jit_compile: the loop is one XLA program for each of few shapes (some seconds at the first use of each).
        """
        decoding = decoding or self.decoding()
        if not jit_compile or not tf.executing_eagerly():
            return self.continued(texts, n, decoding, row, jit_compile)
        structure, numbers = split(decoding)
        with plain_errors():
            return self.compiled_candidates(n, structure, True)(tf.convert_to_tensor(texts), tf.constant(row), numbers)

    def continued(self, texts, n, decoding, row=0, jit_compile=False):
        """As `candidates`, by no function that was compiled before."""
        texts, prompts = self.begun(texts, decoding)
        prompts, limits = self.fitted(prompts, decoding)
        if decoding.beam_width > 1:
            token_ids, lengths, scores = beams(self.model, self.tokenizer, decoding, prompts, limits, n)
        else:
            token_ids, lengths, scores = sampled(
                self.model, self.tokenizer, decoding, prompts, limits, n, row, jit_compile
            )
        said = replace_invalid(self.continuations(prompts, token_ids, lengths))  # [B, n]
        if decoding.stops:
            said = tf.reshape(before_stops(tf.reshape(said, [-1]), decoding.stops), tf.shape(said))
        return {"text": texts[:, None] + said, "score": scores}

    def begun(self, texts, decoding):
        """strings [B] -> what the answers begin with: strings [B], and token ids, ragged [B, None]."""
        prompts = self.prepare(texts)
        if not decoding.prefix:
            return texts, prompts
        prefix = tf.repeat(self.tokenizer.encode([decoding.prefix]).to_tensor(), prompts.nrows(), axis=0)
        return texts + decoding.prefix, tf.concat([prompts, prefix], axis=1)

    def fitted(self, prompts, decoding):
        """Prompts and limits as the model can take them."""
        return fitted(prompts, self.model.max_length, decoding.max_length, decoding.max_new_tokens)

    def context(self, prompts):
        """Of the prompts, ragged [B, None], what stands before the continuation when it is decoded: all."""
        return prompts

    def continuations(self, prompts, token_ids, lengths):
        """Prompts [B, None], texts [B, n, L] that begin with them, their lengths [B, n] -> what is new, strings [B, n].

        The text is decoded whole, for what a token stands for may depend on the one before it (words and the space
        between them).
        """
        shape = tf.shape(lengths)
        begin = tf.range(tf.size(lengths)) * tf.shape(token_ids)[-1]
        whole = between(tf.reshape(token_ids, [-1]), begin, begin + tf.reshape(lengths, [-1]))
        whole = self.tokenizer.decode(whole)
        known = tf.strings.length(self.tokenizer.decode(prompts))  # [B], bytes
        whole = tf.reshape(whole, shape)
        return tf.strings.substr(whole, tf.broadcast_to(known[:, None], shape), tf.strings.length(whole))

    def generate(self, prompts, num_return_sequences=1, batch_size=32, verbose="auto", jit_compile=False, row=0,
                 **decoding):  # fmt: skip
        """A string -> prompt and continuation; a list -> a list, in order. Compiled once for all numbers of a decoding.

        num_return_sequences: instead of each text a list of so many, sampled or the best of the beams.
        decoding: the fields of the task's `decoding`, such as max_length=50, temperature=0.8, stop=["\\n"].
        Prompts that leave no room for as many new tokens in what the model can take lose their beginning (in what the
        model sees, not in the text), and a warning says so. Bytes that are not UTF-8 come back as U+FFFD.
        jit_compile: see `candidates`; many times quicker on a CPU, once it is compiled.
        row: the number of the first prompt, where a list comes in parts.
        """
        if is_one(prompts):
            return self.generate([prompts], num_return_sequences, batch_size, verbose, jit_compile, row, **decoding)[0]
        decoding, prompts, found = of_options(self.decoding, decoding), gate.texts(prompts, self.fields[0]), []
        several(num_return_sequences, decoding)
        steps = batch_starts(len(prompts), batch_size)
        if not prompts:
            return []
        self.warn_cut(prompts, decoding)
        structure, numbers = split(decoding)
        run = self.compiled_candidates(num_return_sequences, structure, jit_compile)
        bar = keras.utils.Progbar(len(prompts), verbose=int(verbose if verbose != "auto" else len(steps) > 10))
        for i in steps:
            with plain_errors():
                part = run(tf.constant(prompts[i : i + batch_size]), tf.constant(row + i), numbers)["text"].numpy()
            found += [[text.decode("utf-8", "replace") for text in texts] for texts in part]
            bar.add(len(part))
        return found if num_return_sequences > 1 else [texts[0] for texts in found]

    def stream(self, prompt, row=0, **decoding):
        """Yields prompt (and prefix), then the continuation piece by piece as it is made, each a str that is not empty.

        Joined they are what `generate` gives; no character is cut, and nothing is shown that a stop string takes back.
        ValueError for beams, which know their text at the end only.
        """
        prompt, (decoding, structure, numbers) = gate.one(prompt, "prompt"), growing(self.decoding, decoding)
        self.warn_cut([prompt], decoding)
        start, run = self.compiled_stream(structure)
        beginning, prompts, now = start(tf.constant([prompt]), numbers)
        if text := beginning.numpy()[0].decode("utf-8", "replace"):
            yield text
        prompts = self.context(prompts)
        new = (ids[0].tolist() for ids in stream(partial(run, tf.constant(row), numbers), now))
        yield from readable(self.written(prompts, new), decoding.stops)

    def written(self, prompts, new):
        """Prompt, ragged [1, None], and lists of new tokens -> the bytes of all new ones so far, after each list."""
        token_ids, parts, said = prompts.to_list()[0], pieces(self.tokenizer), b""
        known = len(self.tokenizer.decode(prompts).numpy()[0])
        for some in new:
            token_ids += some
            if parts is None:
                said = self.tokenizer.decode([token_ids]).numpy()[0][known:]
            else:
                said += b"".join(parts[i] for i in some)
            yield said

    def warn_cut(self, prompts, decoding):
        """Logs a warning where a prompt is cut, and where there is less room than was asked for."""
        _, before = self.begun(tf.constant(prompts), decoding)
        after, limits = self.fitted(before, decoding)
        before, after = before.row_lengths().numpy(), after.row_lengths().numpy()
        wanted = np.maximum(decoding.max_length - before, 0)
        wanted = wanted if decoding.max_new_tokens is None else np.full_like(before, decoding.max_new_tokens)
        most, count = self.model.max_length, len(prompts)
        if cut := (after < before).sum():
            log.warning("%d of %d prompts lose their beginning: the model can take %d tokens", cut, count, most)
        if short := (limits.numpy() - after < wanted).sum():
            log.warning("%d of %d texts end at the model's limit of %d tokens", short, count, most)
        if full := (wanted < 1).sum():
            log.warning("%d of %d prompts have max_length=%d tokens or more and are not continued: give max_new_tokens",
                        full, count, decoding.max_length)  # fmt: skip

    @compiled
    def compiled_candidates(self, n, structure, jit_compile):
        """A tf.function of (strings [B], number of the first, the numbers that `split` parts from the decoding)."""
        spec = [tf.TensorSpec([None], tf.string), tf.TensorSpec([], tf.int32), signature(structure)]

        def run(texts, row, numbers):
            return self.continued(texts, n, replace(structure, **numbers), row, jit_compile)

        return tf.function(run, input_signature=spec, autograph=False)

    @compiled
    def compiled_stream(self, structure):
        """Two tf.functions: (strings [1], numbers) -> (beginning, prompt, Progress), and the loop's run."""

        def start(texts, numbers):
            decoding = replace(structure, **numbers)
            texts, prompts = self.begun(texts, decoding)
            prompts, limits = self.fitted(prompts, decoding)
            writing = loop(self.model, self.tokenizer, decoding)
            return texts, prompts, begin(self.model, self.tokenizer, writing, decoding, prompts, limits)

        def run(row, numbers, now, until):
            return loop(self.model, self.tokenizer, replace(structure, **numbers), row).run(now, until)

        return tf.function(start, autograph=False), tf.function(run, autograph=False, reduce_retracing=True)

    def export(self, folder, decoding=None, n_best=4):
        """Writes folder/1 (or the next free number) for TensorFlow Serving and returns its path.

        Signatures, texts string [N] in, {"text": [N], "score": [N]} out: serving_default, and serving_xla, compiled by
        XLA, have the `decoding` fixed; sample has, beside texts, the scalars of `KNOBS`, where temperature 0, top_k 0,
        top_p 1 and min_p 0 are none. Of a beam search there is n_best -> the same of [N, n_best] instead of the two.
        """
        decoding = decoding or self.decoding()
        signatures = {"serving_default": lambda texts: self.answer(texts, decoding)}
        if decoding.beam_width > 1:
            n_best = min(n_best, decoding.beam_width)
            signatures["n_best"] = lambda texts: self.candidates(texts, n_best, decoding)
            return self.export_signatures(folder, signatures)

        def xla(texts):
            return first(self.candidates(texts, 1, decoding, jit_compile=True))

        def sample(texts, temperature, top_k, top_p, min_p, seed, max_length):
            numbers = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "seed": seed}
            numbers |= {"max_new_tokens": None, self.counted: max_length}
            return self.answer(texts, replace(decoding, **numbers))

        scalars = [tf.TensorSpec([], kind, name=name) for name, kind in KNOBS.items()]
        signatures |= {"serving_xla": xla}
        if decoding.penalty_alpha is None:
            signatures |= {"sample": (sample, scalars)}
        return self.export_signatures(folder, signatures)


def first(found):
    """{name: [B, n]} -> {name: [B]}. What there is one of for each prompt stays."""
    return {name: part[:, 0] if part.shape.rank == 2 else part for name, part in found.items()}


def several(n, decoding):
    """ValueError where the decoding cannot give n texts for a prompt."""
    if n < 1:
        raise ValueError(f"num_return_sequences must be 1 or more, got {n}")
    if n > 1 and decoding.beam_width == 1 and decoding.temperature is None:
        raise ValueError(f"this decoding has one text: for {n} give a temperature, or beam_width={n} or more")
    if decoding.beam_width > 1 and n > decoding.beam_width:
        raise ValueError(f"a beam of {decoding.beam_width} has no {n} texts: give beam_width={n} or more")
