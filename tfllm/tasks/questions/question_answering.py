"""Questions about a text: where in it the answer stands, with a model that reads both. SQuAD 1.1 and 2.0."""

from functools import partial

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
from tfllm.tasks import records as gate
from tfllm.tasks.building import Builder
from tfllm.tasks.compiled import compiled
from tfllm.tasks.questions import labelled_windows, question_windows, ranked_answers
from tfllm.tasks.questions.question_records import ASKS, FIELDS, asked, records_of, to_ask
from tfllm.tasks.running import each
from tfllm.tasks.settings import QuestionAnsweringConfig
from tfllm.tasks.signature import Signature
from tfllm.tasks.task import Task, log
from tfllm.tasks.text_inputs import unused_weights
from tfllm.tasks.texts import is_one
from tfllm.tasks.vocabularies import expect_rows
from tfllm.text.cleaning import blank

LENGTH = 384  # tokens of a window, where neither the user nor the model says fewer; Devlin et al. 2019's code
QUESTION = 64  # of a question, likewise
STRIDE = 128
HIDDEN = -1e9  # the logit of a position where no answer can be


SIZES = {
    "tiny": QuestionAnsweringConfig(model=BiDAFConfig(embedding_dim=50, num_units=64, num_layers=1)),
    "small": QuestionAnsweringConfig(),  # Seo et al. 2017
    "base": QuestionAnsweringConfig(
        "wordpieces", 30000, model=BERTConfig(max_length=512, num_layers=12, d_model=768, num_heads=12, dff=3072)
    ),  # Devlin et al. 2019, their smaller one
}


