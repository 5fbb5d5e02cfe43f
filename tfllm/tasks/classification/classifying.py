"""What a classifier does with texts and labels: it is fitted, answers, is scored, calibrated and exported."""

import numpy as np
import tensorflow as tf

from tfllm import ragged
from tfllm.data import batches
from tfllm.tasks import records as gate
from tfllm.tasks.classification.labelled_records import are_pairs, fields_of, records_of
from tfllm.tasks.classification.labels import BALANCED
from tfllm.tasks.compiled import compiled
from tfllm.tasks.signature import Signature
from tfllm.tasks.task import Task, log
from tfllm.tasks.text_inputs import both_blank, dense, read, vector, warn_cut
from tfllm.tasks.texts import is_one


class Classifier(Task):
    """Abstract. A final task has an `encoder` and its `tokenizer`, `pool`, `drop` and `head`, `kinds` (labels.py), and
    `labels`, `kind`, `pairs`, `length`, `class_weights` and `temperature`.
    """

    most_rows, weighable = 32, True

    @property
    def explodes_at(self):
        """See Task. Numbers of a regression may differ by much from one batch to the next."""
        return 1e4 if self.kind == "regression" else super().explodes_at

    # From text to what the model is fed

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None] of single texts, with their marks, cut to `length`."""
        return read(self.encoder, self.tokenizer, self.length, texts)[0]["token_ids"]

    def example(self, record):
        return self.checked(record)[0]

    def checked(self, record):
        """-> (the example, flags): "bad" labels, "cut" texts and "empty" ones, each ragged [B, 1] bool."""
        pairs = record["pair"] if self.pairs else None
        inputs, sizes = read(self.encoder, self.tokenizer, self.length, record["text"], pairs)
        targets, good = self.kinds.targets(record["label"])
        weights = self.kinds.weights(targets, self.weighing)
        flags = {"bad": ~good, "cut": sizes > self.length, "empty": both_blank(record["text"], pairs)}
        flags = {name: ragged.column(flag) for name, flag in flags.items()}
        targets, weights = tf.nest.map_structure(tf.RaggedTensor.from_tensor, (targets, weights))
        return (inputs, targets, weights), flags

    def rows(self, records, verbose=0):
        """As of a Task. ValueError for an empty text and for a label that is none; a warning for what is cut."""
        rows, flags = batches.rows(records, gate.weighed(self.checked), verbose)
        flags = {name: flag.flat_values.numpy() for name, flag in flags.items()}
        if flags["bad"].any():
            self.expect_labels(gate.columns(records, "label")[0])
        refuse_empty(flags["empty"])
        warn_cut(flags["cut"], self.length)
        return rows

    def expect_labels(self, labels):
        """Labels (bytes) -> their targets. ValueError for what is none."""
        targets, good = self.kinds.targets(tf.constant(labels, tf.string))
        if not good.numpy().all():
            raise ValueError(self.kinds.wrong(labels, good.numpy()))
        return targets.numpy()

    def balance(self, records):
        """class_weights "balanced" become numbers, by these records."""
        if self.class_weights == BALANCED:
            self.class_weights = self.kinds.balanced(gate.columns(records, "label")[0])

    def heavier(self, records, class_weight):
        """Records with the class weights of one training in their sample weights."""
        if class_weight is None:
            return records
        if self.kind != "single":
            raise ValueError(f"class_weight is of single labels; these are {self.kind}: TextClassifier(class_weights=)")
        if class_weight == BALANCED:
            class_weight = self.kinds.balanced(gate.columns(records, "label")[0])
        heavy = tf.constant(self.kinds.by_class(class_weight))

        def weigh(record):
            number = tf.argmax(tf.constant(self.labels) == record["label"])
            return record | {gate.WEIGHT: record.get(gate.WEIGHT, 1.0) * heavy[number]}

        return records.map(weigh)

    @property
    def weighing(self):
        """[C] of the class weights, or None where all weigh alike."""
        known = isinstance(self.class_weights, dict)
        return np.array([self.class_weights[name] for name in self.labels], "float32") if known else None

    def records(self, x, y=None, sample_weight=None):
        """Texts and labels in any of the forms that `from_text` takes -> a dataset of records of `fields`."""
        records = records_of(x, y, self.separator, sample_weight, self.labels)
        if missing := [name for name in self.fields if name not in records.element_spec]:
            raise ValueError(
                f"this classifier needs records with {list(self.fields)}; these have {list(records.element_spec)}, "
                f"so that {missing[0]!r} is missing"
            )
        names = [name for name in (*self.fields, gate.WEIGHT) if name in records.element_spec]
        return records.map(lambda record: {name: record[name] for name in names})

    # Keras' own methods, with labels in all their forms

    def fit(self, x=None, y=None, *args, sample_weight=None, class_weight=None, **options):
        """As `Task.fit`; what is told as in `from_text`. A temperature that was fitted to other weights becomes 1.

        class_weight: of this training, on top of the classifier's own: {label: weight} by name, or by its number where
        no label is named so; 1 for those left out; or "balanced". Validation has none, as in Keras.
        Batches have 32 texts, fewer where an epoch would have less than 50 batches, unless `batch_size` or
        `batch_tokens` say otherwise.
        """
        x = gate.held(x)
        if gate.is_ready(x, with_targets=True):
            options |= {"class_weight": class_weight}
        else:
            x, y, sample_weight = self.records(x, y, sample_weight), None, None
            self.balance(x)
            x = self.heavier(x, class_weight)
            if self.temperature != 1.0:
                log.warning("the temperature %.3f was fitted before this training: it is 1 again", self.temperature)
                self.temperature = 1.0
        return super().fit(x, y, *args, sample_weight=sample_weight, **options)

    def call(self, inputs, training=None):
        """{"token_ids" [B, T], ...} -> logits [B, C]."""
        x = vector(self.encoder, self.pool, inputs, training)
        return self.head(self.drop(x, training=training))

    def objective(self):
        return self.kinds.objective()

    # Answers

    def read(self, texts, pairs=None):
        """strings [B] -> (what the model is fed, tokens of each text [B]), see `text_inputs.read`."""
        self.expect_pairs(pairs is not None)
        return read(self.encoder, self.tokenizer, self.length, texts, pairs)

    def expect_pairs(self, given):
        """ValueError where second texts are given, or not, and the classifier reads other texts."""
        if given != self.pairs:
            raise ValueError(
                "this classifier reads two texts: give texts and pairs" if self.pairs
                else "this classifier reads one text: leave pairs out"
            )  # fmt: skip

    def logits(self, texts, pairs=None):
        """strings [B] -> float32 [B, C]."""
        return self.of_inputs(self.read(texts, pairs)[0])

    def of_inputs(self, inputs):
        return tf.cast(self(dense(inputs), training=False), tf.float32)

    def answer(self, texts, pairs=None):
        """strings [B] -> {"label", "score", "cut": [B], "labels", "probabilities": [B, C]}, see `Labels.answer`.

        cut: how many tokens of the text were not read. What is said of a text does not depend on the texts beside it.
        """
        inputs, sizes = self.read(texts, pairs)
        found = self.kinds.answer(self.of_inputs(inputs) / self.temperature, both_blank(texts, pairs))
        return found | {"cut": tf.cast(tf.maximum(sizes - self.length, 0), tf.int32)}

    def classify(self, texts, pairs=None, batch_size=64, verbose="auto"):
        """A text -> {"label", "score", "probabilities": {label: probability}}; a list -> a list of them, in order.

        pairs: the second text of each, or the second texts. texts may be a list of two texts each, or a dataset of
        records, too. label: of kind "multi" a list of labels; a regression has no probabilities. Of an empty text
        (white space; both of a pair) the label is "" or [], score and probabilities are 0.
        """

        def tell(found):
            warn_cut(found["cut"] > 0, self.length)
            return self.kinds.told(found)

        if isinstance(texts, tf.data.Dataset) and pairs is None:
            columns = [texts]
        else:
            texts, pairs = (texts, pairs) if is_one(texts) else self.columns(texts, pairs)
            self.expect_pairs(pairs is not None)
            columns = [texts, pairs] if self.pairs else [texts]
        return self.run("serving_default", *columns, tell=tell, batch_size=batch_size, verbose=verbose)

    def columns(self, texts, pairs=None):
        """Texts, or records -> two lists of bytes, the second None where there is one text each."""
        if isinstance(texts, (tf.data.Dataset, dict)):
            fields_of(getattr(texts, "element_spec", texts))
            records = gate.read(self.asks, texts, pairs, who="this classifier")
            return (*gate.columns(records, *self.asks), None)[:2]
        if self.pairs and pairs is None and are_pairs(texts):
            texts, pairs = zip(*texts, strict=True)
        texts, pairs = gate.texts(texts), None if pairs is None else gate.texts(pairs, "pair")
        if pairs is not None and len(texts) != len(pairs):
            raise ValueError(f"expected a second text for each; got {len(texts)} and {len(pairs)}")
        return texts, pairs

    @property
    def asks(self):
        return self.fields[:-1]

    @property
    def inputs(self):
        return ("texts", "pairs")[: 1 + self.pairs]

    def asked(self, x):
        both = isinstance(x, tuple) and len(x) == 2 and self.pairs and not are_pairs(x)
        texts, pairs = self.columns(*x) if both else self.columns(x)
        if self.pairs and pairs is None:
            raise ValueError("this classifier reads two texts: give a tuple, (texts, pairs), or a list of pairs")
        return [texts, pairs] if self.pairs else [texts]

    @property
    @compiled
    def of_logits(self):
        """`logits` as a Signature."""

        def logits(texts, pairs=None):
            inputs, sizes = self.read(texts, pairs)
            return {"logits": self.of_inputs(inputs), "cut": sizes > self.length}

        return Signature(logits, self.inputs)

    def judged(self, x, y=None, batch_size=64, verbose="auto"):
        """Records with labels -> (logits [N, C], targets [N, 1 or C])."""
        *texts, labels = gate.columns(self.records(x, y), *self.fields)
        targets = self.expect_labels(labels)
        refuse_empty(both_blank(*texts).numpy())
        found = self.run(self.of_logits, *texts, batch_size=batch_size, verbose=verbose)
        warn_cut(found["cut"], self.length)
        return found["logits"], targets

    def score(self, x, y=None, batch_size=64, verbose="auto", **options):
        """How well the labels of the records are found -> evaluation.ClassificationReport, or that of the kind.

        options: of the report, such as seed. ValueError for an empty text, as in `fit`.
        """
        from tfllm import evaluation

        logits, targets = self.judged(x, y, batch_size, verbose)
        if self.kind == "regression":
            return evaluation.regression_report(targets[:, 0], logits[:, 0], **options)
        found = self.kinds.answer(logits / self.temperature, np.zeros(len(logits), bool))
        options |= {"labels": list(self.labels), "probabilities": found["probabilities"].numpy()}
        if self.kind == "multi":
            return evaluation.multilabel_report(targets.astype(int), (logits > 0).astype(int), **options)
        return evaluation.classification_report(targets[:, 0], logits.argmax(axis=1), **options)

    def calibrate(self, x, y=None, batch_size=64, verbose="auto"):
        """Fits the temperature to records that were not trained on, and returns it; no decision changes.

        Guo et al. 2017, sec. 4.2. ValueError for a regression.
        """
        from tfllm import evaluation

        if self.kind == "regression":
            raise ValueError("a regression has no probabilities to calibrate")
        logits, targets = self.judged(x, y, batch_size, verbose)
        targets = targets[:, 0] if self.kind == "single" else targets
        self.temperature = float(evaluation.fit_temperature(logits, targets, self.kind))
        return self.temperature


def refuse_empty(empty):
    """ValueError where one of these flags is set."""
    if empty.any():
        raise ValueError(
            f"{empty.sum()} of {len(empty)} records have an empty text, the first is number {empty.argmax()} (from 0): "
            "leave them out, records.filter(...)"
        )
