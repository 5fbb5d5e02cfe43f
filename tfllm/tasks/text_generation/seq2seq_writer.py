"""Seq2SeqWriter: answers texts with an encoder-decoder. The task defines what a source is."""

from functools import partial

import tensorflow as tf

from tfllm.generation import Loop, beam_search, drawing, numbers, sample
from tfllm.generation.leaving import taken
from tfllm.tasks.text_generation.causal_writer import Prefilled
from tfllm.tasks.text_generation.continuation import power_of_two
from tfllm.tasks.text_generation.decoding import chooser, with_static_lengths
from tfllm.tasks.text_inputs import dense
from tfllm.tasks.vocabularies import Stepping
from tfllm.text import PAD, START
from tfllm.text.cleaning import blank

CAPACITY = 16  # initial capacity of a growing cache


class Seq2SeqWriter:
    """Answers texts with an encoder-decoder `model`. codec: how texts become sources, and output ids text:

    codec.sources(texts)       -> (dict of ragged ids [B, None]: "token_ids" with END, truncated to the model's limit,
                               and others; notes {name: [B]}, with "cut"). Integers go to `model.start` by name;
                               everything goes to `detokenize`
    codec.condensed(texts, decoding, row, write)  -> the texts to read, usually unchanged. row: the index of the first;
                               write(sources, rows) -> the best answer to each source, strings
    codec.detokenize(ids, sources)  -> ids [B * N, L], N answers for each source, as strings, valid UTF-8
    codec.longest(size, decoding)   -> maximum tokens, with END, of an answer to `size` tokens; for an int an int, for a
                               tensor [B] a tensor or an int
    codec.rules(decoding)      -> the rules of the decoding, see generation/rules.py
    codec.check(decoding)      raises ValueError for a decoding that the model does not support
    codec.num_ids, forbidden   the model generates ids 0 .. num_ids - 1, except the forbidden ones
    codec.length_field         the field of the decoding that limits the length, or None
    """

    def __init__(self, model, codec):
        self.model, self.codec, self.length_field = model, codec, codec.length_field

    def check(self, decoding, n):
        """Raise ValueError for a decoding that the model does not support. Tensors are not checked."""
        if n < 1:
            raise ValueError(f"n_best must be 1 or more, got {n}")
        if n > decoding.beam_width:
            raise ValueError(f"beam_width={decoding.beam_width} cannot give {n} answers: set beam_width={n} or more")
        self.codec.check(decoding)

    def has_xla(self, decoding):
        """Whether XLA can compile this decoding."""
        return True

    def xla_structure(self, structure, decoding):
        """The structure that XLA compiles, with static buffer lengths."""
        return with_static_lengths(structure, decoding)

    def longest(self, decoding):
        return self.codec.longest(None, decoding)

    def candidates(self, texts, n, decoding, row=0, xla_structure=None):
        """strings [B] -> {"text": [B, n], "score": [B, n], and the notes of the sources}: see `Writing.candidates`.

        An empty text, or white space, has an empty answer with score 0. xla_structure: see `answers`.
        """

        def write(sources, rows):
            own = rows if xla_structure is None else 0
            return self.answers(sources, 1, decoding, own, xla_structure)["text"][:, 0]

        texts = self.codec.condensed(texts, decoding, row, write)
        sources, notes = self.codec.sources(texts)
        return self.answers(sources, n, decoding, row, xla_structure, blank(texts)) | notes

    def answers(self, sources, n, decoding, row=0, xla_structure=None, empty=None):
        """As `candidates`, for sources. empty: bool [B], True where the answer is empty.

        xla_structure: a decoding whose lengths are Python numbers; compiles the search with XLA for these buffer
        lengths.
        """
        ids = {name: padded_where(part, empty) for name, part in sources.items() if part.dtype.is_integer}
        rows = sources["token_ids"].nrows()
        search = partial(
            self.search,
            n=n,
            decoding=decoding,
            growing_cache=xla_structure is None,
            xla_structure=xla_structure,
            row=row,
        )
        if xla_structure is None:
            outputs, scores = search(**dense(ids))
        else:
            shape = padded_shape(sources["token_ids"])
            # not of the partial, whose options a tf.function takes for inputs: it refuses a decoding with tensors
            run = tf.function(lambda ids: search(**ids), autograph=False, jit_compile=True)
            outputs, scores = run({name: part.to_tensor(PAD, shape=shape) for name, part in ids.items()})
        outputs, scores = outputs[:rows], numbers(scores[:rows])  # [B, N, L], [B, N]
        text = self.codec.detokenize(tf.reshape(outputs, [-1, tf.shape(outputs)[-1]]), sources)
        return {"text": tf.reshape(text, tf.shape(scores)), "score": scores}

    def search(self, token_ids, n, decoding, growing_cache=False, xla_structure=None, row=0, **more):
        """token_ids [B, S] -> (answers without START [B, N, L], scores [B, N]). more: further inputs of `model.start`.

        The maximum length depends on each source alone, so a row's answer does not depend on its neighbours. A source
        with no token except END has an empty answer.
        growing_cache: caches start with a small capacity and grow with the answers, most of which are short.
        xla_structure: a decoding with static buffer lengths, if those of `decoding` are tensors.
        """
        size = tf.reduce_sum(tf.cast(token_ids != PAD, tf.int32), axis=1)  # [B]
        limits = tf.where(size > 1, self.codec.longest(size, decoding), 0)
        static = token_ids.shape[1]
        longest = self.codec.longest(tf.shape(token_ids)[1] if static is None else static, xla_structure or decoding)
        grow = getattr(self.model, "grow", None) if growing_cache else None
        capacity = longest if grow is None else at_most(longest, CAPACITY)
        fixed, state = self.model.start(token_ids, decoding.beam_width, capacity, **more)
        in_place = xla_structure is None
        select = self.steps(fixed, in_place)
        step, start = select(), tf.fill([tf.shape(token_ids)[0]], START)
        options = {
            "grow": grow, "capacity": capacity, "rules": self.codec.rules(decoding), "forbidden": self.codec.forbidden,
            "in_place": in_place, "select": select if decoding.temperature is None else None,
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

    def steps(self, fixed, in_place=False):
        """(rows of the batch, default all) -> the step for these rows."""
        stepping = Stepping(self.model, self.codec.num_ids, in_place)

        def select(rows=None):
            part = fixed if rows is None else taken(fixed, rows)
            return lambda last, state, position: stepping.step(last, part, state, position)

        return select

    # Streaming of one text

    def has_empty_answer(self, texts):
        return bool(blank(texts).numpy()[0])

    def loop(self, decoding, fixed, row=0):
        return Loop(drawing(self.steps(fixed[0])(), chooser(decoding, row), self.codec.rules(decoding),
                            self.codec.forbidden))  # fmt: skip

    def begin(self, texts, decoding):
        """Prefill: strings [1] -> Prefilled."""
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
        """Prefilled, and lists of new tokens -> yields all bytes generated so far, after each list."""
        token_ids, sources = [], prefilled.fixed[1]
        for more in new:
            token_ids += more
            yield self.codec.detokenize(tf.constant([token_ids], tf.int32), sources).numpy()[0]


def at_most(size, limit):
    """min(size, limit), an int if both are; a limit of None is no limit."""
    if limit is None:
        return size
    return min(size, limit) if isinstance(size, int) else tf.minimum(size, limit)


def padded_where(ragged, empty):
    """Ragged [B, None], with PAD in all positions of the rows where `empty`, bool [B], is True."""
    if empty is None:
        return ragged
    return ragged.with_values(tf.where(tf.repeat(empty, ragged.row_lengths()), PAD, ragged.values))


def padded_shape(ragged):
    """[rows, length] rounded up: rows to a power of two, length to a multiple of 16."""
    rows, length = ragged.nrows(), ragged.bounding_shape(axis=1)
    return tf.stack([tf.cast(power_of_two(rows), tf.int64), -(-tf.maximum(length, 1) // 16) * 16])
