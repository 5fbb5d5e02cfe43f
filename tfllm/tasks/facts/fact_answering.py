"""Questions about facts: strings in, an answer and its probability out, and which facts it came from."""

import keras
import numpy as np
import tensorflow as tf

from tfllm.data import batches
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.models.configs import MemoryNetworkConfig
from tfllm.models.memory_network import MemoryNetwork
from tfllm.ragged import column
from tfllm.tasks import records as gate
from tfllm.tasks.building import Builder
from tfllm.tasks.callbacks import listed, setters
from tfllm.tasks.compiled import compiled
from tfllm.tasks.facts.fact_inputs import lines, plain
from tfllm.tasks.facts.fact_readers import Chosen, Written, answer_key
from tfllm.tasks.facts.linear_start import LinearStart
from tfllm.tasks.settings import FactAnsweringConfig
from tfllm.tasks.signature import Signature
from tfllm.tasks.task import Task, log
from tfllm.tasks.texts import decoded, is_one
from tfllm.tasks.vocabularies import expect_rows
from tfllm.text import Words

SIZES = {
    "tiny": FactAnsweringConfig(linear_start=20),  # Sukhbaatar et al. 2015, of one task
    "small": FactAnsweringConfig(linear_start=30, model=MemoryNetworkConfig(embedding_dim=50)),  # of all tasks together
}


