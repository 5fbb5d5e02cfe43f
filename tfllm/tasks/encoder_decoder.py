"""What tasks with an encoder-decoder have in common: pairs of strings to learn from, one search, answers in batches."""

from dataclasses import replace
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from tfllm.data import batches
from tfllm.generation import beam_search, numbers, sample
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.ragged import column, joined
from tfllm.tasks import records as gate
from tfllm.tasks.compiled import compiled
from tfllm.tasks.continuation import power_of_two
from tfllm.tasks.decoding import Decoding, chooser, of_options, plain_errors, signature, split, with_shapes
from tfllm.tasks.task import Task, batch_starts, log
from tfllm.tasks.text_inputs import dense
from tfllm.tasks.texts import is_one
from tfllm.tasks.vocabularies import Sayable
from tfllm.text import END, PAD, START
from tfllm.text.cleaning import blank

ROOM = 16  # places of a growing cache at first
TOGETHER = 1024  # texts whose samples are drawn together, for the noise of all of them is made at each token


class EncoderDecoder(Task):
    """Abstract. A final class has `model` and `label_smoothing`, and says `sources`, `said`, `longest`, `rules`."""

    fields = ("source", "target")
    asks = ("source",)
    weighable = True
    decoding = Decoding  # the dataclass of how an answer is searched for
    forbidden = (PAD, START)  # ids that are never said

    def sources(self, texts):
        """strings [B] -> (dict of ragged [B, None]: "token_ids" with END, cut to what the model can take; and more,
        {name: [B]} that answers have beside them: "cut", tokens that were not read).

        What is of integers goes to `model.start`, under its name; all goes to `said`.
        """
        raise NotImplementedError(f"{type(self).__name__} must say what the model is shown of a text")

    def said(self, outputs, sources):
        """token_ids [B * N, L], N answers for each row of the `sources` -> strings [B * N], valid UTF-8."""
        raise NotImplementedError(f"{type(self).__name__} must say how token ids become text")

    @property
    def sayable(self):
        """How many ids, from 0 on, can be said: those behind them, of a model that has more, stand for no text."""
        raise NotImplementedError(f"{type(self).__name__} must say which ids stand for text")

    def longest(self, size, decoding):
        """The most tokens, END included, of an answer to `size` tokens: int -> int, tensor [B] -> tensor or int."""
        raise NotImplementedError(f"{type(self).__name__} must say how long an answer may be")

    def rules(self, decoding):
        """What the decoding forbids: functions as in generation/rules.py."""
        raise NotImplementedError(f"{type(self).__name__} must say which rules an answer keeps")

    def check(self, decoding, n_best=1):
        """ValueError for what this model cannot do. Numbers that are tensors are not looked at."""
        if n_best < 1:
            raise ValueError(f"n_best must be 1 or more, got {n_best}")
        if n_best > decoding.beam_width:
            raise ValueError(
                f"a beam of {decoding.beam_width} has no {n_best} answers: for the {n_best} best give "
                f"beam_width={n_best} or more"
            )

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None] with END, cut to what the model can take (`pe_input`)."""
        return self.sources(texts)[0]["token_ids"]

    def objective(self):
        loss = TokenCrossEntropy(self.label_smoothing)
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), TokenAccuracy()]}

    def example(self, record):
        return self.checked(record)[0]

    def checked(self, record):
        """-> (the example, flags): whether "source" and "target" are truncated, each ragged [B, 1] bool."""
        raise NotImplementedError(f"{type(self).__name__} must say how a record becomes an example")

    def rows(self, records, verbose=0):
        """As of a Task; a warning tells what is truncated."""
        rows, flags = batches.rows(records, gate.weighed(self.checked), verbose)
        for name, limit in (("source", self.model.pe_input), ("target", self.model.pe_target)):
            warn_truncated(name, flags[name].flat_values.numpy(), limit)
        return rows

    def answer(self, texts, decoding=None):
        """strings [B] -> {"text": [B], "score": [B]}: the best answer, and log P / length penalty."""
        return first(self.candidates(texts, 1, decoding or self.decoding()))

    def candidates(self, texts, n_best, decoding=None, jit_compile=False, row=0):
        """strings [B] -> {"text": [B, n_best], "score": [B, n_best], "cut": [B]}, best first. The text is valid UTF-8.

        An empty text, or one of white space, has the empty answer, whose score is 0. cut: tokens that were not read.
        jit_compile: the search is one XLA program for each of few shapes (about 10 s at the first use of each).
        row: the number of the first text; or, not compiled by XLA, those of all. What is drawn for a text depends on
        the seed and its number alone.
        """
        decoding = decoding or self.decoding()
        self.check(decoding, n_best)
        if not jit_compile or not tf.executing_eagerly():
            return self.searched(texts, n_best, decoding, row, decoding if jit_compile else None)
        structure, numbers = split(decoding)
        run = self.compiled_candidates(n_best, with_shapes(structure, decoding), True)
        with plain_errors():
            return run(tf.convert_to_tensor(texts), tf.cast(row, tf.int32), numbers)

    def searched(self, texts, n_best, decoding, row=0, shapes=None):
        """As `candidates`, by no function that was compiled before. shapes: see `answered`."""
        sources, notes = self.sources(texts)
        return self.answered(sources, n_best, decoding, row, shapes, blank(texts)) | notes

    def answered(self, sources, n_best, decoding, row=0, shapes=None, empty=None):
        """As `candidates`, of what `sources` gave first. empty: bool [B], which ones have the empty answer.

        shapes: a decoding whose lengths are Python's numbers: compiled by XLA, for answers of at most these lengths.
        """
        ids = {name: silenced(part, empty) for name, part in sources.items() if part.dtype.is_integer}
        rows = sources["token_ids"].nrows()
        search = partial(self.search, n_best=n_best, decoding=decoding, growing=shapes is None, shapes=shapes, row=row)
        if shapes is None:
            outputs, scores = search(**dense(ids))
        else:
            shape = few_shapes(sources["token_ids"])
            search = tf.function(search, autograph=False, jit_compile=True)
            outputs, scores = search(**{name: part.to_tensor(PAD, shape=shape) for name, part in ids.items()})
        outputs, scores = outputs[:rows], numbers(scores[:rows])  # [B, N, L], [B, N]
        said = self.said(tf.reshape(outputs, [-1, tf.shape(outputs)[-1]]), sources)
        return {"text": tf.reshape(said, tf.shape(scores)), "score": scores}

    def search(self, token_ids, n_best, decoding, growing=False, shapes=None, row=0, **more):
        """token_ids [B, S] -> (answers without START [B, N, L], scores [B, N]). more: as `model.start` takes it.

        The longest answer depends on each source alone: a row's answer does not depend on its neighbours. That to a
        source of no token, or of END alone, is empty.
        growing: caches begin with few places and grow with the answers, which are mostly much shorter.
        shapes: a decoding that says how long buffers are, where the lengths of the other one are tensors.
        """
        size = tf.reduce_sum(tf.cast(token_ids != PAD, tf.int32), axis=1)  # [B]
        limits = tf.where(size > 1, self.longest(size, decoding), 0)
        static = token_ids.shape[1]
        longest = self.longest(tf.shape(token_ids)[1] if static is None else static, shapes or decoding)
        grow = getattr(self.model, "grow", None) if growing else None
        room = longest if grow is None else at_most(longest, ROOM)
        fixed, state = self.model.start(token_ids, decoding.beam_width, room, **more)

        def step(last, state, position):
            return Sayable(self.model, self.sayable).step(last, fixed, state, position)

        start, ruled = tf.fill([tf.shape(token_ids)[0]], START), self.rules(decoding)
        options = {"grow": grow, "room": room, "rules": ruled, "forbidden": self.forbidden}
        if decoding.beam_width > 1:
            beams = beam_search(
                step, state, start, longest, decoding.beam_width, decoding.length_penalty, n_best, limits=limits,
                **options,
            )  # fmt: skip
            return beams.token_ids, beams.scores
        prompt = tf.pad(start[:, None], [[0, 0], [0, longest]], constant_values=PAD)
        places = tf.range(longest + 1)[None]
        given = tf.logical_or(places == 0, places > limits[:, None])
        outputs, scores, _ = sample(step, state, prompt, given, chooser(decoding, row), **options)
        return outputs[:, None, 1:], scores[:, None]

    def generate(self, texts, n_best=None, batch_size=32, verbose="auto", row=0, **decoding):
        """A string -> its answer; a list of strings -> a list, in order. Compiled once for all numbers of a decoding.

        n_best: instead of each answer, a list of so many (answer, score), best first.
        decoding: the fields of the task's `decoding`, such as beam_width=5. A progress bar shows on many batches.
        What is drawn for a text depends on the seed and on its place in the list, not on batches and other texts.
        row: the number of the first text, where a list comes in parts.
        """
        if is_one(texts):
            return self.generate([texts], n_best, batch_size, verbose, row, **decoding)[0]
        decoding, best = of_options(self.decoding, decoding), 1 if n_best is None else n_best
        self.check(decoding, best)
        found = self.in_batches(gate.texts(texts, self.fields[0]), best, decoding, batch_size, verbose, row)
        return [best[0][0] for best in found] if n_best is None else found

    def in_batches(self, texts, n_best, decoding, batch_size, verbose, row=0):
        """Texts of like length together; a list of (answer, score) for each text, in the texts' order."""
        steps = batch_starts(len(texts), batch_size)
        if not texts:
            return []
        structure, numbers = split(decoding)
        run = self.compiled_candidates(n_best, structure, False)
        found, told = [None] * len(texts), []
        blocks = np.arange(len(texts)) // (len(texts) if decoding.temperature is None else TOGETHER)
        order = np.lexsort([-self.sizes(texts), blocks])
        bar = keras.utils.Progbar(len(texts), verbose=int(verbose if verbose != "auto" else len(steps) > 10))
        for i in steps:
            rows = order[i : i + batch_size]
            with plain_errors():
                part = run(tf.constant([texts[i] for i in rows]), tf.constant(row + rows, tf.int32), numbers)
            for place, said, scores in zip(rows, part["text"].numpy(), part["score"].numpy(), strict=True):
                said = [one.decode("utf-8", "replace") for one in said]
                found[place] = list(zip(said, map(float, scores), strict=True))
            bar.add(len(rows))
            told.append(part)
        self.report({name: np.concatenate([part[name].numpy() for part in told]) for name in part})
        return found

    def sizes(self, texts):
        """Tokens of each text, at most what the model reads."""
        return self.prepare(tf.constant(texts)).row_lengths().numpy()

    def report(self, found):
        """Hook: what `candidates` gave for all texts; may log a warning. Here: where some of a text was not read."""
        warn_truncated("source", found["cut"] > 0, self.model.pe_input)

    @compiled
    def compiled_candidates(self, n_best, structure, jit_compile):
        """A tf.function of (strings [B], row, the numbers that `split` parts from the decoding).

        row: the numbers of the texts, [B]; for XLA that of the first.
        """
        spec = [tf.TensorSpec([None], tf.string), tf.TensorSpec([] if jit_compile else [None], tf.int32)]

        def run(texts, row, numbers):
            shapes = structure if jit_compile else None
            return self.searched(texts, n_best, replace(structure, **numbers), row, shapes)

        return tf.function(run, input_signature=[*spec, signature(structure)], autograph=False)

    def export(self, folder, decoding=None, n_best=4):
        """Writes folder/1 (or the next free number) for TensorFlow Serving and returns its path.

        Signatures, texts string [N] in: serving_default -> {"text": [N], "score": [N], "cut": [N]}; n_best -> text and
        score of [N, n_best]; serving_xla: as serving_default, compiled by XLA. `decoding` is fixed in all of them.
        """
        decoding = decoding or self.decoding()
        signatures = {"serving_default": lambda texts: self.answer(texts, decoding)}
        if decoding.beam_width > 1:
            n_best = min(n_best, decoding.beam_width)
            signatures["n_best"] = lambda texts: self.candidates(texts, n_best, decoding)
        signatures["serving_xla"] = lambda texts: first(self.candidates(texts, 1, decoding, jit_compile=True))
        return self.export_signatures(folder, signatures)