@keras.saving.register_keras_serializable("tfllm")
class QuestionAnswering(Task):
    """An `encoder` that reads a context and a question, its `tokenizer`, and where the answer begins and ends.

    Records: "context", "question", "answers", "starts", as data.squad gives them. An answer is part of its context,
    with the characters where it begins and ends. An encoder (BERT, TextRNN) reads both as one text, below a linear
    layer (Devlin et al. 2019, sec. 4.2 and 4.3); BiDAF reads them apart (Seo et al. 2017).

    length           tokens that the model reads at once; of a longer context the windows begin `stride` tokens apart
    question_length  tokens of a question: what is longer loses its end, and a warning says so
    answer_length    tokens of an answer, at most
    no_answer        whether it may say that there is none: where its probability beside the best answer is above
                     `threshold`, which `choose_threshold` fits

    ValueError for a tokenizer that does not know where tokens stand, for a length above the model's, and for windows
    with gaps between them.
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
                "answers need a tokenizer that knows where its tokens stand in a text, WordPieces or Words; "
                f"got {type(tokenizer).__name__}"
            )
        most = encoder.max_length
        self.length = length or min(LENGTH, most or LENGTH)
        if most is not None and self.length > most:
            raise ValueError(f"windows of {self.length} tokens: the model can take {most}")
        self.question_length = question_length or max(1, min(QUESTION, self.length // 4))
        capacity = self.length - (1 if self.apart else self.question_length + 3)
        self.stride = stride or max(1, min(STRIDE, capacity // 2))
        if not 1 <= self.stride <= capacity or answer_length < 1:
            raise ValueError(
                f"a window of {self.length} tokens has room for {capacity} of the context beside a question of "
                f"{self.question_length}: stride must be 1 to {capacity} and answer_length 1 or more; got "
                f"{self.stride} and {answer_length}"
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
    def from_text(cls, records, config="tiny", embeddings=None, embeddings_trainable=None):
        """Learns the vocabulary of contexts and questions, and builds an untrained model for it.

        records: as of `fit`. config: a QuestionAnsweringConfig, or the name of one: "tiny" (the default), "small",
        "base". embeddings, embeddings_trainable: word vectors to begin with, see `tasks.building.Builder`; above
        those of the config.
        """
        build = Builder(config, SIZES, embeddings, embeddings_trainable)
        contexts, questions, answers, _ = asked(records)
        tokenizer = build.learn([*dict.fromkeys(contexts), *questions])
        no_answer = not all(answers) if build.config.no_answer is None else build.config.no_answer
        return cls(build.model(tokenizer), tokenizer, **build.options(cls, no_answer=no_answer))

    @classmethod
    def from_encoder(cls, encoder, tokenizer, **options):
        """A new head on a model that is trained already, such as the `encoder` of a MaskedLanguageModel.

        The model is taken as it is, not copied: training goes on in it. options: as of the class.
        """
        return cls(encoder, tokenizer, **options).pretrained(3e-4)

    @classmethod
    def from_pretrained(cls, path_or_name, encoder_rate=None, dtype=None, **options):
        """A BERT with its tokenizer, and its head if it has one: a folder in Hugging Face's format, or a name.

        BertForQuestionAnswering has one; of all others the head is new and untrained, and the log says so.
        encoder_rate: probability of dropout in the model, where it is to be another. options: of the class.
        """
        from tfllm.interop import bert, bert_answers, huggingface

        folder = huggingface.folder(path_or_name)
        encoder = bert.load(folder, encoder_rate, "first", dtype=dtype)  # no pooler is used
        task = cls(encoder, text.WordPieces.from_folder(folder), **options)
        if not bert_answers.fill(task.head, folder):
            log.info("%s: the head is new and untrained", path_or_name)
        return task.pretrained()

    # From text to what the model is fed

    def windows(self, texts, questions):
        """Contexts and questions, strings [B] -> question_windows.Windows."""
        return question_windows.windows(
            self.tokenizer, texts, questions, self.length, self.stride, self.question_length, self.apart,
            getattr(self.encoder, "segments", 0),
        )  # fmt: skip

    def prepare(self, texts, questions):
        """Contexts and questions, strings [B] -> what the model is fed, a dict of ragged tensors [W, None]."""
        return self.windows(texts, questions).inputs

    def records(self, x, y=None, sample_weight=None):
        """Questions in any of the forms that `question_records.asked` tells -> a dataset of records of `fields`."""
        if y is not None:
            raise ValueError("questions, contexts and answers come together, in the first argument: leave y out")
        if sample_weight is not None:
            raise ValueError("a question becomes as many rows as it has windows: leave sample_weight out")
        return records_of(x)

    def asked(self, x):
        return to_ask(x) if isinstance(x, list) else super().asked(x)

    def example(self, record):
        return self.checked(record)[0]

    def checked(self, record):
        """-> (the examples, one a window; flags), see `labelled_windows.flagged`."""
        windows = self.windows(record["context"], record["question"])
        return labelled_windows.flagged(windows, record["answer"], record["start"], self.answer_length)

    def rows(self, records, verbose=0):
        """As of a Task, a row for each window. Warnings tell what cannot be learned."""
        rows, flags = batches.rows(records, self.checked, verbose)
        self.warn(**{name: flag.flat_values.numpy() for name, flag in flags.items()})
        return rows

    def warn(self, cut, **flags):
        labelled_windows.warn(self.question_length, self.answer_length, cut, **flags)

    # Keras' own methods, with questions in all their forms

    def evaluate(self, x=None, y=None, *args, return_dict=False, tokens=None, **options):
        """As `Task.evaluate`, and "exact" and "f1" as the official scripts count them, see `score`."""
        x = gate.held(x)
        found = super().evaluate(x, y, *args, return_dict=True, **options)
        if gate.is_ready(x, with_targets=True):
            return found if return_dict else [*found.values()]
        scores = self.score(x, tokens)
        found |= {"exact": scores.exact.value, "f1": scores.f1.value}
        return found if return_dict else [found.pop("loss"), *found.values()]

    def call(self, inputs, training=None):
        """-> logits [W, 2, T]: at which position the answer begins, and at which it ends; the first: there is none."""
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
        """The mean cross-entropy of starts and ends, Devlin et al. 2019, sec. 4.2; start_and_end_accuracy.

        That is the share of the starts and ends, taken one by one, of all windows whose position is right. In a window
        without the answer both are the first position. Where most windows are such, an untrained reader that never
        answers has a high one, and it may fall while the loss falls: how good answers are is told by `score`.
        """
        loss = TokenCrossEntropy()
        accuracy = TokenAccuracy(name="start_and_end_accuracy")
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), accuracy]}

    # Answers

    def ranked(self, texts, questions, n_best=1):
        """Contexts and questions, strings [B] -> the `n_best` parts of each context that are likeliest the answer.

        text, start, end, score  [B, K], best first; "", -1, -1, 0 where there are not so many. start, end: characters
        score      probability among all parts of at most `answer_length` tokens and, of a task that may say so, none
        none       [B] probability of no answer among them; 0 of a task that must answer
        no_answer  [B] the same beside the best part alone: 1 / (1 + exp(best logit - logit of none))
        cut        [B] tokens of the question that were not read

        An empty context has no parts, and an empty question none that answers it: text is "". What is said of a
        question does not depend on the questions beside it.
        """
        texts = tf.where(blank(questions) | blank(texts), "", texts)
        model, windows = partial(self, training=False), self.windows(texts, questions)
        return ranked_answers.ranked(model, windows, texts, self.answer_length, n_best, self.no_answer)

    def answer(self, texts, questions):
        """Contexts and questions, strings [B] -> {"text", "start", "end", "score", "no_answer", "cut"}, all [B].

        As the best of `ranked`; where no_answer is above `threshold`, text is "", start and end are -1, and score is
        the probability of none. So it is of an empty context and of an empty question; a task that must answer then
        has the score 0.
        """
        found = self.ranked(texts, questions)
        return ranked_answers.best(found, found["no_answer"] > (self.threshold if self.no_answer else 2.0))

    @property
    @compiled
    def ranking(self):
        """`ranked` as a Signature, how many being a number."""
        return Signature(self.ranked, self.inputs, {"n_best": tf.constant(1)})

    def signatures(self, n_best=5):
        """Of texts (contexts) and questions: serving_default -> as `answer`; n_best -> as `ranked`, so many each."""
        several = Signature(partial(self.ranked, n_best=n_best), self.inputs)
        return super().signatures() | {"n_best": several}

    def generate(self, context, question, n_best=None, batch_size=16):
        """A context and a question -> {"text", "start", "end", "score", "no_answer"}; lists of both -> a list of them.

        n_best: a list of so many such dicts (fewer, where the context is short) in the place of each; these are parts
        of the context, whatever `threshold` says. ValueError for lists of unequal lengths.
        """
        if n_best is not None and n_best < 1:
            raise ValueError(f"n_best must be 1 or more; got {n_best}")
        if is_one(context) and not is_one(question):
            questions = gate.texts(question, "question")
            context, question = [context] * len(questions), questions

        def tell(found):
            self.warn(found["cut"] > 0)
            readable = ranked_answers.as_dict if n_best is None else ranked_answers.as_dicts
            return [readable(one) for one in each(found)]

        signature, scalars = ("serving_default", {}) if n_best is None else (self.ranking, {"n_best": n_best})
        return self.run(signature, context, question, tell=tell, batch_size=batch_size, **scalars)

    def score(self, x, tokens=None, batch_size=16):
        """EM and F1 of the answers to these records, by all their references -> evaluation.SquadScores.

        tokens: "words", "characters", or None: by the script of the references. Of a task that may say that there is
        none, by the rules of version 2.0, with the best thresholds.
        """
        return self.judged(x, tokens, batch_size)[0]

    def judged(self, x, tokens=None, batch_size=16):
        """-> (what `score` gives, no_answer [N])."""
        from tfllm import evaluation

        evaluation.scripts.checked(tokens)
        contexts, questions, references, _ = asked(x)
        found = self.run(self.ranking, contexts, questions, batch_size=batch_size)
        self.warn(found["cut"] > 0)
        texts = [text.decode("utf-8", "replace") for text in found["text"][:, 0]]
        more = (found["no_answer"], self.threshold) if self.no_answer else ()
        return evaluation.squad(texts, references, *more, tokens=tokens), found["no_answer"]

    def choose_threshold(self, x, tokens=None):
        """The `threshold` that gives the best F1 on these records, which is set and returned.

        It lies half-way to the next question's probability, so that no rounding brings a question to the other side.
        ValueError for a task that must answer.
        """
        if not self.no_answer:
            raise ValueError("this task always answers: a threshold is of one with no_answer=True")
        scores, no_answer = self.judged(x, tokens)
        at = scores.best_f1.at
        self.threshold = float(at + np.min(no_answer[no_answer > at], initial=1.0)) / 2
        return self.threshold