@keras.saving.register_keras_serializable("tfllm")
class FactAnswering(Task):
    """A `model` that answers questions about facts, and its `tokenizer`. Records: "facts", "question", "answer".

    A text of facts has one on each line, oldest first. A MemoryNetwork chooses the answer among those it was trained
    with: an answer of several words is one class, as in Sukhbaatar et al. 2015, sec. 4. A Seq2SeqRNN or a Transformer
    writes it word by word.

    fact_length    words of a fact that a memory network reads;  answer_length  words that the others write, END counted
    linear_start   epochs of `fit`, from epoch 0 on, in which a memory network looks without a softmax
    What is too long loses words at its end, stories lose their oldest facts; a warning says how many did. Answers are
    in lower case where the tokenizer is.
    """

    fields = ("facts", "question", "answer")
    asks = ("facts", "question")
    inputs = ("texts", "questions")
    weighable = True

    def __init__(self, model, tokenizer, fact_length=32, answer_length=16, linear_start=0, **kwargs):
        super().__init__(**kwargs)
        self.model, self.tokenizer = model, tokenizer
        self.fact_length, self.answer_length, self.linear_start = fact_length, answer_length, linear_start
        expect_rows(model, tokenizer)
        if linear_start and not isinstance(model, MemoryNetwork):
            raise ValueError(f"a linear start is of a MemoryNetwork; {type(model).__name__} has none: linear_start=0")
        self.built = True

    @classmethod
    def from_text(cls, records, config="tiny", embeddings=None, embeddings_trainable=None):
        """Learns the vocabulary of the records, and for a memory network their answers; builds an untrained model.

        records: a dataset of {"facts", "question", "answer"}. config: a FactAnsweringConfig, or the name of one: "tiny"
        (the default), "small". embeddings, embeddings_trainable: word vectors to begin with, see
        `tasks.building.Builder`; above those of the config. They stand in every embedding of the model.
        """
        build = Builder(config, SIZES, embeddings, embeddings_trainable)
        config, records = build.config, gate.read(cls.fields, records, who=cls.__name__)
        facts, questions, answers = gate.columns(records, *cls.fields)
        facts = strings(lines(tf.constant(list(dict.fromkeys(facts)))).flat_values)
        words = [*facts, *strings(plain(tf.constant(questions)))]
        if isinstance(config.model, MemoryNetworkConfig):
            tokenizer = with_answers(build.learn(words, "words"), answers)
        else:
            tokenizer = build.learn(words + answers, "words")
        length = max(1, min(config.fact_length, int(np.max(tokenizer.encode(facts).row_lengths(), initial=1))))
        return cls(build.model(tokenizer), tokenizer, **build.options(cls, fact_length=length))

    @property
    def reader(self):
        """How the model reads and answers; after a change of this task too."""
        if isinstance(self.model, MemoryNetwork):
            return Chosen(self.model, self.tokenizer, self.fact_length)
        return Written(self.model, self.tokenizer, self.answer_length)

    def prepare(self, texts, questions):
        """Facts and questions, strings [B] -> what the model is fed: a dict of ragged token_ids [B, None]."""
        return self.reader.read(lines(texts), questions)[0]

    def example(self, record):
        return self.checked(record)[0]

    def checked(self, record):
        """-> (the example, what happens to stories that do not fit: flags, ragged [B, 1] bool)."""
        inputs, flags, _ = self.reader.read(lines(record["facts"]), record["question"])
        inputs, targets = self.reader.example(inputs, record["answer"])
        flags |= self.reader.long(record["answer"]) if isinstance(self.reader, Written) else {}
        flags = {what: column(flag) for what, flag in flags.items()}
        return (inputs, targets, tf.ones_like(targets, tf.float32)), flags

    def call(self, inputs, training=None):
        """-> logits [B, 1, V] of the answer, or [B, T, V] of each of its words; inputs: see fact_readers.py."""
        return self.reader.call(inputs, training)

    def objective(self):
        """accuracy: of a memory network the share of questions answered right, of the others that of words, and ends,
        of the answers, each behind the right ones before it."""
        loss = TokenCrossEntropy()
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), TokenAccuracy()]}

    def fit(self, x=None, y=None, *args, callbacks=None, **options):
        """As `Task.fit`; a memory network looks without a softmax in the first epochs, where `linear_start` says so."""
        if self.linear_start:
            callbacks = [LinearStart(self.model, self.linear_start), *listed(callbacks)]
        return super().fit(x, y, *args, callbacks=callbacks, **options)

    def fit_batches(self, train, steps, epochs, validation_data, callbacks=None, recipe=None, **options):
        """As `Task.fit_batches`; a memory network that is not compiled, and has no recipe, learns by `descent`."""
        if not self.compiled and recipe is None and isinstance(self.model, MemoryNetwork):
            with self.distribute_strategy.scope():
                self.compile(descent(None if setters(callbacks) else steps, self.linear_start))
        return super().fit_batches(train, steps, epochs, validation_data, callbacks, recipe, **options)

    def rows(self, records, verbose=0):
        rows, flags = batches.rows(records, gate.weighed(self.checked), verbose)
        self.warn({what: flag.flat_values.numpy() for what, flag in flags.items()})
        return rows

    def answer(self, texts, questions):
        """Facts and questions, strings [B] -> {"text", "probability", "cut"}, all [B]. The text is valid UTF-8.

        cut: how many words of the facts and the question were not read. Without a fact, or without a question, text is
        "" and its probability 0.
        """
        found = self.answering.function(texts, questions)
        return {name: found[name] for name in ("text", "probability", "cut")}

    def explained(self, texts, questions):
        """As `answer`, and "attention" [B, H, F]: of each hop, or of each word written, to each fact."""
        facts = lines(texts)
        inputs, _, cut = self.reader.read(facts, questions)
        text, probability, attention = self.reader.looks(facts, inputs)
        found = asked_only(facts, questions, text=text, probability=probability, attention=attention)
        return found | {"cut": cut}

    def generate(self, facts, question, batch_size=64, probabilities=False):
        """Facts and a question -> the answer; lists of both, equally long -> a list of answers, in order.

        facts: a text with one on each line, or a list of facts. probabilities: (answer, probability) instead of each.
        """

        def tell(found):
            texts, chances = found.pop("text"), found.pop("probability")
            self.warn({what: flags for what, flags in found.items() if what != "cut"})
            texts = [text.decode("utf-8", "replace") for text in texts]
            return list(zip(texts, chances.tolist(), strict=True)) if probabilities else texts

        if one := is_one(question):
            facts, question = [facts], [question]
        columns = asked(facts, question)
        found = self.run(self.answering, *columns, tell=tell, batch_size=batch_size) if columns[1] else []
        return found[0] if one else found

    @property
    @compiled
    def answering(self):
        """`answer` as a Signature, which also tells what happens to stories that do not fit: {what: [B] bool}."""

        def answer(texts, questions):
            facts = lines(texts)
            inputs, flags, cut = self.reader.read(facts, questions)
            text, probability = self.reader.best(facts, inputs)
            return asked_only(facts, questions, text=text, probability=probability) | {"cut": cut} | flags

        return Signature(answer, self.inputs)

    def score(self, records, batch_size=64):
        """The share of questions that are answered right, word for word, in percent, with its interval."""
        from tfllm import evaluation

        facts, questions, answers = gate.columns(self.records(records), *self.fields)
        said = self.generate(facts, questions, batch_size)
        return evaluation.exact_match(*(strings(self.reader.normal(tf.constant(texts))) for texts in (said, answers)))

    def signatures(self):
        """Of texts (facts) and questions: serving_default -> {"text", "probability", "cut"} [N], and explain -> the
        same and "attention" [N, H, F].
        """
        return super().signatures() | {"explain": Signature(self.explained, self.inputs)}

    def warn(self, truncated):
        """Logs what happens to stories that do not fit: {what: [N] bool}."""
        for what, flags in truncated.items():
            if flags.any():
                log.warning("%d of %d stories %s", flags.sum(), len(flags), what)


