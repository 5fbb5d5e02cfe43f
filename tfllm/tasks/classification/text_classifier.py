"""Classification: any model that reads a text, and its tokenizer, from a text or two to a label and its probability."""

import keras
import tensorflow as tf

from tfllm.layers.pooling import Pooling
from tfllm.models.bert import BERT
from tfllm.models.causal import CausalModel
from tfllm.models.configs import BERTConfig, TextRNNConfig
from tfllm.models.gpt import GPT
from tfllm.tasks import records as gate
from tfllm.tasks import text_inputs
from tfllm.tasks.building import Builder
from tfllm.tasks.classification import label_scores, label_weights, labelled_examples
from tfllm.tasks.classification.labelled_records import are_pairs, records_of, to_classify, with_fields
from tfllm.tasks.classification.labels import SEPARATOR, Labels
from tfllm.tasks.compiled import compiled
from tfllm.tasks.settings import TextClassifierConfig
from tfllm.tasks.signature import Signature
from tfllm.tasks.task import Task, log
from tfllm.tasks.texts import is_one
from tfllm.tasks.vocabularies import expect_rows

LENGTH = 512  # tokens of a text, where neither the user nor the model says how many
STDDEV = 0.02  # of first values of the head above a Transformer, Devlin et al. 2019's code


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

    TextClassifier.from_text(records) learns tokenizer and labels, and builds a model. Records have "text" (and "pair",
    the second text) and "label", all strings.

    labels         C names, in the order of the logits; none for a regression
    kind           "single": each text has one of them; "multi": any number, joined in its record by the `separator`;
                   "regression": a number
    pairs          whether it reads two texts; how, is told in text_inputs.py
    length         tokens of a text, or of two packed into one; by default what the model can take, 512 where that has
                   no end. What is longer loses its end, and a warning says how many did
    class_weights  {label: weight in the loss}, or "balanced", by the records of the first `fit` (label_weights.py)
    temperature    by which logits are divided before they become probabilities (Guo et al. 2017); `calibrate` fits it
    pooling        a kind of layers.Pooling in the place of the model's own; "last" for a causal model
    rate           probability of dropout before the head; None: what goes with the model

    Weights of the model that have no part in the answer, such as those of a softmax over words, are frozen.
    Raises ValueError for labels that do not fit the kind, and for a length above the model's.
    """

    most_rows, weighable = 32, True

    def __init__(self, encoder, tokenizer, labels=(), kind="single", pairs=False, length=None, class_weights=None,
                 temperature=1.0, pooling=None, rate=None, separator=SEPARATOR, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.kinds = Labels(labels, kind, separator)
        self.labels, self.kind, self.pairs, self.separator = self.kinds.names, kind, pairs, separator
        self.encoder, self.tokenizer, self.temperature = encoder, tokenizer, float(temperature)
        self.fields = ("text", "pair", "label") if pairs else ("text", "label")
        self.length = length or encoder.max_length or LENGTH
        if encoder.max_length is not None and self.length > encoder.max_length:
            raise ValueError(f"texts of {self.length} tokens: the model can take {encoder.max_length}")
        if tokenizer.end is None:
            raise ValueError("a classifier needs a tokenizer with a token for the end of a text")
        expect_rows(encoder, tokenizer)
        self.class_weights = label_weights.checked(self.kinds, class_weights)
        self.pooling, self.rate, policy = pooling, rate, encoder.dtype_policy
        apart = pairs and not text_inputs.marks(encoder)  # then the head has all of the dropout: text_inputs.vector
        if rate is None:
            rate = getattr(encoder, "numbers", {}).get("rate", 0.0)
            rate = rate if apart else getattr(encoder, "head_rate", rate)
        width, pooled = text_inputs.widths(encoder)
        self.pool = None
        if pooling is not None or isinstance(encoder, CausalModel):
            self.pool, pooled = Pooling(pooling or "last", name="pool", dtype=policy), width
            self.pool.build((None, None, width))
        for weight in text_inputs.unused_weights(encoder, self.pool):
            weight.trainable = False
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=policy)
        start = keras.initializers.TruncatedNormal(stddev=STDDEV) if isinstance(encoder, (BERT, GPT)) else None
        self.head = keras.layers.Dense(
            self.kinds.size, kernel_initializer=start or "glorot_uniform", name="head", dtype=policy
        )
        self.head.build((None, pooled * (4 if apart else 1)))
        self.built = True

    @classmethod
    def from_text(cls, records, labels=None, config="tiny", embeddings=None, embeddings_trainable=None):
        """Learns the vocabulary and the labels of the records, and builds an untrained model for them.

        records: a dataset of {"text", "label"}, of {"text", "pair", "label"}, or of (text, label), or a list of texts,
        or of pairs of texts, beside a list of `labels`; see `labelled_records.records_of`.
        config: a TextClassifierConfig, or the name of one: "tiny" (the default), "small", "base".
        embeddings, embeddings_trainable: word vectors to begin with, see `tasks.building.Builder`; above those of
        the config.
        """
        build = Builder(config, SIZES, embeddings, embeddings_trainable)
        config = build.config
        records = records_of(records, labels, config.separator, known=() if config.kind == "regression" else None)
        pairs = "pair" in records.element_spec
        if "label" not in records.element_spec:
            raise ValueError(f"a classifier learns from texts and labels; these have {list(records.element_spec)}")
        *texts, labels = gate.columns(records, *(("text", "pair", "label") if pairs else ("text", "label")))
        names = Labels.learned(labels, config.kind, config.separator)
        tokenizer = build.learn([one for part in texts for one in part])
        task = cls(build.model(tokenizer), tokenizer, **build.options(cls, labels=names.names, pairs=pairs))
        task.class_weights = label_weights.settled(task.kinds, task.class_weights, records)
        return task

    @classmethod
    def from_encoder(cls, encoder, tokenizer, labels=(), **options):
        """A new head on a model that is trained already, such as the `encoder` of a MaskedLanguageModel.

        The model is taken as it is, not copied: training goes on in it. options: as of the class.
        """
        return cls(encoder, tokenizer, labels, **options).pretrained(3e-4)

    @classmethod
    def from_pretrained(cls, path_or_name, labels=None, kind=None, encoder_rate=None, dtype=None, **options):
        """A BERT or GPT-2 with its tokenizer, and its head if it has one: a folder in Hugging Face's format, or a name.

        labels, kind: left out, those of the head that the folder has (BertForSequenceClassification: classifier,
        id2label, problem_type), which is taken; where others are given, or another pooling, the head is new and
        untrained, and the log says so. encoder_rate: probability of dropout in the model, where it
        is to be another. options: of the class. A folder of sentence-transformers pools as it says.
        ValueError for a folder without a head where no labels are given, and as interop.bert and interop.gpt2.
        """
        from tfllm.tasks.classification import pretrained_classifier

        checkpoint = pretrained_classifier.load(path_or_name, encoder_rate, dtype)
        task = cls(checkpoint.encoder, checkpoint.tokenizer, *checkpoint.labels(labels, kind), **options)
        if not checkpoint.fill(task):
            log.info("%s: the head is new and untrained", path_or_name)
        return task.pretrained()

    def save_pretrained(self, folder):
        """Writes model, head and tokenizer in Hugging Face's format, as `from_pretrained` here and there reads them.

        The head of a temperature T has its weights divided by T. ValueError for what that format has no words for:
        other models than BERT with its pooler, other tokenizers than WordPieces.
        """
        from tfllm.tasks.classification import pretrained_classifier

        pretrained_classifier.save(self, folder)

    # From text to what the model is fed

    @property
    def asks(self):
        return self.fields[:-1]

    @property
    def inputs(self):
        return ("texts", "pairs")[: 1 + self.pairs]

    def read(self, texts, pairs=None):
        """strings [B] -> (what the model is fed, tokens of each text [B]), see `text_inputs.read`."""
        self.expect_pairs(pairs is not None)
        return text_inputs.read(self.encoder, self.tokenizer, self.length, texts, pairs)

    def expect_pairs(self, given):
        """ValueError where second texts are given, or not, and the classifier reads other texts."""
        if given != self.pairs:
            raise ValueError(
                "this classifier reads two texts: give texts and pairs" if self.pairs
                else "this classifier reads one text: leave pairs out"
            )  # fmt: skip

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None] of single texts, with their marks, cut to `length`."""
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
        """Texts and labels in any of the forms that `from_text` takes -> a dataset of records of `fields`."""
        return with_fields(records_of(x, y, self.separator, sample_weight, self.labels), self.fields)

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
            self.class_weights = label_weights.settled(self.kinds, self.class_weights, x)
            x = label_weights.weighted(self.kinds, class_weight, x)
            if self.temperature != 1.0:
                log.warning("the temperature %.3f was fitted before this training: it is 1 again", self.temperature)
                self.temperature = 1.0
        return super().fit(x, y, *args, sample_weight=sample_weight, **options)

    @property
    def explodes_at(self):
        """See Task. Numbers of a regression may differ by much from one batch to the next."""
        return 1e4 if self.kind == "regression" else super().explodes_at

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
        """strings [B] -> {"logits": float32 [B, C], "cut": [B], how many tokens of the text were not read}."""
        inputs, sizes = self.read(texts, pairs)
        logits = tf.cast(self(text_inputs.dense(inputs), training=False), tf.float32)
        return {"logits": logits, "cut": tf.cast(tf.maximum(sizes - self.length, 0), tf.int32)}

    def answer(self, texts, pairs=None):
        """strings [B] -> {"label", "score", "cut": [B], "labels", "probabilities": [B, C]}, see `Labels.answer`.

        cut: how many tokens of the text were not read. What is said of a text does not depend on the texts beside it.
        """
        found = self.logits_and_cut(texts, pairs)
        answer = self.kinds.answer(found["logits"] / self.temperature, text_inputs.both_blank(texts, pairs))
        return answer | {"cut": found["cut"]}

    def classify(self, texts, pairs=None, batch_size=64, verbose="auto"):
        """A text -> {"label", "score", "probabilities": {label: probability}}; a list -> a list of them, in order.

        pairs: the second text of each, or the second texts. texts may be a list of two texts each, or a dataset of
        records, too: of a dataset the answers come one by one, from a generator. label: of kind "multi" a list of
        labels; a regression has no probabilities. Of an empty text (white space; both of a pair) the label is "" or
        [], score and probabilities are 0.
        """

        def tell(found):
            text_inputs.warn_cut(found["cut"] > 0, self.length)
            return self.kinds.as_dicts(found)

        if isinstance(texts, tf.data.Dataset) and pairs is None:
            columns = [texts]
        else:
            texts, pairs = (texts, pairs) if is_one(texts) else to_classify(self.asks, texts, pairs)
            self.expect_pairs(pairs is not None)
            columns = [texts, pairs] if self.pairs else [texts]
        return self.run("serving_default", *columns, tell=tell, batch_size=batch_size, verbose=verbose)

    def asked(self, x):
        both = isinstance(x, tuple) and len(x) == 2 and self.pairs and not are_pairs(x)
        texts, pairs = to_classify(self.asks, *x) if both else to_classify(self.asks, x)
        if self.pairs and pairs is None:
            raise ValueError("this classifier reads two texts: give a tuple, (texts, pairs), or a list of pairs")
        return [texts, pairs] if self.pairs else [texts]

    @property
    @compiled
    def of_logits(self):
        """`logits_and_cut` as a Signature."""
        return Signature(self.logits_and_cut, self.inputs)

    def judged(self, x, y=None, batch_size=64, verbose="auto"):
        """Records with labels -> (logits [N, C], targets [N, 1 or C])."""
        *texts, labels = gate.columns(self.records(x, y), *self.fields)
        targets = labelled_examples.targets(self.kinds, labels)
        labelled_examples.refuse_empty(text_inputs.both_blank(*texts).numpy())
        found = self.run(self.of_logits, *texts, batch_size=batch_size, verbose=verbose)
        text_inputs.warn_cut(found["cut"] > 0, self.length)
        return found["logits"], targets

    def score(self, x, y=None, batch_size=64, verbose="auto", **options):
        """How well the labels of the records are found -> evaluation.ClassificationReport, or that of the kind.

        options: of the report, such as seed. ValueError for an empty text, as in `fit`.
        """
        return label_scores.report(self.kinds, *self.judged(x, y, batch_size, verbose), self.temperature, **options)

    def calibrate(self, x, y=None, batch_size=64, verbose="auto"):
        """Fits the temperature to records that were not trained on, and returns it; no decision changes.

        Guo et al. 2017, sec. 4.2. ValueError for a regression.
        """
        if self.kind == "regression":
            raise ValueError("a regression has no probabilities to calibrate")
        self.temperature = label_scores.fitted_temperature(self.kinds, *self.judged(x, y, batch_size, verbose))
        return self.temperature
