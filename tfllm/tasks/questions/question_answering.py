"""Extractive question answering: a model that reads a context and a question finds the answer. SQuAD 1.1 and 2.0."""

from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfllm import text
from tfllm.data import batches
from tfllm.layers.bert_heads import start
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.models.bert import BERT
from tfllm.models.bidaf import BiDAF
from tfllm.models.configs import BERTConfig, BiDAFConfig
from tfllm.models.encoder import Encoder
from tfllm.tasks import user_data
from tfllm.tasks.building import Builder
from tfllm.tasks.compiled import compiled
from tfllm.tasks.compiling import Metrics
from tfllm.tasks.questions import labelled_windows, question_windows, ranked_answers
from tfllm.tasks.questions.question_records import ASKS, FIELDS, asked, records_of, to_ask
from tfllm.tasks.running import rows_as_dicts
from tfllm.tasks.settings import QuestionAnsweringConfig
from tfllm.tasks.signature import Signature
from tfllm.tasks.task import Task, log
from tfllm.tasks.text_inputs import unused_weights
from tfllm.tasks.texts import is_one
from tfllm.tasks.vocabularies import expect_rows
from tfllm.text.cleaning import blank

HIDDEN = -1e9  # the logit of a position that cannot be part of an answer
SIZES = {
    "tiny": QuestionAnsweringConfig(model=BiDAFConfig(embedding_dim=50, num_units=64, num_layers=1)),
    "small": QuestionAnsweringConfig(),  # Seo et al. 2017
    "base": QuestionAnsweringConfig(
        "wordpieces", 30000, model=BERTConfig(max_length=512, num_layers=12, d_model=768, num_heads=12, dff=3072)
    ),  # Devlin et al. 2019, their smaller one
}