def descent(steps, linear_start=0):
    """Gradient descent as in Sukhbaatar et al. 2015, sec. 4.2: the rate is halved every 25 epochs of so many steps.

    Theirs is of sums over 32 questions (0.01, with a linear start 0.005, gradients of at most 40), ours of means.
    steps None: the rate stays as it is.
    """
    rate = 0.16 if linear_start else 0.32
    if steps is not None:
        rate = keras.optimizers.schedules.ExponentialDecay(rate, 25 * steps, 0.5, staircase=True)
    return keras.optimizers.SGD(rate, clipnorm=1.25)


def with_answers(tokenizer, answers):
    """The tokenizer with each of these answers (bytes) as one token of its own, behind its words."""
    known = tokenizer.tokens[len(tokenizer.fixed) :]
    found = sorted(set(strings(answer_key(tokenizer, tf.constant(answers)))) - {""})
    more = [answer for answer in found if answer.encode() not in set(known)]
    return Words([*known, *more], lowercase=tokenizer.lowercase)


def asked_only(facts, questions, **found):
    """What was found, [B, ...], as it is where there are a fact and a question; else "" and 0."""
    there = tf.logical_and(facts.row_lengths() > 0, plain(questions) != "")  # [B]

    def masked(part):
        mask = tf.reshape(there, tf.concat([tf.shape(there), tf.ones([part.shape.rank - 1], tf.int32)], axis=0))
        return tf.where(mask, part, tf.zeros([], part.dtype))

    return {name: masked(part) for name, part in found.items()}


def asked(facts, questions):
    """Facts (texts, or lists of facts) and questions -> two lists of strings. ValueError for unequal lengths."""
    questions = gate.texts(questions, "question")
    if isinstance(facts, (list, tuple)):
        facts = ["\n".join(decoded(gate.texts(part, "facts"))) if isinstance(part, (list, tuple)) else part
                 for part in facts]  # fmt: skip
    facts = gate.texts([facts] if is_one(facts) else facts, "facts")
    if len(facts) != len(questions):
        raise ValueError(f"expected facts for each question; got {len(facts)} and {len(questions)}")
    return facts, questions


def strings(texts):
    """string tensor [B] -> a list of str."""
    return [text.decode("utf-8", "replace") for text in texts.numpy()]
