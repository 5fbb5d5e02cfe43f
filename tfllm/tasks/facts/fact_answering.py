"""Questions about facts: strings in, an answer and its probability out, with attention to the facts."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfllm.data import batches
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.models.configs import MemoryNetworkConfig
from tfllm.models.memory_network import MemoryNetwork
from tfllm.ragged import column
from tfllm.tasks import user_data
from tfllm.tasks.building import Builder
from tfllm.tasks.callbacks import as_list, learning_rate_setters
from tfllm.tasks.compiled import compiled
from tfllm.tasks.facts.fact_inputs import lines, plain
from tfllm.tasks.facts.fact_readers import AnswerChooser, AnswerWriter, answer_key
from tfllm.tasks.facts.linear_start import LinearStart
from tfllm.tasks.settings import FactAnsweringConfig
from tfllm.tasks.signature import Signature
from tfllm.tasks.task import Task, log
from tfllm.tasks.texts import decoded, is_one
from tfllm.tasks.vocabularies import expect_rows
from tfllm.text import Words

SIZES = {
    "tiny": FactAnsweringConfig(linear_start=20),  # Sukhbaatar et al. 2015, for one bAbI task
    "small": FactAnsweringConfig(
        linear_start=30, model=MemoryNetworkConfig(embedding_dim=50)
    ),  # for all tasks together
}


@keras.saving.register_keras_serializable("tfllm")
class FactAnswering(Task):
    """A `model` that answers questions about facts, and its `tokenizer`. Records: "facts", "question", "answer".

    Facts are one text with one fact on each line, oldest first. A MemoryNetwork chooses the answer among those of the
    training data: an answer of several words is one class, as in Sukhbaatar et al. 2015, sec. 4. A Seq2SeqRNN or a
    Transformer generates the answer word by word.

    fact_length    maximum words of a fact (memory network);  answer_length  maximum words of an answer, with END
    (others) linear_start   number of epochs of `fit`, from epoch 0, in which a memory network has no softmax in its
    hops Long facts, questions and answers lose their last words, long stories their oldest facts, with a warning.
    Answers are in lower case if the tokenizer lower-cases.
    Raises ValueError for a linear start of another model than a MemoryNetwork.
    """

    fields = ("facts", "question", "answer")
    asks = ("facts", "question")
    inputs = ("texts", "questions")
    allows_sample_weight = True

    def __init__(self, model, tokenizer, fact_length=32, answer_length=16, linear_start=0, **kwargs):
        super().__init__(**kwargs)
        self.model, self.tokenizer = model, tokenizer
        self.fact_length, self.answer_length, self.linear_start = fact_length, answer_length, linear_start
        expect_rows(model, tokenizer)
        if linear_start and not isinstance(model, MemoryNetwork):
            raise ValueError(f"linear_start needs a MemoryNetwork: set linear_start=0 for a {type(model).__name__}")
        self.built = True

    @classmethod
    def from_text(cls, records: Any, config: str | FactAnsweringConfig = "tiny", embeddings: Any = None,
                  embeddings_trainable: bool | str | None = None) -> "FactAnswering":  # fmt: skip
        """Learn the vocabulary (for a memory network also the answers) and build an untrained model.

        records: a dataset of {"facts", "question", "answer"}. config: a FactAnsweringConfig or its name: "tiny"
        (default), "small". embeddings, embeddings_trainable: word vectors, see `tasks.building.Builder`; they override
        the config, and initialise every embedding of the model.
        """
        build = Builder(config, SIZES, embeddings, embeddings_trainable)
        settings, records = build.config, user_data.read(cls.fields, records, who=cls.__name__)
        facts, questions, answers = user_data.columns(records, *cls.fields)
        facts = strings(lines(tf.constant(list(dict.fromkeys(facts)))).flat_values)
        words = [*facts, *strings(plain(tf.constant(questions)))]
        if isinstance(settings.model, MemoryNetworkConfig):
            tokenizer = with_answers(build.learn(words, "words"), answers)
        else:
            tokenizer = build.learn(words + answers, "words")
        length = max(1, min(settings.fact_length, int(np.max(tokenizer.encode(facts).row_lengths(), initial=1))))
        return cls(build.model(tokenizer), tokenizer, **build.options(cls, fact_length=length))

    @property
    def reader(self):
        """How the model reads and answers; made anew, so that it follows changes of the task."""
        if isinstance(self.model, MemoryNetwork):
            return AnswerChooser(self.model, self.tokenizer, self.fact_length)
        return AnswerWriter(self.model, self.tokenizer, self.answer_length)

    def prepare(self, texts, questions):
        """Facts and questions, strings [B] -> inputs of the model, a dict of ragged token_ids [B, None]."""
        return self.reader.read(lines(texts), questions)[0]

    def example(self, record):
        return self.checked(record)[0]

    def checked(self, record):
        """-> (the example, flags of truncated stories, ragged [B, 1] bool)."""
        inputs, flags, _ = self.reader.read(lines(record["facts"]), record["question"])
        inputs, targets = self.reader.example(inputs, record["answer"])
        flags |= self.reader.truncated_answers(record["answer"]) if isinstance(self.reader, AnswerWriter) else {}
        flags = {what: column(flag) for what, flag in flags.items()}
        return (inputs, targets, tf.ones_like(targets, tf.float32)), flags

    def call(self, inputs, training=None):
        """-> logits [B, 1, V] of the answer, or [B, T, V] of each of its words; inputs: see fact_readers.py."""
        return self.reader.call(inputs, training)

    def objective(self):
        """accuracy: for a memory network the share of correct answers; otherwise the share of correct words, END
        included.
        """
        loss = TokenCrossEntropy()
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), TokenAccuracy()]}

    def fit(self, x: Any = None, y: Any = None, *args: Any, callbacks: Any = None,
            **options: Any) -> keras.callbacks.History:  # fmt: skip
        """As `Task.fit`; `linear_start` removes the softmax of a memory network in the first epochs."""
        if self.linear_start:
            callbacks = [LinearStart(self.model, self.linear_start), *as_list(callbacks)]
        options |= {"callbacks": callbacks}
        return super().fit(x, y, *args, **options)

    def fit_batches(self, train, steps, epochs, validation_data, callbacks=None, recipe=None, **options):
        """As `Task.fit_batches`; an uncompiled memory network without a recipe is trained by `descent`."""
        if not self.compiled and recipe is None and isinstance(self.model, MemoryNetwork):
            with self.distribute_strategy.scope():
                self.compile(descent(None if learning_rate_setters(callbacks) else steps, self.linear_start))
        return super().fit_batches(train, steps, epochs, validation_data, callbacks, recipe, **options)

    def rows(self, records, verbose=0):
        rows, flags = batches.rows(records, user_data.with_sample_weights(self.checked), verbose)
        self.warn({what: flag.flat_values.numpy() for what, flag in flags.items()})
        return rows

    def answer(self, texts, questions):
        """Facts and questions, strings [B] -> {"text", "probability", "cut"}, all [B]. The text is valid UTF-8.

        cut: number of truncated words of facts and question. Without facts, or without a question, text is "" and its
        probability 0.
        """
        result = self.answering.function(texts, questions)
        return {name: result[name] for name in ("text", "probability", "cut")}

    def explained(self, texts, questions):
        """As `answer`, with "attention" [B, H, F]: of each hop, or of each generated word, to each fact."""
        facts = lines(texts)
        inputs, _, cut = self.reader.read(facts, questions)
        text, probability, attention = self.reader.best_with_attention(facts, inputs)
        result = asked_only(facts, questions, text=text, probability=probability, attention=attention)
        return result | {"cut": cut}

    def generate(self, facts: Any, question: Any, batch_size: int = 64, probabilities: bool = False) -> Any:
        """Facts and a question -> the answer; lists of both, of equal length -> a list of answers, in order.

        facts: a text with one fact on each line, or a list of facts. probabilities: return (answer, probability)
        instead.
        """

        def convert(result):
            texts, chances = result.pop("text"), result.pop("probability")
            self.warn({what: flags for what, flags in result.items() if what != "cut"})
            texts = [text.decode("utf-8", "replace") for text in texts]
            return list(zip(texts, chances.tolist(), strict=True)) if probabilities else texts

        if one := is_one(question):
            facts, question = [facts], [question]
        columns = asked(facts, question)
        result = self.run(self.answering, *columns, convert=convert, batch_size=batch_size) if columns[1] else []
        return result[0] if one else result

    @property
    @compiled
    def answering(self):
        """`answer` as a Signature, which also returns the flags of truncated stories: {what: [B] bool}."""

        def answer(texts, questions):
            facts = lines(texts)
            inputs, flags, cut = self.reader.read(facts, questions)
            text, probability = self.reader.best(facts, inputs)
            return asked_only(facts, questions, text=text, probability=probability) | {"cut": cut} | flags

        return Signature(answer, self.inputs)

    def score(self, records: Any, batch_size: int = 64) -> Any:
        """The percentage of questions with an exactly correct answer, with its confidence interval."""
        from tfllm import evaluation

        facts, questions, answers = user_data.columns(self.records(records), *self.fields)
        outputs = self.generate(facts, questions, batch_size)
        return evaluation.exact_match(
            *(strings(self.reader.normalized(tf.constant(texts))) for texts in (outputs, answers))
        )

    def signatures(self) -> dict[str, Signature]:
        """Inputs: texts (facts) and questions. serving_default -> {"text", "probability", "cut"} [N]; explain -> the
        same and "attention" [N, H, F].
        """
        return super().signatures() | {"explain": Signature(self.explained, self.inputs)}

    def warn(self, truncated):
        """Log how many stories were truncated: {what: [N] bool}."""
        for what, flags in truncated.items():
            if flags.any():
                log.warning("%d of %d stories %s", flags.sum(), len(flags), what)


def descent(steps, linear_start=0):
    """Gradient descent of Sukhbaatar et al. 2015, sec. 4.2: the learning rate is halved every 25 epochs of `steps`
    batches.

    Differs: they sum over 32 questions (learning rate 0.01, with a linear start 0.005, gradient norm at most 40), this
    code takes the mean. steps=None: the learning rate is constant.
    """
    rate = 0.16 if linear_start else 0.32
    if steps is not None:
        rate = keras.optimizers.schedules.ExponentialDecay(rate, 25 * steps, 0.5, staircase=True)
    return keras.optimizers.SGD(rate, clipnorm=1.25)


def with_answers(tokenizer, answers):
    """The tokenizer with each answer (bytes) added as one token after its words."""
    known = tokenizer.tokens[len(tokenizer.fixed) :]
    result = sorted(set(strings(answer_key(tokenizer, tf.constant(answers)))) - {""})
    more = [answer for answer in result if answer.encode() not in set(known)]
    return Words([*known, *more], lowercase=tokenizer.lowercase)


def asked_only(facts, questions, **result):
    """The results [B, ...], set to "" and 0 where there is no fact or no question."""
    there = tf.logical_and(facts.row_lengths() > 0, plain(questions) != "")  # [B]

    def masked(part):
        mask = tf.reshape(there, tf.concat([tf.shape(there), tf.ones([part.shape.rank - 1], tf.int32)], axis=0))
        return tf.where(mask, part, tf.zeros([], part.dtype))

    return {name: masked(part) for name, part in result.items()}


def asked(facts, questions):
    """Facts (texts, or lists of facts) and questions -> two lists of strings. Raises ValueError for unequal lengths."""
    questions = user_data.texts(questions, "question")
    if isinstance(facts, (list, tuple)):
        facts = ["\n".join(decoded(user_data.texts(part, "facts"))) if isinstance(part, (list, tuple)) else part
                 for part in facts]  # fmt: skip
    facts = user_data.texts([facts] if is_one(facts) else facts, "facts")
    if len(facts) != len(questions):
        raise ValueError(f"expected facts for each question; got {len(facts)} facts and {len(questions)} questions")
    return facts, questions


def strings(texts):
    """string tensor [B] -> a list of str."""
    return [text.decode("utf-8", "replace") for text in texts.numpy()]
