"""What a task does that finds answers in a text: it is fitted, answers, is scored and exported."""

from functools import partial

import numpy as np
import tensorflow as tf
from keras import ops

from tfllm import ragged
from tfllm.data import batches
from tfllm.generation import numbers
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.tasks import records as gate
from tfllm.tasks.compiled import compiled
from tfllm.tasks.questions import question_windows
from tfllm.tasks.questions.question_records import ASKS, FIELDS, asked, records_of, to_ask
from tfllm.tasks.questions.span_choice import best_spans
from tfllm.tasks.signature import Signature
from tfllm.tasks.task import Task, each, log
from tfllm.tasks.text_inputs import dense
from tfllm.tasks.texts import is_one
from tfllm.text.cleaning import blank
from tfllm.text.offsets import at_tokens, covering, substrings

HIDDEN = -1e9  # the logit of a place where no answer can be
TOGETHER = 32  # windows that the model reads at a time, when it answers


class Answering(Task):
    """Abstract. A final task has an `encoder` and its `tokenizer`, a `head` where the encoder has none (`apart` is
    False), `length`, `stride`, `question_length`, `answer_length`, `no_answer` and `threshold`.
    """

    fields, asks, inputs = FIELDS, ASKS, ("texts", "questions")

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
        """-> (the examples, one a window; flags of the questions, ragged [B, 1] bool, see `warn`)."""
        found = self.windows(record["context"], record["question"])
        there = record["answer"] != ""
        begin = tf.strings.to_number(tf.where(there, record["start"], "-1"), tf.int64)
        behind = begin + tf.cast(tf.strings.length(record["answer"], unit="UTF8_CHAR"), tf.int64)
        i, j = covering(found.starts, found.ends, begin, behind)
        i, j = tf.where(there, i, 0), tf.where(there, j, -1)
        targets = question_windows.targets(found, i, j)
        seen = tf.math.unsorted_segment_max(targets[:, 1], found.owner, tf.size(found.cut))
        exact = there & (j >= i)
        at, to = (at_tokens(part, tokens[:, None])[:, 0] for part, tokens in ((found.starts, i), (found.ends, j)))
        flags = {
            "cut": found.cut > 0, "lost": there & (seen == 0), "long": j - i >= self.answer_length,
            "loose": exact & ((at != begin) | (to != behind)),
        }  # fmt: skip
        flags = {name: ragged.column(flag) for name, flag in flags.items()}
        targets = tf.RaggedTensor.from_tensor(targets)
        return (found.inputs, targets, tf.ones_like(targets, tf.float32)), flags

    def rows(self, records, verbose=0):
        """As of a Task, a row for each window. Warnings tell what cannot be learned."""
        rows, flags = batches.rows(records, self.checked, verbose)
        self.warn(**{name: flag.flat_values.numpy() for name, flag in flags.items()})
        return rows

    def warn(self, cut, lost=(), long=(), loose=()):
        """Logs what happens to questions: flags [N] each."""
        for flags, what in (
            (cut, f"questions have more than {self.question_length} tokens and lose the last"),
            (lost, "answers stand in no window whole, and are not learned: a smaller stride gives more windows"),
            (long, f"answers have more than {self.answer_length} tokens, the most that is answered"),
            (loose, "answers begin or end inside a token: the tokens around them are learned"),
        ):
            if np.any(flags):
                log.warning("%d of %d %s", np.sum(flags), len(flags), what)

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
        """-> logits [W, 2, T]: at which place the answer begins, and at which it ends; the first: there is none."""
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
        found = self.windows(texts, questions)
        logits = numbers(in_parts(lambda part: self(part, training=False), dense(found.inputs)))
        best = best_spans(logits, found, self.answer_length, n_best)
        start = tf.where(best.there, at_tokens(found.starts, best.i), -1)
        end = tf.where(best.there, at_tokens(found.ends, best.j), -1)
        total, none, no_answer = best.log_total, tf.zeros_like(best.none), tf.zeros_like(best.none)
        if self.no_answer:
            total = tf.reduce_logsumexp(tf.stack([total, best.none]), axis=0)
            none, no_answer = tf.exp(best.none - total), tf.sigmoid(best.none - best.score[:, 0])
        return {
            "text": substrings(texts, tf.maximum(start, 0), tf.maximum(end, 0)),
            "start": tf.cast(start, tf.int32), "end": tf.cast(end, tf.int32),
            "score": tf.where(best.there, tf.exp(best.score - total[:, None]), 0.0),
            "none": none, "no_answer": no_answer, "cut": tf.cast(found.cut, tf.int32),
        }  # fmt: skip

    def answer(self, texts, questions):
        """Contexts and questions, strings [B] -> {"text", "start", "end", "score", "no_answer", "cut"}, all [B].

        As the best of `ranked`; where no_answer is above `threshold`, text is "", start and end are -1, and score is
        the probability of none. So it is of an empty context and of an empty question; a task that must answer then
        has the score 0.
        """
        found = self.ranked(texts, questions)
        best = {name: found[name][:, 0] for name in ("text", "start", "end", "score")}
        silent = self.silent(found["no_answer"])
        nothing = {"text": "", "start": -1, "end": -1, "score": found["none"]}
        best = {name: tf.where(silent, nothing[name], part) for name, part in best.items()}
        return best | {"no_answer": found["no_answer"], "cut": found["cut"]}

    def silent(self, no_answer):
        """[B] bool: whether no answer is given."""
        return no_answer > (self.threshold if self.no_answer else 2.0)

    @property
    @compiled
    def ranking(self):
        """`ranked` as a Signature, how many being a number."""
        return Signature(self.ranked, self.inputs, {"n_best": tf.constant(1)})

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
            if n_best is None:
                return [plain(one) for one in each(found)]
            return [ranks(one) for one in each(found)]

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

    def signatures(self, n_best=5):
        """Of texts (contexts) and questions: serving_default -> as `answer`; n_best -> as `ranked`, so many each."""
        several = Signature(partial(self.ranked, n_best=n_best), self.inputs)
        return super().signatures() | {"n_best": several}


def in_parts(function, inputs, size=TOGETHER):
    """function(inputs [W, ...]) -> float32 [W, 2, T], of so many rows at a time: a long text takes no more memory."""
    count = tf.shape(tf.nest.flatten(inputs)[0])[0]
    parts = tf.maximum((count + size - 1) // size, 1)

    def body(i, found):
        part = tf.nest.map_structure(lambda whole: whole[i * size : (i + 1) * size], inputs)
        return i + 1, found.write(i, function(part))

    found = tf.TensorArray(tf.float32, parts, infer_shape=False, element_shape=[None, 2, None])
    return tf.while_loop(lambda i, _: i < parts, body, (0, found))[1].concat()


def plain(found):
    """A dict of NumPy values -> {"text", "start", "end", "score", "no_answer"} of Python's own."""
    return {
        "text": found["text"].decode("utf-8", "replace"), "start": int(found["start"]), "end": int(found["end"]),
        "score": float(found["score"]), "no_answer": float(found["no_answer"]),
    }  # fmt: skip


def ranks(found):
    """What `ranked` gives of one question -> a list of dicts as of `plain`: the first, and others that are there."""
    several = each({name: found[name] for name in ("text", "start", "end", "score")})
    rows = [plain(one | {"no_answer": found["no_answer"]}) for one in several]
    return [row for rank, row in enumerate(rows) if rank == 0 or row["start"] >= 0]
