"""The config of each task, the argument of its `from_text`, as frozen dataclasses: tokenizer, model, loss.

They are separate from the tasks so that the command line can list and check them without importing TensorFlow.
"""

from dataclasses import dataclass, field
from typing import Literal

from tfllm.models.configs import (
    BERTConfig,
    BiDAFConfig,
    BigLanguageModelConfig,
    GPTConfig,
    LlamaConfig,
    LSTMLanguageModelConfig,
    MeanOfVectorsConfig,
    MemoryNetworkConfig,
    Seq2SeqRNNConfig,
    TextCNNConfig,
    TextRNNConfig,
    TransformerConfig,
)
from tfllm.sizes import Checked


@dataclass(frozen=True)
class TranslatorConfig(Checked):
    """The config of `Translator.from_text`."""

    # what the text is split into
    tokenizer: Literal["subwords", "words", "segments", "characters", "bytes"] = "subwords"
    vocab_size: int = 8000  # maximum tokens of each tokenizer
    joint: bool = True  # one tokenizer for both languages
    lowercase: bool = False  # read "Dog" as "dog"
    label_smoothing: float = 0.1  # epsilon of Vaswani et al. 2017, sec. 5.4
    embeddings: str | None = None  # file of word vectors for the source; with shared="all" for the one matrix
    embeddings_target: str | None = None  # file of word vectors for the target
    embeddings_trainable: bool | Literal["missing"] = True  # whether to train them; missing: words without a vector
    model: TransformerConfig | Seq2SeqRNNConfig = field(default_factory=TransformerConfig)


@dataclass(frozen=True)
class SummarizerConfig(Checked):
    """The config of `Summarizer.from_text`."""

    tokenizer: Literal["words", "subwords", "characters", "bytes"] = "words"  # what the text is split into
    vocab_size: int = 8000  # maximum tokens
    lowercase: bool = False  # read "Dog" as "dog"
    copy: bool = True  # copy words of the source, even unknown ones; See et al. 2017
    coverage: float | None = None  # weight of the coverage loss, 1 in See et al. 2017; none: no coverage loss
    label_smoothing: float = 0.0  # must be 0 with copy
    embeddings: str | None = None  # file of word vectors, for documents and summaries
    embeddings_trainable: bool | Literal["missing"] = True  # whether to train them; missing: words without a vector
    model: TransformerConfig | Seq2SeqRNNConfig = field(default_factory=TransformerConfig)


@dataclass(frozen=True)
class LanguageModelConfig(Checked):
    """The config of `LanguageModel.from_text`."""

    # what the text is split into
    tokenizer: Literal["subwords", "words", "segments", "characters", "bytes"] = "subwords"
    vocab_size: int = 8000  # maximum tokens
    lowercase: bool = False  # read "Dog" as "dog"
    length: int | None = None  # tokens of a training block; None: the model's limit, or 256
    cross_documents: bool = False  # blocks cross document boundaries, so that there is no padding
    embeddings: str | None = None  # file of word vectors that initialise the embedding
    embeddings_trainable: bool | Literal["missing"] = True  # whether to train it; missing: words without a vector
    model: GPTConfig | LlamaConfig | LSTMLanguageModelConfig | BigLanguageModelConfig = field(default_factory=GPTConfig)


@dataclass(frozen=True)
class TextClassifierConfig(Checked):
    """The config of `TextClassifier.from_text`."""

    # what the text is split into
    tokenizer: Literal["words", "subwords", "wordpieces", "segments", "characters", "bytes"] = "words"
    vocab_size: int = 20000  # maximum tokens
    lowercase: bool = True  # read "Dog" as "dog"
    kind: Literal["single", "multi", "regression"] = "single"  # one label per text; any number of labels; a number
    separator: str = "|"  # between the labels of one text
    length: int | None = None  # maximum tokens of a text; None: the model's limit, or 512
    class_weights: dict[str, float] | Literal["balanced"] | None = None  # of the labels in the loss
    pooling: Literal["first", "last", "mean", "max", "attention"] | None = None  # None: the model's own, or last
    rate: float | None = None  # probability of dropout before the head; None: that of the model
    embeddings: str | None = None  # file of word vectors that initialise the embedding
    embeddings_trainable: bool | Literal["missing"] = True  # whether to train it; missing: words without a vector
    embeddings_words: int = 0  # add the first words of that file to the vocabulary; this is their number
    model: (
        TextCNNConfig | TextRNNConfig | MeanOfVectorsConfig | BERTConfig | GPTConfig | LlamaConfig
        | LSTMLanguageModelConfig | BigLanguageModelConfig
    ) = field(default_factory=TextCNNConfig)  # fmt: skip


