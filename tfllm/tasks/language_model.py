"""Language modelling: a causal model and its tokenizer, from running text to continuations and probabilities."""

from functools import partial
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfllm.data import batches, blocks
from tfllm.data.streams import Stream
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.models.configs import GPTConfig
from tfllm.ragged import joined
from tfllm.tasks.building import Builder, documents
from tfllm.tasks.compiled import compiled
from tfllm.tasks.settings import LanguageModelConfig
from tfllm.tasks.streaming import fit_stream
from tfllm.tasks.task import log
from tfllm.tasks.text_generation.causal_writer import CausalWriter
from tfllm.tasks.text_generation.decoding import Continuation
from tfllm.tasks.text_generation.likelihood import expect_numbers, summed
from tfllm.tasks.text_generation.writing import Writing
from tfllm.tasks.text_inputs import never_empty
from tfllm.tasks.vocabularies import expect_rows

LENGTH = 256  # default tokens of a block, if the model has no limit


SIZES = {
    "tiny": LanguageModelConfig(),
    "small": LanguageModelConfig(model=GPTConfig(max_length=512, num_layers=6, d_model=384, num_heads=6)),
    "base": LanguageModelConfig(
        vocab_size=32000, model=GPTConfig(max_length=1024, num_layers=12, d_model=768, num_heads=12)
    ),  # Radford et al. 2019, their smallest
}