def first(candidates):
    """The best of them: [B, N] -> [B]. What there is one of for each text stays."""
    return {name: part[:, 0] if part.shape.rank == 2 else part for name, part in candidates.items()}


def closed(token_ids, limit):
    """Ragged [B, None] with END, at most `limit` tokens (None: all)."""
    return joined(token_ids if limit is None else token_ids[:, : limit - 1], END)


def shifted(target):
    """Ragged target [B, None] -> what the decoder is shown: START, then all but the last."""
    return joined(START, target[:, :-1])


def at_most(size, limit):
    """The smaller of the two, an int where both are; None is no limit."""
    if limit is None:
        return size
    return min(size, limit) if isinstance(size, int) else tf.minimum(size, limit)


def tokens_cut(sizes, limit):
    """Of texts of so many tokens, END not counted: how many a model of `limit` tokens does not read, int32."""
    sizes = tf.cast(sizes, tf.int32)
    return tf.zeros_like(sizes) if limit is None else tf.maximum(sizes + 1 - limit, 0)


def silenced(ragged, empty):
    """Ragged [B, None], with PAD alone in the rows that are `empty`, bool [B]."""
    if empty is None:
        return ragged
    return ragged.with_values(tf.where(tf.repeat(empty, ragged.row_lengths()), PAD, ragged.values))


def few_shapes(ragged):
    """[rows, length] rounded up: rows to a power of two, length to a multiple of 16."""
    rows, length = ragged.nrows(), ragged.bounding_shape(axis=1)
    return tf.stack([tf.cast(power_of_two(rows), tf.int64), -(-tf.maximum(length, 1) // 16) * 16])


def over(token_ids, limit):
    """Ragged [B, None] -> ragged [B, 1] bool: whether `closed` truncates it to this limit."""
    return column(tf.zeros([token_ids.nrows()], tf.bool) if limit is None else token_ids.row_lengths() > limit - 1)


def warn_truncated(name, flags, limit):
    """Logs how many of these texts, flags [N], have more tokens than the limit."""
    if flags.any():
        log.warning("%d of %d %s texts have more than %d tokens, END counted, and are truncated", flags.sum(),
                    len(flags), name, limit)  # fmt: skip
