"""Text classification: any model that reads text, and its tokenizer, from one text or two to a label."""

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfllm.models.configs import BERTConfig, TextRNNConfig
from tfllm.tasks import text_inputs, user_data
from tfllm.tasks.building import Builder
from tfllm.tasks.classification import classifier_head, label_scores, label_weights, labelled_examples
from tfllm.tasks.classification.labelled_records import are_pairs, records_of, to_classify, with_fields
from tfllm.tasks.classification.labels import SEPARATOR, Labels
from tfllm.tasks.compiled import compiled
from tfllm.tasks.settings import TextClassifierConfig
from tfllm.tasks.signature import Signature
from tfllm.tasks.task import Task, log
from tfllm.tasks.texts import is_one
from tfllm.tasks.vocabularies import expect_rows

LENGTH = 512  # default maximum tokens of a text, if the model has no limit
SIZES = {
    "tiny": TextClassifierConfig(),  # Kim 2014
    "small": TextClassifierConfig(model=TextRNNConfig(embedding_dim=300, num_units=512)),
    "base": TextClassifierConfig(
        "wordpieces", 30000, model=BERTConfig(max_length=512, num_layers=12, d_model=768, num_heads=12, dff=3072)
    ),  # Devlin et al. 2019, their smaller one
}


@keras.saving.register_keras_serializable("tfllm")
class TextClassifier(Task):
    """A model (Encoder or CausalModel) with its `tokenizer` and a linear head: logits = W drop(vector) + b.

    TextClassifier.from_text(records) learns tokenizer and labels and builds a model. Records have "text" (and "pair",
    the second text) and "label", all strings.

    labels         C names, in the order of the logits; none for a regression
    kind           "single": each text has one label; "multi": any number, joined in its record by the `separator`;
                   "regression": a number
    pairs          whether it reads two texts; see text_inputs.py
    length         maximum tokens of a text, or of two packed into one; default: the model's limit, or 512. Longer texts
                   are truncated with a warning
    class_weights  {label: weight in the loss}, or "balanced", by the records of the first `fit` (label_weights.py)
    temperature    the divisor of the logits before the softmax (Guo et al. 2017), which `calibrate` fits
    pooling        a kind of layers.Pooling that replaces the model's own; default for a causal model: "last"
    rate           probability of dropout before the head; None: that of the model

    Weights of the model that do not affect the answer, such as those of a softmax over words, are frozen.
    Raises ValueError for labels that do not fit the kind, and for a length above the model's limit.
    """

    max_rows, allows_sample_weight = 32, True
    fixed = ("labels", "kind", "pairs", "separator", "pooling", "rate")

    def __init__(self, encoder, tokenizer, labels=(), kind="single", pairs=False, length=None, class_weights=None,
                 temperature=1.0, pooling=None, rate=None, separator=SEPARATOR, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.kinds = Labels(labels, kind, separator)
        self.labels, self.kind, self.pairs, self.separator = self.kinds.names, kind, pairs, separator
        self.encoder, self.tokenizer, self.temperature = encoder, tokenizer, float(temperature)
        self.fields = ("text", "pair", "label") if pairs else ("text", "label")
        self.length = length or encoder.max_length or LENGTH
        if tokenizer.end is None:
            raise ValueError("a classifier needs a tokenizer with an END token")
        expect_rows(encoder, tokenizer)
        self.class_weights = label_weights.checked(self.kinds, class_weights)
        self.check_settings()
        self.pooling, self.rate = pooling, rate
        self.pool, self.drop, self.head = classifier_head.build(encoder, self.kinds.size, pairs, pooling, rate)
        self.built = True

    def check_settings(self):
        super().check_settings()
        label_weights.checked(self.kinds, self.class_weights)

    @classmethod
    def from_text(cls, records: Any, labels: Any = None, config: str | TextClassifierConfig = "tiny",
                  embeddings: Any = None,
                  embeddings_trainable: bool | str | None = None) -> "TextClassifier":  # fmt: skip
        """Learn the vocabulary and the labels of the records and build an untrained model.

        records: a dataset of {"text", "label"}, of {"text", "pair", "label"}, or of (text, label), or a list of texts,
        or of pairs of texts, with a list of `labels`; see `labelled_records.records_of`.
        config: a TextClassifierConfig or its name: "tiny" (default), "small", "base".
        embeddings, embeddings_trainable: word vectors, see `tasks.building.Builder`; they override the config.
        """
        build = Builder(config, SIZES, embeddings, embeddings_trainable)
        settings = build.config
        records = records_of(records, labels, settings.separator, known=() if settings.kind == "regression" else None)
        pairs = "pair" in records.element_spec
        if "label" not in records.element_spec:
            raise ValueError(f"expected records with texts and labels; these have {list(records.element_spec)}")
        *texts, labels = user_data.columns(records, *(("text", "pair", "label") if pairs else ("text", "label")))
        names = Labels.learned(labels, settings.kind, settings.separator)
        tokenizer = build.learn([one for part in texts for one in part])
        task = cls(build.model(tokenizer), tokenizer, **build.options(cls, labels=names.names, pairs=pairs))
        task.class_weights = label_weights.settled(task.kinds, task.class_weights, records)
        return task

    @classmethod
    def from_encoder(cls, encoder: Any, tokenizer: Any, labels: Any = (), **options: Any) -> "TextClassifier":
        """A new head on a pretrained model, such as the `encoder` of a MaskedLanguageModel.

        The model is shared, not copied, so training changes it. options: arguments of the class.
        """
        return cls(encoder, tokenizer, labels, **options).pretrained(3e-4)

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path, labels: Any = None, kind: str | None = None,
                        encoder_rate: float | None = None, dtype: str | None = None,
                        **options: Any) -> "TextClassifier":  # fmt: skip
        """A BERT or GPT-2 with its tokenizer, and its head if it has one: a folder in Hugging Face's format, or a name
        on its hub.

        labels, kind: default: those of the folder's head (BertForSequenceClassification: classifier, id2label,
        problem_type), which is then used. With other labels or another pooling the head is new and untrained, which is
        logged. encoder_rate: probability of dropout in the model, to override the checkpoint's. options: arguments of
        the class. The pooling of a folder of sentence-transformers is that of its config.
        Raises ValueError if the folder has no head and no labels are given, and the errors of interop.bert and
        interop.gpt2.
        """
        from tfllm.tasks.classification import pretrained_classifier

        checkpoint = pretrained_classifier.load(path_or_name, encoder_rate, dtype)
        task = cls(checkpoint.encoder, checkpoint.tokenizer, *checkpoint.labels(labels, kind), **options)
        if not checkpoint.fill(task):
            log.info("%s: the head is new and untrained", path_or_name)
        return task.pretrained()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write model, head and tokenizer in Hugging Face's format, for `from_pretrained` of both libraries.

        The weights of the head are divided by the temperature. Raises ValueError unless the model is a BERT with its
        pooler and a WordPieces tokenizer.
        """
        from tfllm.tasks.classification import pretrained_classifier

        pretrained_classifier.save(self, folder)

    # Text -> inputs of the model

    @property
    def asks(self):
        return self.fields[:-1]

    @property
    def inputs(self):
        return ("texts", "pairs")[: 1 + self.pairs]

    def read(self, texts, pairs=None):
        """strings [B] -> (inputs of the model, tokens of each text [B]), see `text_inputs.read`."""
        self.expect_pairs(pairs is not None)
        return text_inputs.read(self.encoder, self.tokenizer, self.length, texts, pairs)

    def expect_pairs(self, given):
        """Raise ValueError if second texts are missing, or given to a classifier of single texts."""
        if given != self.pairs:
            what = "two texts: pass texts and pairs" if self.pairs else "one text: leave pairs out"
            raise ValueError(f"this classifier reads {what}")

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None] of single texts, with special tokens, truncated to `length`."""
        return text_inputs.read(self.encoder, self.tokenizer, self.length, texts)[0]["token_ids"]

    def example(self, record):
        return self.checked(record)[0]

    def checked(self, record):
        """-> (the example, flags), see `labelled_examples.flagged`."""
        texts = [record[name] for name in self.asks]
        inputs, sizes = self.read(*texts)
        cut, empty = sizes > self.length, text_inputs.both_blank(*texts)
        return labelled_examples.flagged(inputs, cut, empty, record["label"], self.kinds, self.class_weights)

    def rows(self, records, verbose=0):
        return labelled_examples.rows(records, self.checked, self.kinds, self.length, verbose)

    def records(self, x, y=None, sample_weight=None):
        """Texts and labels in any form of `from_text` -> a dataset of records of `fields`."""
        return with_fields(records_of(x, y, self.separator, sample_weight, self.labels), self.fields)

    # Methods of Keras for labels in all forms

    def fit(self, x: Any = None, y: Any = None, *args: Any, sample_weight: Any = None, class_weight: Any = None,
            **options: Any) -> keras.callbacks.History:  # fmt: skip
        """As `Task.fit`, for all forms of data of `from_text`. A temperature fitted earlier is reset to 1.

        class_weight: of this training, multiplied by the classifier's own weights: {label: weight} by name, or by
        number if no label has that name; 1 for other labels; or "balanced". Validation has none, as in Keras.
        A batch has 32 texts, or fewer so that an epoch has 50 batches, unless `batch_size` or `batch_tokens` is given.
        """
        x = user_data.materialize(x)
        if user_data.is_keras_data(x, with_targets=True):
            options |= {"class_weight": class_weight}
        else:
            x, y, sample_weight = self.records(x, y, sample_weight), None, None
            self.class_weights = label_weights.settled(self.kinds, self.class_weights, x)
            x = label_weights.weighted(self.kinds, class_weight, x)
            if self.temperature != 1.0:
                log.warning("the temperature %.3f was fitted before this training: reset to 1", self.temperature)
                self.temperature = 1.0
        options |= {"sample_weight": sample_weight}
        return super().fit(x, y, *args, **options)

    @property
    def divergence_factor(self):
        """See Task. The loss of a regression may differ much from batch to batch."""
        return 1e4 if self.kind == "regression" else super().divergence_factor

    def call(self, inputs, training=None):
        """{"token_ids" [B, T], ...} -> logits [B, C]."""
        x = text_inputs.vector(self.encoder, self.pool, inputs, training)
        return self.head(self.drop(x, training=training))

    def objective(self):
        return self.kinds.objective()

    # Answers

    def logits(self, texts, pairs=None):
        """strings [B] -> float32 [B, C]."""
        return self.logits_and_cut(texts, pairs)["logits"]

    def logits_and_cut(self, texts, pairs=None):
        """strings [B] -> {"logits": float32 [B, C], "cut": [B], number of truncated tokens of the text}."""
        inputs, sizes = self.read(texts, pairs)
        logits = tf.cast(self(text_inputs.dense(inputs), training=False), tf.float32)
        return {"logits": logits, "cut": tf.cast(tf.maximum(sizes - self.length, 0), tf.int32)}

    def answer(self, texts, pairs=None):
        """strings [B] -> {"label", "score", "cut": [B], "labels", "probabilities": [B, C]}, see `Labels.answer`.

        cut: number of truncated tokens. The answer to a text does not depend on the other texts.
        """
        result = self.logits_and_cut(texts, pairs)
        answer = self.kinds.answer(result["logits"] / self.temperature, text_inputs.both_blank(texts, pairs))
        return answer | {"cut": result["cut"]}

    def classify(self, texts: Any, pairs: Any = None, batch_size: int = 64, verbose: int | str = "auto") -> Any:
        """A text -> {"label", "score", "probabilities": {label: probability}}; a list -> a list of dicts, in order.

        pairs: the second text, or the second texts. texts may also be a list of pairs of texts, or a dataset of
        records, which gives a generator of answers. label: for kind "multi" a list of labels; a regression has no
        probabilities. For an empty text (white space; both of a pair) the label is "" or [], and score and
        probabilities are 0.
        """

        def convert(result):
            text_inputs.warn_cut(result["cut"] > 0, self.length)
            return self.kinds.as_dicts(result)

        if isinstance(texts, tf.data.Dataset) and pairs is None:
            columns = [texts]
        else:
            texts, pairs = (texts, pairs) if is_one(texts) else to_classify(self.asks, texts, pairs)
            self.expect_pairs(pairs is not None)
            columns = [texts, pairs] if self.pairs else [texts]
        return self.run("serving_default", *columns, convert=convert, batch_size=batch_size, verbose=verbose)

    def asked(self, x):
        both = isinstance(x, tuple) and len(x) == 2 and self.pairs and not are_pairs(x)
        texts, pairs = to_classify(self.asks, *x) if both else to_classify(self.asks, x)
        if self.pairs and pairs is None:
            raise ValueError("this classifier reads two texts: pass a tuple, (texts, pairs), or a list of pairs")
        return [texts, pairs] if self.pairs else [texts]

    @property
    @compiled
    def of_logits(self):
        """`logits_and_cut` as a Signature."""
        return Signature(self.logits_and_cut, self.inputs)

    def judged(self, x, y=None, batch_size=64, verbose="auto"):
        """Records with labels -> (logits [N, C], targets [N, 1 or C])."""
        *texts, labels = user_data.columns(self.records(x, y), *self.fields)
        targets = labelled_examples.targets(self.kinds, labels)
        labelled_examples.refuse_empty(text_inputs.both_blank(*texts).numpy())
        result = self.run(self.of_logits, *texts, batch_size=batch_size, verbose=verbose)
        text_inputs.warn_cut(result["cut"] > 0, self.length)
        return result["logits"], targets

    def score(self, x: Any, y: Any = None, batch_size: int = 64, verbose: int | str = "auto", **options: Any) -> Any:
        """The scores on labelled records -> evaluation.ClassificationReport, or the report of the kind.

        options: arguments of the report, such as seed. Raises ValueError for an empty text, as `fit` does.
        """
        logits, targets = self.judged(x, y, batch_size, verbose)
        return label_scores.report(self.kinds, logits, targets, self.temperature, **options)

    def calibrate(self, x: Any, y: Any = None, batch_size: int = 64, verbose: int | str = "auto") -> float:
        """Fit the temperature on records that were not trained on, and return it; labels do not change.

        Guo et al. 2017, sec. 4.2. Raises ValueError for a regression.
        """
        if self.kind == "regression":
            raise ValueError("a regression has no probabilities to calibrate")
        self.temperature = label_scores.fitted_temperature(self.kinds, *self.judged(x, y, batch_size, verbose))
        return self.temperature
