"""Summarization: an encoder-decoder with one tokenizer, which may copy unknown words from the source."""

from typing import Any

import keras
import tensorflow as tf

from tfllm.generation import max_length, min_length
from tfllm.models.configs import Seq2SeqRNNConfig
from tfllm.models.pointer_generator import PointerGenerator
from tfllm.tasks import user_data
from tfllm.tasks.building import Builder
from tfllm.tasks.compiling import Metrics
from tfllm.tasks.settings import SummarizerConfig
from tfllm.tasks.task import log
from tfllm.tasks.text_generation.decoding import Summarizing, known, rules, used
from tfllm.tasks.text_generation.encoder_decoder import EncoderDecoder
from tfllm.tasks.text_generation.plain_codec import append_end, tokens_cut
from tfllm.tasks.text_generation.seq2seq_writer import Seq2SeqWriter, at_most
from tfllm.tasks.vocabularies import expect_rows
from tfllm.text import END, PAD, START, UNKNOWN, source_words
from tfllm.text.cleaning import replace_invalid

SIZES = {
    "tiny": SummarizerConfig(),
    "lstm": SummarizerConfig(model=Seq2SeqRNNConfig(pe_target=128)),
    "see2017": SummarizerConfig(  # See et al. 2017, sec. 5
        vocab_size=50000, coverage=1.0,
        model=Seq2SeqRNNConfig(embedding_dim=128, num_units=256, pe_input=400, pe_target=120, rate=0.0),
    ),
}  # fmt: skip