@keras.saving.register_keras_serializable("tfllm")
class LanguageModel(Writing):
    """A causal `model` (models/causal.py) with its `tokenizer`. Records have "text", one document each.

    LanguageModel.from_text(texts) learns the tokenizer and builds the model.
    length: tokens of a training block; default: the model's limit, or 256.
    cross_documents: blocks cross document boundaries, so that there is no padding; otherwise each block has tokens of
    one document.

    Every document is predicted from its first token to END. Its first input is START, or END if the tokenizer has no
    START (GPT-2's).
    """

    fields = ("text",)
    decoding = Continuation

    def __init__(self, model, tokenizer, length=None, cross_documents=False, **kwargs):
        super().__init__(**kwargs)
        self.model, self.tokenizer, self.cross_documents = model, tokenizer, cross_documents
        self.length = length or model.max_length or LENGTH
        self.check_settings()
        if tokenizer.end is None:
            raise ValueError("a language model needs a tokenizer with an END token")
        expect_rows(model, tokenizer)
        self.built = True

    @property
    def facts(self):
        """For the manifest of the exported model: its answers begin with the prompt."""
        return {"writes": "continuation"}

    @classmethod
    def from_text(cls, texts: Any, config: str | LanguageModelConfig = "tiny", embeddings: Any = None,
                  embeddings_trainable: bool | str | None = None) -> "LanguageModel":  # fmt: skip
        """Learn the vocabulary of the texts (documents, or records of "text") and build an untrained model.

        config: a LanguageModelConfig or its name: "tiny" (default), "small", "base".
        embeddings, embeddings_trainable: word vectors, see `tasks.building.Builder`; they override the config.
        """
        build = Builder(config, SIZES, embeddings, embeddings_trainable)
        tokenizer = build.learn(documents(cls, texts))
        return cls(build.model(tokenizer), tokenizer, **build.options(cls))

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path, rate: float | None = None, **options: Any) -> "LanguageModel":
        """A GPT-2, Llama, Mistral, Qwen2, Qwen3 or SmolLM2 with its tokenizer: a folder in Hugging Face's format, a
        name on its hub, a .gguf file, or a keras-nlp preset of GPT-2.

        rate: probability of dropout, to override the checkpoint's. options: of GPT or Llama, such as dtype="bfloat16".
        Raises FileNotFoundError if it does not exist, or without network access; ValueError for what is not supported.
        """
        from tfllm.tasks import pretrained_causal

        model, tokenizer, _ = pretrained_causal.load(path_or_name, rate, **options)
        return cls(model, tokenizer).pretrained()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write model and tokenizer in Hugging Face's format, for `from_pretrained` of both libraries.

        Raises ValueError unless the model is a GPT in GPT-2's layout, or a Llama, with a BytePairs tokenizer.
        """
        from tfllm.tasks import pretrained_causal

        pretrained_causal.save(self.model, self.tokenizer, folder)

    @property
    def writer(self):
        return CausalWriter(self.model, self.tokenizer, Prompts(self))

    def report(self, result, decoding):
        """Log a warning for truncated prompts, and for continuations shorter than requested."""
        most, count = self.model.max_length, len(result["cut"])
        if cut := (result["cut"] > 0).sum():
            log.warning("%d of %d prompts were truncated on the left: the model's limit is %d tokens", cut, count, most)
        if short := (result["short"] > 0).sum():
            log.warning("%d of %d texts end at the model's limit of %d tokens", short, count, most)
        if full := (result["max_new_tokens"] < 1).sum():
            log.warning("%d of %d prompts have max_length=%d tokens or more and are not continued: set max_new_tokens",
                        full, count, decoding.max_length)  # fmt: skip

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None] after START. Without a START token, an empty text becomes END."""
        token_ids = self.tokenizer.encode(texts)
        if self.tokenizer.start is not None:
            return joined(self.tokenizer.start, token_ids)
        return never_empty(token_ids, self.tokenizer.end)

    def example(self, record):
        """Documents -> blocks of one document each, ragged [N, at most length]."""
        return blocks.windows(*self.whole(record), self.length)

    def whole(self, record):
        """Documents -> (inputs, targets), ragged [B, None]."""
        tokenizer, token_ids = self.tokenizer, self.tokenizer.encode(record["text"])
        first = tokenizer.end if tokenizer.start is None else tokenizer.start
        return joined(first, token_ids), joined(token_ids, tokenizer.end)

    def packable(self, record):
        """Documents -> (inputs, targets, weights), ragged [B, None], to be concatenated to blocks."""
        inputs, targets = self.whole(record)
        return inputs, targets, tf.ones_like(targets, tf.float32)

    def call(self, inputs, training=None):
        """token_ids [B, T] -> logits [B, T, V] of the token after each."""
        return self.model(inputs, training=training)

    def objective(self):
        loss = TokenCrossEntropy()
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), TokenAccuracy()]}

    def rows(self, records, verbose=0):
        if not self.cross_documents:
            return super().rows(records, verbose)
        return blocks.packed(batches.rows(records, self.packable, verbose), self.length)

    def streamed(self, records, **options):
        """Records -> a data.streams.Stream of blocks."""
        rows = self.packable if self.cross_documents else self.example
        return Stream(records, rows, self.length, pack=self.cross_documents, **options)

    def fit(self, x: Any = None, y: Any = None, *args: Any, stream: bool = False,
            **options: Any) -> keras.callbacks.History:  # fmt: skip
        """As `Task.fit`. stream: trains on text that is larger than memory, see `streaming.fit_stream`."""
        return fit_stream(self, x, y, *args, **options) if stream else super().fit(x, y, *args, **options)

    def score(self, x: Any, stride: int | None = None, batch_tokens: int = 4096, verbose: int | str = "auto") -> Any:
        """The probability of the texts -> evaluation.Perplexity, per token, word, character and byte.

        Each text is read in blocks of `length` tokens, as in training. stride: read windows that begin every `stride`
        tokens instead; each token counts in its first window, with at least length - stride tokens of context.
        Raises ValueError if the model gives NaN.
        """
        from tfllm.evaluation import Perplexity, counts

        def windows(record):
            return blocks.windows(*self.whole(record), self.length, stride)

        records = self.records(x)
        rows = batches.rows(records, windows)
        data = batches.Batches(rows, batches.plan(batches.lengths(rows), batch_tokens))
        steps = data.plan.batches
        bar = keras.utils.Progbar(steps, verbose=int(verbose if verbose != "auto" else steps > 10))
        total, tokens, unknown = 0.0, 0.0, 0.0
        for batch in data.dataset:
            result = self.summed(*batch).numpy()
            total, tokens, unknown = total + result[0], tokens + result[1], unknown + result[2]
            bar.add(1)
        expect_numbers(total)
        texts = (line for group in records.batch(64).as_numpy_iterator() for line in group["text"])
        return Perplexity(float(total), round(tokens), counts(texts), round(unknown))

    @property
    @compiled
    def summed(self):
        """likelihood.summed of this task, compiled; inputs [B, T]."""
        kinds = [tf.TensorSpec([None, None], kind) for kind in (tf.int32, tf.int32, tf.float32)]
        return tf.function(partial(summed, self), input_signature=kinds, autograph=False)


class Prompts:
    """How a CausalWriter makes prompts of texts: unchanged, each is continued at its end."""

    length_field = "max_length"

    def __init__(self, task):
        self.task = task

    def read(self, texts, decoding):
        """strings [B] -> (texts with the prefix [B], their ids, ragged [B, None], no notes)."""
        prompts = self.task.prepare(texts)
        if not decoding.prefix:
            return texts, prompts, {}
        prefix = tf.repeat(self.task.tokenizer.encode([decoding.prefix]).to_tensor(), prompts.nrows(), axis=0)
        return texts + decoding.prefix, tf.concat([prompts, prefix], axis=1), {}

    def lengths(self, decoding):
        return decoding.max_length, decoding.max_new_tokens

    def context(self, prompts):
        """The whole prompt."""
        return prompts

    def empty_answers(self, texts):
        return None