@dataclass(frozen=True)
class MaskedLanguageModelConfig(Checked):
    """The config of `MaskedLanguageModel.from_text`."""

    vocab_size: int = 8000  # maximum WordPieces
    lowercase: bool = True  # read "Dog" as "dog"
    next_sentence: bool = True  # train on pairs, half of them consecutive; false: on blocks of one text, as RoBERTa
    length: int = 128  # maximum tokens of a training row
    masked: float = 0.15  # share of the tokens to predict
    whole_words: bool = False  # all pieces of a word are masked, or none
    model: BERTConfig = field(default_factory=BERTConfig)


@dataclass(frozen=True)
class DenoiserConfig(Checked):
    """The config of `Denoiser.from_text`."""

    # what the text is split into
    tokenizer: Literal["subwords", "words", "segments", "characters", "bytes"] = "subwords"
    vocab_size: int = 8000  # maximum tokens
    lowercase: bool = False  # read "Dog" as "dog"
    length: int = 128  # tokens of a training row, before spans are removed
    corrupted: float = 0.15  # share of the tokens that is removed
    span: float = 3.0  # mean number of tokens of a removed span
    model: TransformerConfig | Seq2SeqRNNConfig = field(default_factory=TransformerConfig)


@dataclass(frozen=True)
class FactAnsweringConfig(Checked):
    """The config of `FactAnswering.from_text`."""

    vocab_size: int = 20000  # maximum words; the answers of a memory network are added
    lowercase: bool = True  # read "Dog" as "dog"
    fact_length: int = 32  # maximum words of a fact; memory network only
    answer_length: int = 16  # maximum words of an answer; not for a memory network
    linear_start: int = 0  # epochs of a memory network without the softmax; Sukhbaatar et al. 2015, sec. 4.2
    embeddings: str | None = None  # file of word vectors that initialise the embeddings
    embeddings_trainable: bool | Literal["missing"] = True  # whether to train them; missing: words without a vector
    model: MemoryNetworkConfig | Seq2SeqRNNConfig | TransformerConfig = field(default_factory=MemoryNetworkConfig)


@dataclass(frozen=True)
class QuestionAnsweringConfig(Checked):
    """The config of `QuestionAnswering.from_text`."""

    tokenizer: Literal["words", "wordpieces"] = "words"  # what the text is split into
    vocab_size: int = 20000  # maximum tokens
    lowercase: bool = True  # read "Dog" as "dog"
    no_answer: bool | None = None  # whether "no answer" is allowed; None: if a training question has none
    length: int | None = None  # tokens of a window, with question and special tokens; None: 384, or the model's limit
    stride: int | None = None  # tokens from one window to the next; None: 128, or half of the context in a window
    question_length: int | None = None  # maximum tokens; None: 64, or a quarter of a window
    answer_length: int = 30  # maximum tokens
    embeddings: str | None = None  # file of word vectors that initialise the embedding
    embeddings_trainable: bool | Literal["missing"] = True  # whether to train it; missing: words without a vector
    embeddings_words: int = 0  # add the first words of that file to the vocabulary; this is their number
    model: BiDAFConfig | BERTConfig | TextRNNConfig = field(default_factory=BiDAFConfig)


@dataclass(frozen=True)
class DialogueGeneratorConfig(Checked):
    """The config of `DialogueGenerator.from_text`."""

    # what the text is split into
    tokenizer: Literal["subwords", "words", "segments", "characters", "bytes"] = "subwords"
    vocab_size: int = 8000  # maximum tokens
    lowercase: bool = False  # read "Dog" as "dog"
    speakers: tuple[str, ...] | None = None  # names, in order; none: the names in the data, or A and B
    replies: str = "all"  # learn all replies, or those of the speaker with this name
    history_length: int | None = None  # maximum tokens of the history; none: the model's limit, or 256
    reply_length: int = 48  # maximum tokens of a reply, with END
    label_smoothing: float = 0.0  # epsilon of Vaswani et al. 2017, sec. 5.4
    embeddings: str | None = None  # file of word vectors that initialise the embeddings
    embeddings_trainable: bool | Literal["missing"] = True  # whether to train them; missing: words without a vector
    # causal models, and encoder-decoders, whose encoder reads the history
    model: (
        GPTConfig | LlamaConfig | LSTMLanguageModelConfig | BigLanguageModelConfig | Seq2SeqRNNConfig
        | TransformerConfig
    ) = field(default_factory=GPTConfig)  # fmt: skip
