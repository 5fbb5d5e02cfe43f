"""Translation: an encoder-decoder and its tokenizers, from parallel strings to strings."""

from typing import Any

import keras

from tfllm.models.configs import TransformerConfig
from tfllm.tasks import user_data
from tfllm.tasks.building import Builder
from tfllm.tasks.compiling import Metrics
from tfllm.tasks.settings import TranslatorConfig
from tfllm.tasks.text_generation.encoder_decoder import EncoderDecoder
from tfllm.tasks.text_generation.plain_codec import PlainCodec
from tfllm.tasks.text_generation.seq2seq_writer import Seq2SeqWriter
from tfllm.tasks.vocabularies import expect_rows

SIZES = {
    "tiny": TranslatorConfig(),  # Wu et al. 2021
    "small": TranslatorConfig(model=TransformerConfig(num_layers=4, d_model=256, num_heads=4, dff=1024)),
    "base": TranslatorConfig(
        vocab_size=32000, model=TransformerConfig(num_layers=6, d_model=512, num_heads=8, dff=2048)
    ),  # Vaswani et al. 2017, table 3
}


@keras.saving.register_keras_serializable("tfllm")
class Translator(EncoderDecoder):
    """An encoder-decoder `model` with the tokenizers of source and target (one object if joint).

    Translator.from_text(records) learns the tokenizers and builds the model. Records have "source" and "target".
    """

    def __init__(self, model, source, target=None, label_smoothing=0.1, **kwargs):
        super().__init__(**kwargs)
        self.model, self.source, self.target = model, source, source if target is None else target
        self.label_smoothing = label_smoothing
        expect_rows(model, self.source, self.target)
        self.built = True

    @classmethod
    def from_text(cls, records: Any, targets: Any = None, config: str | TranslatorConfig = "tiny",
                  embeddings: Any = None, embeddings_trainable: bool | str | None = None) -> "Translator":  # fmt: skip
        """Learn the vocabularies of the text and build an untrained model.

        records: a dataset of {"source", "target"}, or a list of source strings with a list of `targets`.
        config: a TranslatorConfig or its name: "tiny" (default), "small", "base".
        embeddings, embeddings_trainable: word vectors, see `tasks.building.Builder`; they override the config. One
        value is for the source; {"source": ..., "target": ...} is for one or both. A model with shared="all" has one
        matrix for both languages and the softmax: it takes one value, and no dict.
        """
        build = Builder(config, SIZES, embeddings, embeddings_trainable)
        records = user_data.read(cls.fields, records, targets, who=cls.__name__)
        sources, targets = user_data.columns(records, *cls.fields)
        source = build.learn(sources + targets if build.config.joint else sources)
        target = source if build.config.joint else build.learn(targets)
        return cls(build.model(source, target), source, target, **build.options(cls))

    @property
    def writer(self):
        return Seq2SeqWriter(self.model, PlainCodec(self.model, self.source, self.target))

    def checked(self, record):
        return self.pair(self.source.encode(record["source"]), self.target.encode(record["target"]))

    def call(self, inputs, training=None):
        """{"source": [B, S], "target": [B, T]} -> logits [B, T, V] of the token after each target token."""
        return self.model(inputs["source"], inputs["target"], training=training)[0]

    def score(self, x: Any, y: Any = None, batch_size: int = 32, verbose: int | str = "auto",
              tokenize: str | None = None, **decoding: Any) -> Any:  # fmt: skip
        """BLEU and chrF, by sacrebleu, of the translations of the test set `x` (or of sources `x` with references `y`).

        tokenize: a tokenizer name of sacrebleu, for BLEU; None: chosen by the script of the references, see
        evaluation.bleu.
        """
        from tfllm import evaluation

        evaluation.translation_scores.checked_tokenizer(tokenize)
        sources, references = user_data.strings(self.records(x, y), *self.fields)
        outputs = self.generate(sources, batch_size=batch_size, verbose=verbose, **decoding)
        return evaluation.Scores(evaluation.bleu(outputs, references, tokenize), evaluation.chrf(outputs, references))

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: int | str = "auto",
                 bleu: bool = False, return_dict: bool = False, tokenize: str | None = None,
                 **options: Any) -> Metrics:  # fmt: skip
        """As in Keras, also on strings: loss and accuracy per token; and BLEU if `bleu` is True.

        tokenize: as in `score`.
        """
        x = user_data.materialize(x)
        result: Any = super().evaluate(x, y, batch_size, verbose, return_dict=return_dict, **options)
        if not bleu:
            return result
        value = self.score(x, y, verbose=verbose, tokenize=tokenize).bleu.value
        return result | {"bleu": value} if return_dict else [*result, value]
