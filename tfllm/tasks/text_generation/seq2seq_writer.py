"""Answering texts with an encoder-decoder: a part of the tasks that do, which says nothing of what a source is."""

from functools import partial

import tensorflow as tf

from tfllm.generation import Loop, beam_search, drawing, numbers, sample
from tfllm.tasks.text_generation.causal_writer import Prefilled
from tfllm.tasks.text_generation.continuation import power_of_two
from tfllm.tasks.text_generation.decoding import chooser, with_shapes
from tfllm.tasks.text_inputs import dense
from tfllm.tasks.vocabularies import Sayable
from tfllm.text import PAD, START
from tfllm.text.cleaning import blank

CAPACITY = 16  # positions of a growing cache at first


class Seq2SeqWriter:
    """An encoder-decoder `model` answers texts. codec: how texts become sources, and ids texts.

    codec.sources(texts)       -> (dict of ragged ids [B, None]: "token_ids" with END, cut to what the model can take,
                               and more; notes {name: [B]}, "cut" among them). What is of integers goes to
                               `model.start`, under its name; all goes to `detokenize`
    codec.shorter(texts, decoding, row, write)  -> what is read in place of the texts: mostly these; row: the number of
                               the first; write(sources, rows) -> the best answer to each of the sources, strings
    codec.detokenize(ids, sources)  -> ids [B * N, L], N answers for each of the sources, as strings, valid UTF-8
    codec.longest(size, decoding)   -> the most tokens, END included, of an answer to `size` tokens: of an int an int,
                               of a tensor [B] a tensor or an int
    codec.rules(decoding)      -> what the decoding forbids: functions as in generation/rules.py
    codec.check(decoding)      ValueError for a decoding that the model cannot have
    codec.sayable, forbidden   how many ids can be written, from 0 on, and those among them that are not
    codec.counted              the field of the decoding that limits an answer, or None
    """

    def __init__(self, model, codec):
        self.model, self.codec, self.counted = model, codec, codec.counted

    def check(self, decoding, n):
        """ValueError for what this model cannot do. Numbers that are tensors are not looked at."""
        if n < 1:
            raise ValueError(f"n_best must be 1 or more, got {n}")
        if n > decoding.beam_width:
            raise ValueError(
                f"a beam of {decoding.beam_width} has no {n} answers: for the {n} best give beam_width={n} or more"
            )
        self.codec.check(decoding)

    def compiles(self, decoding):
        """Whether XLA compiles it."""
        return True

    def shapes(self, structure, decoding):
        """The structure that XLA compiles, with the lengths of its buffers."""
        return with_shapes(structure, decoding)

    def longest(self, decoding):
        return self.codec.longest(None, decoding)

    def candidates(self, texts, n, decoding, row=0, shapes=None):
        """strings [B] -> {"text": [B, n], "score": [B, n], and the notes of the sources}: see `Writing.candidates`.

        An empty text, or one of white space, has the empty answer, whose score is 0. shapes: see `answers`.
        """

        def write(sources, rows):
            own = rows if shapes is None else 0
            return self.answers(sources, 1, decoding, own, shapes)["text"][:, 0]

        texts = self.codec.shorter(texts, decoding, row, write)
        sources, notes = self.codec.sources(texts)
        return self.answers(sources, n, decoding, row, shapes, blank(texts)) | notes

    def answers(self, sources, n, decoding, row=0, shapes=None, empty=None):
        """As `candidates`, of sources. empty: bool [B], which ones have the empty answer.

        shapes: a decoding whose lengths are Python's numbers: compiled by XLA, for answers of at most these lengths.
        """
        ids = {name: silenced(part, empty) for name, part in sources.items() if part.dtype.is_integer}
        rows = sources["token_ids"].nrows()
        search = partial(self.search, n=n, decoding=decoding, growing=shapes is None, shapes=shapes, row=row)
        if shapes is None:
            outputs, scores = search(**dense(ids))
        else:
            shape = padded_shape(sources["token_ids"])
            search = tf.function(search, autograph=False, jit_compile=True)
            outputs, scores = search(**{name: part.to_tensor(PAD, shape=shape) for name, part in ids.items()})
        outputs, scores = outputs[:rows], numbers(scores[:rows])  # [B, N, L], [B, N]
        text = self.codec.detokenize(tf.reshape(outputs, [-1, tf.shape(outputs)[-1]]), sources)
        return {"text": tf.reshape(text, tf.shape(scores)), "score": scores}

    def search(self, token_ids, n, decoding, growing=False, shapes=None, row=0, **more):
        """token_ids [B, S] -> (answers without START [B, N, L], scores [B, N]). more: as `model.start` takes it.

        The longest answer depends on each source alone: a row's answer does not depend on its neighbours. That to a
        source of no token, or of END alone, is empty.
        growing: caches begin with a small capacity and grow with the answers, which are mostly much shorter.
        shapes: a decoding that says how long buffers are, where the lengths of the other one are tensors.
        """
        size = tf.reduce_sum(tf.cast(token_ids != PAD, tf.int32), axis=1)  # [B]
        limits = tf.where(size > 1, self.codec.longest(size, decoding), 0)
        static = token_ids.shape[1]
        longest = self.codec.longest(tf.shape(token_ids)[1] if static is None else static, shapes or decoding)
        grow = getattr(self.model, "grow", None) if growing else None
        capacity = longest if grow is None else at_most(longest, CAPACITY)
        fixed, state = self.model.start(token_ids, decoding.beam_width, capacity, **more)
        step, start = self.step(fixed), tf.fill([tf.shape(token_ids)[0]], START)
        options = {
            "grow": grow, "capacity": capacity, "rules": self.codec.rules(decoding), "forbidden": self.codec.forbidden
        }  # fmt: skip
        if decoding.beam_width > 1:
            beams = beam_search(
                step, state, start, longest, decoding.beam_width, decoding.length_penalty, n, limits=limits, **options
            )
            return beams.token_ids, beams.scores
        prompt = tf.pad(start[:, None], [[0, 0], [0, longest]], constant_values=PAD)
        positions = tf.range(longest + 1)[None]
        given = tf.logical_or(positions == 0, positions > limits[:, None])
        outputs, scores, _ = sample(step, state, prompt, given, chooser(decoding, row), **options)
        return outputs[:, None, 1:], scores[:, None]

    def step(self, fixed):
        def step(last, state, position):
            return Sayable(self.model, self.codec.sayable).step(last, fixed, state, position)

        return step

    # One text as it grows

    def silent(self, texts):
        return bool(blank(texts).numpy()[0])

    def loop(self, decoding, fixed, row=0):
        return Loop(drawing(self.step(fixed[0]), chooser(decoding, row), self.codec.rules(decoding),
                            self.codec.forbidden))  # fmt: skip

    def begin(self, texts, decoding):
        """strings [1] -> Prefilled."""
        sources, notes = self.codec.sources(texts)
        ids = dense({name: part for name, part in sources.items() if part.dtype.is_integer})
        token_ids = ids.pop("token_ids")
        size = tf.shape(token_ids)[1]
        longest = tf.where(size > 1, self.codec.longest(size, decoding), 0)
        fixed, state = self.model.start(token_ids, 1, longest, **ids)
        positions = tf.range(longest + 1)[None]
        now = self.loop(decoding, (fixed,)).begin(state, tf.where(positions == 0, START, PAD), positions == 0)
        return Prefilled(tf.constant([""]), sources["token_ids"][:, :0], notes, (fixed, sources), now)

    def written(self, prefilled, new):
        """Prefilled, and lists of new tokens -> the bytes of all so far, after each list."""
        token_ids, sources = [], prefilled.fixed[1]
        for more in new:
            token_ids += more
            yield self.codec.detokenize(tf.constant([token_ids], tf.int32), sources).numpy()[0]


def at_most(size, limit):
    """The smaller of the two, an int where both are; None is no limit."""
    if limit is None:
        return size
    return min(size, limit) if isinstance(size, int) else tf.minimum(size, limit)


def silenced(ragged, empty):
    """Ragged [B, None], with PAD alone in the rows that are `empty`, bool [B]."""
    if empty is None:
        return ragged
    return ragged.with_values(tf.where(tf.repeat(empty, ragged.row_lengths()), PAD, ragged.values))


def padded_shape(ragged):
    """[rows, length] rounded up: rows to a power of two, length to a multiple of 16."""
    rows, length = ragged.nrows(), ragged.bounding_shape(axis=1)
    return tf.stack([tf.cast(power_of_two(rows), tf.int64), -(-tf.maximum(length, 1) // 16) * 16])
