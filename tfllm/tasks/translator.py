"""Translation: an encoder-decoder and its tokenizers, from parallel strings to strings."""

from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from tfllm import text
from tfllm.generation import beam_search, sample
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.models.seq2seq_rnn import Seq2SeqRNN, Seq2SeqRNNConfig
from tfllm.models.transformer import Transformer, TransformerConfig
from tfllm.tasks.continuation import power_of_two
from tfllm.tasks.decoding import Decoding, chooser, of_options, rules
from tfllm.tasks.embeddings import expect_files, initialise_sides
from tfllm.tasks.task import Task, log
from tfllm.text import END, PAD, START
from tfllm.text.cleaning import replace_invalid

BEAM = Decoding()
ROOM = 16  # places of a growing cache at first
MODELS = {TransformerConfig: Transformer, Seq2SeqRNNConfig: Seq2SeqRNN}


@dataclass(frozen=True)
class TranslatorConfig:
    """What `Translator.from_text` builds."""

    tokenizer: Literal["subwords", "words", "characters", "bytes"] = "subwords"
    vocab_size: int = 8000  # tokens of each tokenizer, at most
    joint: bool = True  # one tokenizer for both languages
    lowercase: bool = False
    label_smoothing: float = 0.1  # epsilon of Vaswani et al. 2017, sec. 5.4
    embeddings: str | None = None  # file of word vectors for the source; of shared="all", for the one matrix
    embeddings_target: str | None = None  # file of word vectors for the target
    embeddings_trainable: bool | Literal["missing"] = True  # which rows of these are trained; missing: without a vector
    model: TransformerConfig | Seq2SeqRNNConfig = field(default_factory=TransformerConfig)


SIZES = {
    "tiny": TranslatorConfig(),  # Wu et al. 2021
    "small": TranslatorConfig(model=TransformerConfig(num_layers=4, d_model=256, num_heads=4, dff=1024)),
    "base": TranslatorConfig(
        vocab_size=32000, model=TransformerConfig(num_layers=6, d_model=512, num_heads=8, dff=2048)
    ),  # Vaswani et al. 2017, table 3
}