@keras.saving.register_keras_serializable("tfllm")
class Summarizer(EncoderDecoder):
    """An encoder-decoder `model` (possibly a PointerGenerator) with one `tokenizer` for documents and summaries.

    Summarizer.from_text(records) learns the tokenizer and builds the model. Records have "source", the document, and
    "target", its summary. Documents beyond the model's limit are truncated with a warning, see `Summarizing.long`.
    Raises ValueError for label smoothing of a model that copies, since its vocabulary differs from text to text.
    """

    decoding = Summarizing
    forbidden, length_field = (PAD, UNKNOWN, START), None

    def __init__(self, model, tokenizer, label_smoothing=0.0, **kwargs):
        super().__init__(**kwargs)
        self.model, self.tokenizer, self.label_smoothing = model, tokenizer, label_smoothing
        self.check_settings()
        expect_rows(model, tokenizer)
        if self.copies and model.vocab_size != tokenizer.vocab_size:
            raise ValueError(
                f"the tokenizer has {tokenizer.vocab_size} tokens, the model that copies has {model.vocab_size}: it "
                "needs the same number, since larger ids are words of the source"
            )
        self.built = True

    def check_settings(self):
        if self.copies and self.label_smoothing:
            raise ValueError(f"a model that copies needs label_smoothing=0; got {self.label_smoothing}")

    @classmethod
    def from_text(cls, records: Any, targets: Any = None, config: str | SummarizerConfig = "tiny",
                  embeddings: Any = None, embeddings_trainable: bool | str | None = None) -> "Summarizer":  # fmt: skip
        """Learn the vocabulary of the text and build an untrained model.

        records: a dataset of {"source", "target"}, or a list of documents with a list of summaries, `targets`.
        config: a SummarizerConfig or its name: "tiny" (default), "lstm", "see2017".
        embeddings, embeddings_trainable: word vectors, see `tasks.building.Builder`; they override the config. They are
        for documents and summaries, and with shared="all" for the softmax too.
        """
        build = Builder(config, SIZES, embeddings, embeddings_trainable)
        settings, records = build.config, user_data.read(cls.fields, records, targets, who=cls.__name__)
        tokenizer = build.learn([line for column in user_data.columns(records, *cls.fields) for line in column])
        model = build.model(tokenizer)
        if settings.copy:
            model = PointerGenerator(model, settings.coverage)
        elif settings.coverage is not None:
            raise ValueError("coverage needs a model that copies: set copy=True, or no coverage")
        return cls(model, tokenizer, **build.options(cls))

    @property
    def writer(self):
        """The task itself is the codec, since its output contains words of the source."""
        return Seq2SeqWriter(self.model, self)

    @property
    def copies(self):
        return isinstance(self.model, PointerGenerator)

    @property
    def capacity(self):
        """Maximum tokens of a text, without END; None: unlimited."""
        return None if self.model.pe_input is None else self.model.pe_input - 1

    def sources(self, texts):
        ids, words = self.cut_into(texts)
        return self.shown(ids, words), {"cut": tokens_cut(ids.row_lengths(), self.model.pe_input)}

    def cut_into(self, texts):
        """strings [B] -> (token_ids, their words or None), ragged [B, None], not truncated."""
        return self.tokenizer.encode(texts), source_words.spelt(self.tokenizer, texts) if self.copies else None

    def shown(self, ids, words):
        """The output of `cut_into`, truncated to the model's limit -> sources, as of `sources`."""
        if not self.copies:
            return {"token_ids": append_end(ids, self.model.pe_input)}
        ids, words = ids[:, : self.capacity], words[:, : self.capacity]
        own = source_words.extended(self.tokenizer, ids, words)
        return {"token_ids": append_end(ids, None), "source_ids": append_end(own, None), "words": words}

    def checked(self, record):
        ids, words = self.cut_into(record["source"])
        target, more = self.tokenizer.encode(record["target"]), {}
        if self.copies:
            more = {"source_ids": self.shown(ids, words)["source_ids"]}
            own = source_words.spelt(self.tokenizer, record["target"])
            ids_read, words_read = ids[:, : self.capacity], words[:, : self.capacity]
            target = source_words.extended(self.tokenizer, target, own, ids_read, words_read)
        return self.pair(ids, target, **more)

    def call(self, inputs, training=None):
        """{"source": [B, S], "target": [B, T]}, and "source_ids" [B, S] of a model that copies -> logits [B, T, V].

        A model that copies has `pe_input` additional ids, one for each source position.
        """
        own = {"source_ids": inputs["source_ids"]} if self.copies else {}
        return self.model(inputs["source"], inputs["target"], training=training, **own)[0]

    def detokenize(self, outputs, sources):
        if not self.copies:
            return replace_invalid(self.tokenizer.decode(outputs))
        words = sources["words"].to_tensor("")
        answers = tf.shape(outputs)[0] // tf.maximum(tf.shape(words)[0], 1)
        return source_words.decode(self.tokenizer, outputs, tf.repeat(words, answers, axis=0))

    @property
    def num_ids(self):
        return self.tokenizer.vocab_size + (self.model.pe_input if self.copies else 0)

    def longest(self, size, decoding):
        """The limit of the model or of the decoding, whichever is less."""
        limit = self.model.pe_target
        if decoding.max_length is not None:
            limit = at_most(decoding.max_length + 1, limit)
        return size + 20 if limit is None else limit

    def rules(self, decoding):
        result = rules(decoding, self.tokenizer)
        if "min_length" in used(decoding):
            result += (min_length(decoding.min_length, after=1, end=END),)
        if decoding.max_length is not None:
            result += (max_length(decoding.max_length, after=1, end=END),)
        return result

    def check(self, decoding):
        most = self.model.pe_target
        if most is not None and known(decoding.min_length) and decoding.min_length >= most:
            raise ValueError(f"min_length is {decoding.min_length}; the model writes at most {most - 1} tokens")

    def condensed(self, texts, decoding, row, write):
        """With long="merge", a text beyond the model's limit is replaced by the summaries of its parts.

        All parts of a text use the random numbers of its index. `cut` then counts tokens of the replaced text.
        """
        if decoding.long != "merge" or self.capacity is None:
            return texts
        ids, words = self.cut_into(texts)
        rows = tf.where(ids.row_lengths() > self.capacity)[:, 0]

        def merged():
            parts, counts = chunks(tf.gather(ids, rows), self.capacity)
            spelt = None if words is None else chunks(tf.gather(words, rows), self.capacity)[0]
            numbers = tf.repeat(row + tf.cast(rows, tf.int32), counts)
            summaries = tf.RaggedTensor.from_row_lengths(write(self.shown(parts, spelt), numbers), counts)
            summaries = tf.strings.reduce_join(summaries, axis=1, separator=" ")
            return tf.tensor_scatter_nd_update(texts, rows[:, None], summaries)

        texts = tf.convert_to_tensor(texts)
        return tf.cond(tf.size(rows) > 0, merged, lambda: texts)

    def report(self, result, decoding):
        if (cut := result["cut"]).any():
            log.warning("%d of %d texts are longer than the model's %d tokens: %d tokens were not read "
                        "(long='merge' reads long texts part by part)", (cut > 0).sum(), len(cut), self.capacity,
                        cut.sum())  # fmt: skip

    def score(self, x: Any, y: Any = None, batch_size: int = 32, verbose: int | str = "auto", tokens: str | None = None,
              stemming: bool = True, **decoding: Any) -> Any:  # fmt: skip
        """ROUGE-1, 2 and L, by rouge-score, of the summaries of `x` (records; or documents `x` with references `y`).

        tokens: "words", "characters", or None: chosen by the script of the references; stemming: see evaluation.rouge.
        """
        from tfllm import evaluation

        evaluation.scripts.checked(tokens)
        sources, references = user_data.strings(self.records(x, y), *self.fields)
        outputs = self.generate(sources, batch_size=batch_size, verbose=verbose, **decoding)
        return evaluation.rouge(outputs, references, tokens=tokens, stemming=stemming)

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: int | str = "auto",
                 rouge: bool = False, return_dict: bool = False, tokens: str | None = None,
                 **options: Any) -> Metrics:  # fmt: skip
        """As in Keras, also on strings: loss and accuracy per token; and the ROUGE scores if `rouge` is True.

        tokens: as in `score`.
        """
        x = user_data.materialize(x)
        result: Any = super().evaluate(x, y, batch_size, verbose, return_dict=return_dict, **options)
        if not rouge:
            return result
        values = self.score(x, y, verbose=verbose, tokens=tokens).as_dict()
        return result | values if return_dict else [*result, *values.values()]


def chunks(ragged, size):
    """Split each row into equal parts of at most `size`: ragged [B, None] -> (parts, ragged [N, None]; their number
    [B]).
    """
    lengths = ragged.row_lengths()
    counts = tf.maximum(-(-lengths // size), 1)
    part = -(-lengths // counts)  # [B]
    order = tf.ragged.range(counts)  # 0, 1, ... of each row
    row, number = order.value_rowids(), order.flat_values
    part, left = tf.gather(part, row), tf.gather(lengths, row) - number * tf.gather(part, row)
    return tf.RaggedTensor.from_row_lengths(ragged.flat_values, tf.minimum(part, left)), counts
