"""What `from_text` of each task builds, as frozen dataclasses: tokenizer, model, loss.

They stand apart from the tasks so that the command line can list and check them without importing TensorFlow.
"""

from dataclasses import dataclass, field
from typing import Literal

from tfllm.models.configs import (
    BERTConfig,
    BiDAFConfig,
    BigLanguageModelConfig,
    GPTConfig,
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
    """What `Translator.from_text` builds."""

    tokenizer: Literal["subwords", "words", "segments", "characters", "bytes"] = "subwords"
    vocab_size: int = 8000  # tokens of each tokenizer, at most
    joint: bool = True  # one tokenizer for both languages
    lowercase: bool = False
    label_smoothing: float = 0.1  # epsilon of Vaswani et al. 2017, sec. 5.4
    embeddings: str | None = None  # file of word vectors for the source; of shared="all", for the one matrix
    embeddings_target: str | None = None  # file of word vectors for the target
    embeddings_trainable: bool | Literal["missing"] = True  # which rows of these are trained; missing: without a vector
    model: TransformerConfig | Seq2SeqRNNConfig = field(default_factory=TransformerConfig)


@dataclass(frozen=True)
class SummarizerConfig(Checked):
    """What `Summarizer.from_text` builds."""

    tokenizer: Literal["words", "subwords", "characters", "bytes"] = "words"
    vocab_size: int = 8000  # tokens, at most
    lowercase: bool = False
    copy: bool = True  # words of the source can be said, also those that are not in the vocabulary; See et al. 2017
    coverage: float | None = None  # weight of the coverage loss, 1 in See et al. 2017; none: no coverage
    label_smoothing: float = 0.0  # not of a model that copies
    embeddings: str | None = None  # file of word vectors, for documents and summaries
    embeddings_trainable: bool | Literal["missing"] = True  # which rows of these are trained; missing: without a vector
    model: TransformerConfig | Seq2SeqRNNConfig = field(default_factory=TransformerConfig)


@dataclass(frozen=True)
class LanguageModelConfig(Checked):
    """What `LanguageModel.from_text` builds."""

    tokenizer: Literal["subwords", "words", "segments", "characters", "bytes"] = "subwords"
    vocab_size: int = 8000  # tokens, at most
    lowercase: bool = False
    length: int | None = None  # tokens in a block of training; None: what the model can take, or 256
    cross_documents: bool = False  # blocks run over the ends of documents, without padding
    embeddings: str | None = None  # file of word vectors that the embedding begins with
    embeddings_trainable: bool | Literal["missing"] = True  # which of its rows are trained; missing: without a vector
    model: GPTConfig | LSTMLanguageModelConfig | BigLanguageModelConfig = field(default_factory=GPTConfig)


@dataclass(frozen=True)
class TextClassifierConfig(Checked):
    """What `TextClassifier.from_text` builds."""

    tokenizer: Literal["words", "subwords", "wordpieces", "segments", "characters", "bytes"] = "words"
    vocab_size: int = 20000  # tokens, at most
    lowercase: bool = True
    kind: Literal["single", "multi", "regression"] = "single"  # one label a text; any number of them; a number
    separator: str = "|"  # between the labels of one text
    length: int | None = None  # tokens of a text, at most; None: what the model can take, or 512
    class_weights: dict[str, float] | Literal["balanced"] | None = None  # of a label in the loss; balanced: all alike
    pooling: Literal["first", "last", "mean", "max", "attention"] | None = None  # None: the model's own, or last
    rate: float | None = None  # probability of dropout before the head; None: what goes with the model
    embeddings: str | None = None  # file of word vectors that the embedding begins with
    embeddings_trainable: bool | Literal["missing"] = True  # which of its rows are trained; missing: without a vector
    embeddings_words: int = 0  # words, the first so many of that file, that are known beside those of the text
    model: (
        TextCNNConfig | TextRNNConfig | MeanOfVectorsConfig | BERTConfig | GPTConfig | LSTMLanguageModelConfig
        | BigLanguageModelConfig
    ) = field(default_factory=TextCNNConfig)  # fmt: skip


@dataclass(frozen=True)
class MaskedLanguageModelConfig(Checked):
    """What `MaskedLanguageModel.from_text` builds."""

    vocab_size: int = 8000  # WordPieces, at most
    lowercase: bool = True
    next_sentence: bool = True  # pairs, of which half follow on; false: blocks of one text each, as RoBERTa's
    length: int = 128  # tokens in a row of training, at most
    masked: float = 0.15  # share of the tokens that is to be told
    whole_words: bool = False  # all pieces of a word are masked, or none
    model: BERTConfig = field(default_factory=BERTConfig)


@dataclass(frozen=True)
class DenoiserConfig(Checked):
    """What `Denoiser.from_text` builds."""

    tokenizer: Literal["subwords", "words", "segments", "characters", "bytes"] = "subwords"
    vocab_size: int = 8000  # tokens, at most
    lowercase: bool = False
    length: int = 128  # tokens in a row of training, before gaps are made
    corrupted: float = 0.15  # share of the tokens that is left out
    span: float = 3.0  # tokens in a gap, on average
    model: TransformerConfig | Seq2SeqRNNConfig = field(default_factory=TransformerConfig)


@dataclass(frozen=True)
class FactAnsweringConfig(Checked):
    """What `FactAnswering.from_text` builds."""

    vocab_size: int = 20000  # words, at most; answers of a memory network come on top
    lowercase: bool = True
    fact_length: int = 32  # words of a fact, at most; of a memory network
    answer_length: int = 16  # words of an answer, at most; of a model that writes it
    linear_start: int = 0  # epochs in which a memory network looks without a softmax; Sukhbaatar et al. 2015, sec. 4.2
    embeddings: str | None = None  # file of word vectors that the embeddings begin with
    embeddings_trainable: bool | Literal["missing"] = True  # which rows of these are trained; missing: without a vector
    model: MemoryNetworkConfig | Seq2SeqRNNConfig | TransformerConfig = field(default_factory=MemoryNetworkConfig)


@dataclass(frozen=True)
class QuestionAnsweringConfig(Checked):
    """What `QuestionAnswering.from_text` builds."""

    tokenizer: Literal["words", "wordpieces"] = "words"
    vocab_size: int = 20000  # tokens, at most
    lowercase: bool = True
    no_answer: bool | None = None  # whether it may say that there is none; None: where a training question has none
    length: int | None = None  # tokens of a window of the context, with question and marks; None: 384, or the model's
    stride: int | None = None  # tokens from one window to the next; None: 128, or half of what a window has room for
    question_length: int | None = None  # tokens, at most; None: 64, or a quarter of a window
    answer_length: int = 30  # tokens, at most
    embeddings: str | None = None  # file of word vectors that the embedding begins with
    embeddings_trainable: bool | Literal["missing"] = True  # which of its rows are trained; missing: without a vector
    embeddings_words: int = 0  # words, the first so many of that file, that are known beside those of the text
    model: BiDAFConfig | BERTConfig | TextRNNConfig = field(default_factory=BiDAFConfig)


@dataclass(frozen=True)
class DialogueGeneratorConfig(Checked):
    """What `DialogueGenerator.from_text` builds."""

    tokenizer: Literal["subwords", "words", "segments", "characters", "bytes"] = "subwords"
    vocab_size: int = 8000  # tokens, at most
    lowercase: bool = False
    speakers: tuple[str, ...] | None = None  # their names, in order; none: those of the data, or A and B
    replies: str = "all"  # what is learned: all replies, or those of the speaker of this name
    history_length: int | None = None  # tokens that a reply may look back at; none: what the model can take, or 256
    reply_length: int = 48  # tokens of a reply, END counted
    label_smoothing: float = 0.0  # epsilon of Vaswani et al. 2017, sec. 5.4
    embeddings: str | None = None  # file of word vectors that the embeddings begin with
    embeddings_trainable: bool | Literal["missing"] = True  # which rows of these are trained; missing: without a vector
    model: GPTConfig | LSTMLanguageModelConfig | BigLanguageModelConfig | Seq2SeqRNNConfig | TransformerConfig = field(
        default_factory=GPTConfig
    )  # the first three read and write one stream of turns; of the others the encoder reads, the decoder replies