@keras.saving.register_keras_serializable("tfllm")
class Translator(Task):
    """An encoder-decoder `model` with the tokenizer of its source and of its target (the same object if joint).

    Translator.from_text(records) learns the tokenizers and builds the model. Records have "source" and "target".
    """

    fields = ("source", "target")

    def __init__(self, model, source, target=None, label_smoothing=0.1, **kwargs):
        super().__init__(**kwargs)
        self.model, self.source, self.target = model, source, source if target is None else target
        self.label_smoothing = label_smoothing
        self.built = True

    @classmethod
    def from_text(cls, records, targets=None, config="tiny", embeddings=None, embeddings_trainable=None):
        """Learns the vocabularies of the text and builds an untrained model for them.

        records: a dataset of {"source", "target"}, or a list of source strings beside a list of `targets`.
        config: a TranslatorConfig, or the name of one: "tiny" (the default), "small", "base".
        embeddings, embeddings_trainable: word vectors to begin with, see `tasks.embeddings.initialise`; above those of
        the config. One value is for the source; {"source": ..., "target": ...} for either or both. A model with
        shared="all" has one matrix for both languages and the softmax: it takes one value, and no dict.
        """
        if isinstance(config, str):
            if config not in SIZES:
                raise ValueError(f"config must be one of {list(SIZES)} or a TranslatorConfig; got {config!r}")
            config = SIZES[config]
        expect_files(embeddings, config.embeddings, config.embeddings_target)
        records = cls.records(cls, records, targets)
        kind = getattr(text, config.tokenizer.capitalize())
        options = {"lowercase": config.lowercase}
        if kind is not text.Bytes:
            options["vocab_size"] = config.vocab_size

        def learn(*fields):
            return kind.learn((line for name in fields for line in strings(records, name)), **options)

        source = learn("source", "target") if config.joint else learn("source")
        target = source if config.joint else learn("target")
        model = untrained(config.model, source, target)
        initialise_sides(model, source, target, config, embeddings, embeddings_trainable)
        return cls(model, source, target, config.label_smoothing)

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None] with END, cut to what the model can take (`pe_input`)."""
        return closed(self.source.encode(texts), self.model.pe_input)

    def example(self, record):
        target = closed(self.target.encode(record["target"]), self.model.pe_target)  # [B, None]
        shifted = tf.concat([tf.fill([target.nrows(), 1], START), target[:, :-1]], axis=1)
        inputs = {"source": self.prepare(record["source"]), "target": shifted}
        return inputs, target, tf.ones_like(target, tf.float32)

    def call(self, inputs):
        """{"source": [B, S], "target": [B, T]} -> logits [B, T, V] of the token after each of the target."""
        return self.model(inputs["source"], inputs["target"])[0]

    def objective(self):
        loss = TokenCrossEntropy(self.label_smoothing)
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), TokenAccuracy()]}

    def batches(self, x, y=None, batch_size=None, tokens=4096, shapes=6, seed=None):
        made = super().batches(x, y, batch_size, tokens, shapes, seed)
        inputs, targets, _ = made.rows
        for name, part, limit in (
            ("source", inputs["source"], self.model.pe_input),
            ("target", targets, self.model.pe_target),
        ):
            warn_cut(name, part.row_lengths().numpy(), limit)
        return made

    def answer(self, texts, decoding=BEAM):
        """strings [B] -> {"text": [B], "score": [B]}: the best translation, and log P / length penalty."""
        return {name: part[:, 0] for name, part in self.candidates(texts, 1, decoding).items()}

    def candidates(self, texts, n_best, decoding=BEAM, jit_compile=False):
        """strings [B] -> {"text": [B, n_best], "score": [B, n_best]}, best first. The text is valid UTF-8.

        jit_compile: the search is one XLA program for each of few shapes (about 10 s at the first use of each).
        """
        sources = self.prepare(texts)
        search = tf.function(self.search, jit_compile=True) if jit_compile else self.search
        token_ids = sources.to_tensor(PAD, shape=few_shapes(sources) if jit_compile else None)
        outputs, scores = search(token_ids, n_best, decoding, growing=not jit_compile)
        outputs, scores = outputs[: sources.nrows()], scores[: sources.nrows()]  # [B, N, L], [B, N]
        said = replace_invalid(self.target.decode(tf.reshape(outputs, [-1, tf.shape(outputs)[-1]])))
        return {"text": tf.reshape(said, tf.shape(scores)), "score": scores}

    def search(self, token_ids, n_best, decoding, growing=False):
        """token_ids [B, S] -> (translations without START [B, N, L], scores [B, N]).

        Answers have at most 3 S + 20 tokens, S of each source alone: a row's answer does not depend on its neighbours.
        growing: caches begin with few places and grow with the answers, which are mostly much shorter.
        """
        size = tf.reduce_sum(tf.cast(token_ids != PAD, tf.int32), axis=1)  # [B]
        limits = tf.where(size > 0, at_most(3 * size + 20, self.model.pe_target), 0)
        static = token_ids.shape[1]
        longest = at_most(3 * (tf.shape(token_ids)[1] if static is None else static) + 20, self.model.pe_target)
        grow = getattr(self.model, "grow", None) if growing else None
        room = longest if grow is None else at_most(longest, ROOM)
        fixed, state = self.model.start(token_ids, decoding.beam_width, room)

        def step(last, state, position):
            return self.model.step(last, fixed, state, position)

        start, said = tf.fill([tf.shape(token_ids)[0]], START), rules(decoding, self.target)
        if decoding.beam_width > 1:
            beams = beam_search(
                step, state, start, longest, decoding.beam_width, decoding.length_penalty, n_best, limits=limits,
                rules=said, grow=grow, room=room,
            )  # fmt: skip
            return beams.token_ids, beams.scores
        if n_best > 1:
            raise ValueError(f"a beam of 1 gives one answer; for the {n_best} best give beam_width={n_best} or more")
        prompt = tf.pad(start[:, None], [[0, 0], [0, longest]], constant_values=PAD)
        places = tf.range(longest + 1)[None]
        given = tf.logical_or(places == 0, places > limits[:, None])
        outputs, scores, _ = sample(step, state, prompt, given, chooser(decoding), grow=grow, room=room, rules=said)
        return outputs[:, None, 1:], scores[:, None]

    def generate(self, texts, n_best=None, batch_size=32, verbose="auto", **decoding):
        """A string -> its translation; a list of strings -> a list, in order. Compiled once for each decoding.

        n_best: instead of each translation, a list of so many (translation, score), best first.
        decoding: the fields of `Decoding`, such as beam_width=5. A progress bar shows on many batches.
        """
        if isinstance(texts, (str, bytes)):
            return self.generate([texts], n_best, batch_size, verbose, **decoding)[0]
        found = self.in_batches(list(texts), n_best or 1, of_options(Decoding, decoding), batch_size, verbose)
        return found if n_best else [best[0][0] for best in found]

    def in_batches(self, texts, n_best, decoding, batch_size, verbose):
        """Sentences of like length together; a list of (translation, score) for each text, in the texts' order."""
        if not texts:
            return []
        sizes = self.prepare(tf.constant(texts)).row_lengths().numpy()
        warn_cut("source", sizes, self.model.pe_input)
        run = self.compiled_candidates(n_best, decoding)
        order, found = np.argsort(-sizes, kind="stable"), [None] * len(texts)
        steps = range(0, len(texts), batch_size)
        bar = keras.utils.Progbar(len(texts), verbose=int(verbose if verbose != "auto" else len(steps) > 10))
        for i in steps:
            rows = order[i : i + batch_size]
            part = run(tf.constant([texts[row] for row in rows]))
            for row, said, scores in zip(rows, part["text"].numpy(), part["score"].numpy(), strict=True):
                said = [one.decode("utf-8", "replace") for one in said]
                found[row] = list(zip(said, map(float, scores), strict=True))
            bar.add(len(rows))
        return found

    @cached_property
    def compiled_candidates(self):
        """(n_best, decoding) -> a tf.function of strings [B]; each is traced once."""

        def compiled(n_best, decoding):
            spec = [tf.TensorSpec([None], tf.string, name="texts")]
            return tf.function(lambda texts: self.candidates(texts, n_best, decoding), input_signature=spec)

        return lru_cache(maxsize=None)(compiled)

    def score(self, x, y=None, batch_size=32, verbose="auto", **decoding):
        """BLEU and chrF of the translations of the test set `x` (or sources `x`, references `y`), by sacrebleu."""
        from tfllm import evaluation

        records = self.records(x, y)
        references = strings(records, "target")
        said = self.generate(strings(records, "source"), batch_size=batch_size, verbose=verbose, **decoding)
        return evaluation.Scores(evaluation.bleu(said, references), evaluation.chrf(said, references))

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", bleu=False, return_dict=False, **options):
        """As in Keras, of strings too: token-mean loss and accuracy; and BLEU, where `bleu` is True."""
        result = super().evaluate(x, y, batch_size, verbose, return_dict=return_dict, **options)
        if not bleu:
            return result
        value = self.score(x, y, verbose=verbose).bleu.value
        return result | {"bleu": value} if return_dict else [*result, value]

    def export(self, folder, decoding=None, n_best=4):
        """Writes folder/1 (or the next free number) for TensorFlow Serving and returns its path.

        Signatures, texts string [N] in: serving_default -> {"text": [N], "score": [N]}; n_best -> the same of
        [N, n_best]; serving_xla: as serving_default, compiled by XLA. `decoding` is fixed in all of them.
        """
        decoding = decoding or Decoding()
        signatures = {"serving_default": lambda texts: self.answer(texts, decoding)}
        if decoding.beam_width > 1:
            n_best = min(n_best, decoding.beam_width)
            signatures["n_best"] = lambda texts: self.candidates(texts, n_best, decoding)
        signatures["serving_xla"] = lambda texts: {
            name: part[:, 0] for name, part in self.candidates(texts, 1, decoding, jit_compile=True).items()
        }
        return self.export_signatures(folder, signatures)

    def get_config(self):
        return super().get_config() | {
            "model": keras.saving.serialize_keras_object(self.model),
            "source": keras.saving.serialize_keras_object(self.source),
            "target": None if self.target is self.source else keras.saving.serialize_keras_object(self.target),
            "label_smoothing": self.label_smoothing,
        }

    @classmethod
    def from_config(cls, config):
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("model", "source", "target")}
        return super().from_config(config | parts)


