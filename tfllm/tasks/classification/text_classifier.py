"""Classification: any model that reads a text, and its tokenizer, from a text or two to a label and its probability."""

import keras
import numpy as np

from tfllm import text
from tfllm.layers.pooling import Pooling
from tfllm.models.bert import BERT
from tfllm.models.causal import CausalModel
from tfllm.models.configs import BERTConfig, TextRNNConfig
from tfllm.models.gpt import GPT
from tfllm.tasks import records as gate
from tfllm.tasks.building import Builder
from tfllm.tasks.classification.classifying import Classifier
from tfllm.tasks.classification.labelled_records import records_of
from tfllm.tasks.classification.labels import SEPARATOR, Labels
from tfllm.tasks.settings import TextClassifierConfig
from tfllm.tasks.task import log
from tfllm.tasks.text_inputs import idle, marks, widths
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
class TextClassifier(Classifier):
    """A model (Encoder or CausalModel) with its `tokenizer` and a linear head: logits = W drop(vector) + b.

    TextClassifier.from_text(records) learns tokenizer and labels, and builds a model. Records have "text" (and "pair",
    the second text) and "label", all strings.

    labels         C names, in the order of the logits; none for a regression
    kind           "single": each text has one of them; "multi": any number, joined in its record by the `separator`;
                   "regression": a number
    pairs          whether it reads two texts; how, is told in text_inputs.py
    length         tokens of a text, or of two packed into one; by default what the model can take, 512 where that has
                   no end. What is longer loses its end, and a warning says how many did
    class_weights  {label: weight in the loss}, or "balanced", by the records of the first `fit` (labels.py)
    temperature    by which logits are divided before they become probabilities (Guo et al. 2017); `calibrate` fits it
    pooling        a kind of layers.Pooling in the place of the model's own; "last" for a causal model
    rate           probability of dropout before the head; None: what goes with the model

    Weights of the model that have no part in the answer, such as those of a softmax over words, are frozen.
    Raises ValueError for labels that do not fit the kind, and for a length above the model's.
    """

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
        self.class_weights = self.kinds.checked_weights(class_weights)
        self.pooling, self.rate, policy = pooling, rate, encoder.dtype_policy
        apart = pairs and not marks(encoder)  # then the head has all of the dropout: text_inputs.vector
        if rate is None:
            rate = getattr(encoder, "numbers", {}).get("rate", 0.0)
            rate = rate if apart else getattr(encoder, "head_rate", rate)
        width, pooled = widths(encoder)
        self.pool = None
        if pooling is not None or isinstance(encoder, CausalModel):
            self.pool, pooled = Pooling(pooling or "last", name="pool", dtype=policy), width
            self.pool.build((None, None, width))
        for weight in idle(encoder, self.pool):
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
        or of pairs of texts, beside a list of `labels`; see `labelled.records_of`.
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
        *said, found = gate.columns(records, *(("text", "pair", "label") if pairs else ("text", "label")))
        names = Labels.learned(found, config.kind, config.separator)
        tokenizer = build.learn([one for part in said for one in part])
        task = cls(build.model(tokenizer), tokenizer, **build.options(cls, labels=names.names, pairs=pairs))
        task.balance(records)
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
        from tfllm.interop import bert, bert_classifier, gpt2, huggingface

        folder = huggingface.folder(path_or_name)
        config = huggingface.config(folder)
        found = None
        if config["model_type"] == "gpt2":
            encoder, tokenizer = gpt2.load(folder, encoder_rate, dtype=dtype), text.BytePairs.from_folder(folder)
        else:
            encoder, tokenizer = bert.load(folder, encoder_rate, dtype=dtype), text.WordPieces.from_folder(folder)
            found = bert_classifier.head(folder)
        if found is None and labels is None and kind != "regression":
            raise ValueError(f"{path_or_name} has no head that classifies: give the labels of a new one, labels=[...]")
        kind = kind or (found.kind if found and labels is None else "single")
        labels = (found.labels if found else ()) if labels is None else tuple(labels)
        task = cls(encoder, tokenizer, labels, kind, **options)
        if found is not None and (found.labels, found.kind) == (task.labels, kind) and task.pooling is None:
            bert_classifier.fill(task.head, found, folder)
        else:
            log.info("%s: the head is new and untrained", path_or_name)
        return task.pretrained()

    def save_pretrained(self, folder):
        """Writes model, head and tokenizer in Hugging Face's format, as `from_pretrained` here and there reads them.

        The head of a temperature T has its weights divided by T. ValueError for what that format has no words for:
        other models than BERT with its pooler, other tokenizers than WordPieces.
        """
        from tfllm.interop import bert_classifier

        if not isinstance(self.encoder, BERT) or not isinstance(self.tokenizer, text.WordPieces):
            kinds = type(self.encoder).__name__, type(self.tokenizer).__name__
            raise ValueError(f"Hugging Face's format is for a BERT with WordPieces; this is a {' with '.join(kinds)}")
        if (self.pooling or self.encoder.pooling) != "pooler":
            raise ValueError(
                "Hugging Face's format classifies by BERT's pooler; this classifier by "
                f"{self.pooling or self.encoder.pooling!r}"
            )
        kernel, bias = (np.asarray(part, "float32") / self.temperature for part in self.head.get_weights())
        found = bert_classifier.Head(kernel, bias, self.labels, self.kind)
        bert_classifier.save(self.encoder, found, folder, self.tokenizer.pad)
        self.tokenizer.save_files(folder)
