"""What tasks with an encoder-decoder have in common: pairs of strings to learn from, one search, answers in batches."""

from dataclasses import asdict, replace
from functools import cached_property, lru_cache, partial

import keras
import numpy as np
import tensorflow as tf

from tfllm.data import batches
from tfllm.generation import beam_search, sample
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.models.configs import Seq2SeqRNNConfig, TransformerConfig
from tfllm.models.seq2seq_rnn import Seq2SeqRNN
from tfllm.models.transformer import Transformer
from tfllm.ragged import column, joined
from tfllm.tasks import records as gate
from tfllm.tasks.continuation import power_of_two
from tfllm.tasks.decoding import Decoding, chooser, of_options, seed_apart
from tfllm.tasks.task import Task, log
from tfllm.tasks.texts import is_one
from tfllm.tasks.vocabularies import Sayable
from tfllm.text import END, PAD, START

ROOM = 16  # places of a growing cache at first
MODELS = {TransformerConfig: Transformer, Seq2SeqRNNConfig: Seq2SeqRNN}


class EncoderDecoder(Task):
    """Abstract. A final class has `model` and `label_smoothing`, and says `sources`, `said`, `longest`, `rules`."""

    fields = ("source", "target")
    asks = ("source",)
    weighable = True
    decoding = Decoding  # the dataclass of how an answer is searched for
    forbidden = (PAD, START)  # ids that are never said

    def sources(self, texts):
        """strings [B] -> dict of ragged [B, None]: "token_ids" with END, cut to what the model can take; and more.

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

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None] with END, cut to what the model can take (`pe_input`)."""
        return self.sources(texts)["token_ids"]

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

    def candidates(self, texts, n_best, decoding=None, jit_compile=False):
        """strings [B] -> {"text": [B, n_best], "score": [B, n_best]}, best first. The text is valid UTF-8.

        jit_compile: the search is one XLA program for each of few shapes (about 10 s at the first use of each).
        """
        return self.answered(self.sources(texts), n_best, decoding or self.decoding(), jit_compile)

    def answered(self, sources, n_best, decoding, jit_compile=False):
        """As `candidates`, of what `sources` gave."""
        ids = {name: part for name, part in sources.items() if part.dtype.is_integer}
        rows = sources["token_ids"].nrows()
        shape = few_shapes(sources["token_ids"]) if jit_compile else None
        search = tf.function(self.search, autograph=False, jit_compile=True) if jit_compile else self.search
        ids = {name: part.to_tensor(PAD, shape=shape) for name, part in ids.items()}
        outputs, scores = search(n_best=n_best, decoding=decoding, growing=not jit_compile, **ids)
        outputs, scores = outputs[:rows], scores[:rows]  # [B, N, L], [B, N]
        said = self.said(tf.reshape(outputs, [-1, tf.shape(outputs)[-1]]), sources)
        return {"text": tf.reshape(said, tf.shape(scores)), "score": scores}

    def search(self, token_ids, n_best, decoding, growing=False, **more):
        """token_ids [B, S] -> (answers without START [B, N, L], scores [B, N]). more: as `model.start` takes it.

        The longest answer depends on each source alone: a row's answer does not depend on its neighbours.
        growing: caches begin with few places and grow with the answers, which are mostly much shorter.
        """
        size = tf.reduce_sum(tf.cast(token_ids != PAD, tf.int32), axis=1)  # [B]
        limits = tf.where(size > 0, self.longest(size, decoding), 0)
        static = token_ids.shape[1]
        longest = self.longest(tf.shape(token_ids)[1] if static is None else static, decoding)
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
        if n_best > 1:
            raise ValueError(f"a beam of 1 gives one answer; for the {n_best} best give beam_width={n_best} or more")
        prompt = tf.pad(start[:, None], [[0, 0], [0, longest]], constant_values=PAD)
        places = tf.range(longest + 1)[None]
        given = tf.logical_or(places == 0, places > limits[:, None])
        outputs, scores, _ = sample(step, state, prompt, given, chooser(decoding), **options)
        return outputs[:, None, 1:], scores[:, None]

    def generate(self, texts, n_best=None, batch_size=32, verbose="auto", **decoding):
        """A string -> its answer; a list of strings -> a list, in order. Compiled once for decodings of all seeds.

        n_best: instead of each answer, a list of so many (answer, score), best first.
        decoding: the fields of the task's `decoding`, such as beam_width=5. A progress bar shows on many batches.
        """
        if is_one(texts):
            return self.generate([texts], n_best, batch_size, verbose, **decoding)[0]
        texts, decoding = gate.texts(texts, self.fields[0]), of_options(self.decoding, decoding)
        found = self.in_batches(texts, n_best or 1, decoding, batch_size, verbose)
        return found if n_best else [best[0][0] for best in found]

    def in_batches(self, texts, n_best, decoding, batch_size, verbose):
        """Texts of like length together; a list of (answer, score) for each text, in the texts' order."""
        if not texts:
            return []
        decoding, seed = seed_apart(decoding)
        run = self.compiled_candidates(n_best, decoding)
        order, found, parts = np.argsort(-self.sizes(texts, decoding), kind="stable"), [None] * len(texts), []
        steps = range(0, len(texts), batch_size)
        bar = keras.utils.Progbar(len(texts), verbose=int(verbose if verbose != "auto" else len(steps) > 10))
        for i in steps:
            rows = order[i : i + batch_size]
            part = run(tf.constant([texts[row] for row in rows]), seed)
            for row, said, scores in zip(rows, part["text"].numpy(), part["score"].numpy(), strict=True):
                said = [one.decode("utf-8", "replace") for one in said]
                found[row] = list(zip(said, map(float, scores), strict=True))
            bar.add(len(rows))
            parts.append(part)
        self.report(parts)
        return found

    def sizes(self, texts, decoding):
        """Tokens of each text, at most what the model reads."""
        return self.prepare(tf.constant(texts)).row_lengths().numpy()

    def report(self, parts):
        """Told what `candidates` gave for each batch, for a warning that only the answers know to give."""

    @cached_property
    def compiled_candidates(self):
        """(n_best, decoding) -> a tf.function of (strings [B], seed); each is traced once."""

        def compiled(n_best, decoding):
            spec = [tf.TensorSpec([None], tf.string), tf.TensorSpec([], tf.int64)]
            return tf.function(partial(_candidates, self, n_best, decoding), input_signature=spec, autograph=False)

        return lru_cache(maxsize=None)(compiled)

    def export(self, folder, decoding=None, n_best=4):
        """Writes folder/1 (or the next free number) for TensorFlow Serving and returns its path.

        Signatures, texts string [N] in: serving_default -> {"text": [N], "score": [N]}; n_best -> the same of
        [N, n_best]; serving_xla: as serving_default, compiled by XLA. `decoding` is fixed in all of them.
        """
        decoding = decoding or self.decoding()
        signatures = {"serving_default": lambda texts: self.answer(texts, decoding)}
        if decoding.beam_width > 1:
            n_best = min(n_best, decoding.beam_width)
            signatures["n_best"] = lambda texts: self.candidates(texts, n_best, decoding)
        signatures["serving_xla"] = lambda texts: first(self.candidates(texts, 1, decoding, jit_compile=True))
        return self.export_signatures(folder, signatures)


def _candidates(task, n_best, decoding, texts, seed):
    return task.candidates(texts, n_best, replace(decoding, seed=seed))


def untrained(config, source, target):
    """The model that a config of `MODELS` describes, for the vocabularies of the two tokenizers."""
    sizes = {"input_vocab_size": source.vocab_size, "target_vocab_size": target.vocab_size}
    return MODELS[type(config)](**sizes, **asdict(config))


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