@keras.saving.register_keras_serializable("tfllm")
class QuestionAnswering(Task):
    """An `encoder` that reads a context and a question, its `tokenizer`, and logits of the answer's start and end.

    Records: "context", "question", "answers", "starts", as returned by data.squad. An answer is a span of its context,
    given by characters. An encoder (BERT, TextRNN) reads both as one text, below a linear layer (Devlin et al. 2019,
    sec. 4.2 and 4.3); BiDAF reads them separately (Seo et al. 2017).

    length           tokens of a window; the windows of a longer context begin `stride` tokens apart
    question_length  maximum tokens of a question; longer ones are truncated with a warning
    answer_length    maximum tokens of an answer
    no_answer        whether "no answer" is allowed: it is given if its probability relative to the best answer is above
                     `threshold`, which `choose_threshold` fits

    Raises ValueError for a tokenizer without offsets, for a length above the model's limit, and for windows with gaps
    between them.
    """

    fields, asks, inputs = FIELDS, ASKS, ("texts", "questions")

    def __init__(self, encoder, tokenizer, no_answer=False, length=None, stride=None, question_length=None,
                 answer_length=30, threshold=0.5, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.encoder, self.tokenizer = encoder, tokenizer
        self.no_answer, self.threshold, self.answer_length = bool(no_answer), float(threshold), answer_length
        self.apart = isinstance(encoder, BiDAF)
        if not hasattr(tokenizer, "encode_with_offsets"):
            raise ValueError(
                f"answers need a tokenizer with token offsets, WordPieces or Words; got {type(tokenizer).__name__}"
            )
        self.length, self.stride, self.question_length = question_windows.sizes(
            encoder.max_length, length, stride, question_length, answer_length, self.apart
        )
        if self.apart:
            self.head = None
        elif isinstance(encoder, Encoder):
            for weight in unused_weights(encoder, True):
                weight.trainable = False
            kernel = start() if isinstance(encoder, BERT) else "glorot_uniform"
            self.head = keras.layers.Dense(2, kernel_initializer=kernel, name="head", dtype=encoder.dtype_policy)
            self.head.build((None, None, encoder.width))
        else:
            raise ValueError(f"expected an Encoder (BERT, TextRNN) or a BiDAF; got {type(encoder).__name__}")
        expect_rows(encoder, tokenizer)
        self.built = True

    @classmethod
    def from_text(cls, records: Any, config: str | QuestionAnsweringConfig = "tiny", embeddings: Any = None,
                  embeddings_trainable: bool | str | None = None) -> "QuestionAnswering":  # fmt: skip
        """Learn the vocabulary of contexts and questions and build an untrained model.

        records: as for `fit`. config: a QuestionAnsweringConfig or its name: "tiny" (default), "small", "base".
        embeddings, embeddings_trainable: word vectors, see `tasks.building.Builder`; they override the config.
        """
        build = Builder(config, SIZES, embeddings, embeddings_trainable)
        contexts, questions, answers, _ = asked(records)
        tokenizer = build.learn([*dict.fromkeys(contexts), *questions])
        no_answer = not all(answers) if build.config.no_answer is None else build.config.no_answer
        return cls(build.model(tokenizer), tokenizer, **build.options(cls, no_answer=no_answer))

    @classmethod
    def from_encoder(cls, encoder: Any, tokenizer: Any, **options: Any) -> "QuestionAnswering":
        """A new head on a pretrained model, such as the `encoder` of a MaskedLanguageModel.

        The model is shared, not copied, so training changes it. options: arguments of the class.
        """
        return cls(encoder, tokenizer, **options).pretrained(3e-4)

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path, encoder_rate: float | None = None, dtype: str | None = None,
                        **options: Any) -> "QuestionAnswering":  # fmt: skip
        """A BERT with its tokenizer, and its head if it has one: a folder in Hugging Face's format, or a name on its
        hub.

        BertForQuestionAnswering has a head; otherwise the head is new and untrained, which is logged.
        encoder_rate: probability of dropout in the model, to override the checkpoint's. options: arguments of the
        class.
        """
        from tfllm.interop import bert, bert_answers, huggingface

        folder = huggingface.folder(path_or_name)
        encoder = bert.load(folder, encoder_rate, "first", dtype=dtype)  # no pooler is used
        task = cls(encoder, text.WordPieces.from_folder(folder), **options)
        if not bert_answers.fill(task.head, folder):
            log.info("%s: the head is new and untrained", path_or_name)
        return task.pretrained()

    def check_settings(self):
        question_windows.sizes(
            self.encoder.max_length, self.length, self.stride, self.question_length, self.answer_length, self.apart
        )

    def windows(self, texts, questions):
        """Contexts and questions, strings [B] -> question_windows.Windows."""
        return question_windows.windows(
            self.tokenizer, texts, questions, self.length, self.stride, self.question_length, self.apart,
            getattr(self.encoder, "segments", 0),
        )  # fmt: skip

    def prepare(self, texts, questions):
        """Contexts and questions, strings [B] -> inputs of the model, a dict of ragged tensors [W, None]."""
        return self.windows(texts, questions).inputs

    def records(self, x, y=None, sample_weight=None):
        """Questions in any form of `question_records.asked` -> a dataset of records of `fields`."""
        if y is not None:
            raise ValueError("pass questions, contexts and answers together as the first argument: leave y out")
        if sample_weight is not None:
            raise ValueError("a question becomes one row per window: leave sample_weight out")
        return records_of(x)

    def asked(self, x):
        return to_ask(x) if isinstance(x, list) else super().asked(x)

    def example(self, record):
        return self.checked(record)[0]

    def checked(self, record):
        """-> (the examples, one per window; flags), see `labelled_windows.flagged`."""
        windows = self.windows(record["context"], record["question"])
        return labelled_windows.flagged(windows, record["answer"], record["start"], self.answer_length)

    def rows(self, records, verbose=0):
        """As in Task, one row for each window. Answers that cannot be learned log a warning."""
        rows, flags = batches.rows(records, self.checked, verbose)
        self.warn(**{name: flag.flat_values.numpy() for name, flag in flags.items()})
        return rows

    def warn(self, cut, **flags):
        labelled_windows.warn(self.question_length, self.answer_length, cut, **flags)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, return_dict: bool = False, tokens: str | None = None,
                 **options: Any) -> Metrics:  # fmt: skip
        """As `Task.evaluate`, with "exact" and "f1" of the official SQuAD scripts, see `score`."""
        x = user_data.materialize(x)
        result: Any = super().evaluate(x, y, *args, **options | {"return_dict": True})
        if user_data.is_keras_data(x, with_targets=True):
            return result if return_dict else [*result.values()]
        scores = self.score(x, tokens)
        result |= {"exact": scores.exact.value, "f1": scores.f1.value}
        return result if return_dict else [result.pop("loss"), *result.values()]

    def call(self, inputs, training=None):
        """-> logits [W, 2, T] of the answer's start and end; the first position stands for no answer."""
        allowed = ops.cast(inputs["allowed"], "bool")[:, None]
        if self.apart:
            masks = {name: ops.cast(inputs[name], "bool") for name in ("context_mask", "question_mask")}
            logits = self.encoder(inputs["context"], inputs["question"], **masks, training=training)
        else:
            x = self.encoder(
                inputs["token_ids"], segment_ids=inputs.get("segment_ids"),
                padding_mask=ops.cast(inputs["padding_mask"], "bool"), training=training,
            )  # fmt: skip
            logits = ops.transpose(self.head(x), (0, 2, 1))
        return ops.where(allowed, ops.cast(logits, "float32"), HIDDEN)

    def objective(self):
        """The mean cross-entropy of starts and ends, Devlin et al. 2019, sec. 4.2; metric: start_and_end_accuracy.

        That is the share of correct starts and ends over all windows. In a window without the answer both are the first
        position. If most windows have no answer, an untrained model that never answers has a high accuracy, which may
        fall while the loss falls: use `score` for the quality of answers.
        """
        loss, accuracy = TokenCrossEntropy(), TokenAccuracy(name="start_and_end_accuracy")
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), accuracy]}

    def ranked(self, texts, questions, n_best=1):
        """Contexts and questions, strings [B] -> the `n_best` most probable spans of each context.

        text, start, end, score  [B, K], best first; "", -1, -1, 0 beyond the number of spans. start, end: characters
        score      probability among all spans of at most `answer_length` tokens and, if the task allows it, no answer
        none       [B] probability of no answer among them; 0 if the task must answer
        no_answer  [B] the same relative to the best span alone: 1 / (1 + exp(best logit - logit of no answer))
        cut        [B] truncated tokens of the question

        An empty context has no spans, and an empty question no answer: text is "". The answer to a question does not
        depend on the other questions.
        """
        texts = tf.where(blank(questions) | blank(texts), "", texts)
        model, windows = partial(self, training=False), self.windows(texts, questions)
        return ranked_answers.ranked(model, windows, texts, self.answer_length, n_best, self.no_answer)

    def answer(self, texts, questions):
        """Contexts and questions, strings [B] -> {"text", "start", "end", "score", "no_answer", "cut"}, all [B].

        The best of `ranked`; if no_answer is above `threshold`, text is "", start and end are -1, and score is the
        probability of no answer. The same holds for an empty context or question, with score 0 if the task must answer.
        """
        result = self.ranked(texts, questions)
        return ranked_answers.best(result, result["no_answer"] > (self.threshold if self.no_answer else 2.0))

    @property
    @compiled
    def ranking(self):
        """`ranked` as a Signature with the scalar n_best."""
        return Signature(self.ranked, self.inputs, {"n_best": tf.constant(1)})

    def signatures(self, n_best: int = 5) -> dict[str, Signature]:
        """Inputs: texts (contexts) and questions. serving_default -> as `answer`; n_best -> as `ranked`."""
        several = Signature(partial(self.ranked, n_best=n_best), self.inputs)
        return super().signatures() | {"n_best": several}

    def generate(self, context: Any, question: Any, n_best: int | None = None, batch_size: int = 16) -> Any:
        """A context and a question -> {"text", "start", "end", "score", "no_answer"}; lists of both -> a list of dicts.

        n_best: return a list of up to that many dicts for each question instead; they are spans of the context whatever
        `threshold` is. Raises ValueError for lists of unequal lengths.
        """
        if n_best is not None and n_best < 1:
            raise ValueError(f"n_best must be 1 or more; got {n_best}")
        if is_one(context) and not is_one(question):
            questions = user_data.texts(question, "question")
            context, question = [context] * len(questions), questions

        def convert(result):
            self.warn(result["cut"] > 0)
            readable = ranked_answers.as_dict if n_best is None else ranked_answers.as_dicts
            return [readable(one) for one in rows_as_dicts(result)]

        signature, scalars = ("serving_default", {}) if n_best is None else (self.ranking, {"n_best": n_best})
        return self.run(signature, context, question, convert=convert, batch_size=batch_size, **scalars)

    def score(self, x: Any, tokens: str | None = None, batch_size: int = 16) -> Any:
        """Exact match and F1 of the answers to these records, against all references -> evaluation.SquadScores.

        tokens: "words", "characters", or None: chosen by the script of the references. If the task allows no answer, by
        the rules of SQuAD 2.0, with the best thresholds.
        """
        return self.judged(x, tokens, batch_size)[0]

    def judged(self, x, tokens=None, batch_size=16):
        """-> (the result of `score`, no_answer [N])."""
        from tfllm import evaluation

        evaluation.scripts.checked(tokens)
        contexts, questions, references, _ = asked(x)
        result = self.run(self.ranking, contexts, questions, batch_size=batch_size)
        self.warn(result["cut"] > 0)
        texts = [text.decode("utf-8", "replace") for text in result["text"][:, 0]]
        more = (result["no_answer"], self.threshold) if self.no_answer else ()
        return evaluation.squad(texts, references, *more, tokens=tokens), result["no_answer"]

    def choose_threshold(self, x: Any, tokens: str | None = None) -> float:
        """Find the `threshold` with the best F1 on these records, set it and return it.

        It lies half-way to the next question's probability, so that rounding changes no answer. Raises ValueError for a
        task that must answer.
        """
        if not self.no_answer:
            raise ValueError("this task always answers: a threshold needs no_answer=True")
        scores, no_answer = self.judged(x, tokens)
        at = scores.best_f1.at
        self.threshold = float(at + np.min(no_answer[no_answer > at], initial=1.0)) / 2
        return self.threshold