def untrained(config, source, target):
    """The model that a config of `MODELS` describes, for the vocabularies of the two tokenizers."""
    sizes = {"input_vocab_size": source.vocab_size, "target_vocab_size": target.vocab_size}
    return MODELS[type(config)](**sizes, **asdict(config))


def closed(token_ids, limit):
    """Ragged [B, None] with END, at most `limit` tokens (None: all)."""
    end = tf.fill([token_ids.nrows(), 1], END)
    return tf.concat([token_ids if limit is None else token_ids[:, : limit - 1], end], axis=1)


def at_most(size, limit):
    """The smaller of the two, an int where both are; None is no limit."""
    if limit is None:
        return size
    return min(size, limit) if isinstance(size, int) else tf.minimum(size, limit)


def few_shapes(ragged):
    """[rows, length] rounded up: rows to a power of two, length to a multiple of 16."""
    rows, length = ragged.nrows(), ragged.bounding_shape(axis=1)
    return tf.stack([tf.cast(power_of_two(rows), tf.int64), -(-tf.maximum(length, 1) // 16) * 16])


def strings(records, name):
    """The strings of one field of the records, as a list of str (invalid UTF-8 replaced)."""
    batches = records.map(lambda record: record[name]).batch(1024).as_numpy_iterator()
    return [line.decode("utf-8", "replace") for batch in batches for line in batch]


def warn_cut(name, sizes, limit):
    if limit is not None and (sizes >= limit).any():
        log.warning("%d of %d %s texts reach the model's limit of %d tokens and are cut", (sizes >= limit).sum(),
                    len(sizes), name, limit)  # fmt: skip
