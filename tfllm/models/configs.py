"""The arguments of each model as a frozen dataclass, but for the size of its vocabulary.

They stand apart from the models so that the command line can list and check them without importing Keras.
"""

from dataclasses import dataclass
from typing import Literal

from tfllm.sizes import Checked


@dataclass(frozen=True)
class BERTConfig(Checked):
    """The arguments of `BERT` but for the vocabulary's size. BERT base: 12 layers, 768, 12 heads, 3072."""

    max_length: int = 128  # tokens
    num_layers: int = 4
    d_model: int = 128
    num_heads: int = 4
    dff: int = 512  # inner width of the feed-forward
    rate: float = 0.1  # probability of dropout
    num_segments: int = 2  # kinds of segments; 0: none
    activation: str = "gelu"
    epsilon: float = 1e-12  # of the norms
    pooling: Literal["pooler", "first", "mean", "max"] = "pooler"


@dataclass(frozen=True)
class BiDAFConfig(Checked):
    """The arguments of `BiDAF` but for the size of the vocabulary. The paper: 100, 200, 2 layers, 0.2."""

    embedding_dim: int = 100
    num_units: int = 200  # of each recurrence, both directions together
    num_layers: int = 2  # recurrences of the modelling layer
    cell: Literal["lstm", "gru"] = "lstm"
    rate: float = 0.2  # probability of dropout


@dataclass(frozen=True)
class BigLanguageModelConfig(Checked):
    """The arguments of `BigLanguageModel` but for the size of the vocabulary."""

    embedding_dim: int = 128
    hidden_dim: int = 256
    num_layers: int = 2
    encoder: Literal["rnn", "cnn"] = "rnn"
    cell: Literal["lstm", "gru"] = "lstm"  # of an rnn
    kernel_size: int = 3  # of a cnn, in tokens; layer i has dilation 2^i
    num_heads: int = 4
    rate: float = 0.1  # probability of dropout


@dataclass(frozen=True)
class GPTConfig(Checked):
    """The arguments of `GPT` but for the vocabulary's size. GPT-2 small: 1024 tokens, 12 layers, 768, 12 heads."""

    max_length: int | None = 256  # tokens; None, with rotary positions only: no limit
    num_layers: int = 4
    d_model: int = 128
    num_heads: int = 4
    dff: int | None = None  # inner width of the feed-forward; None: 4 * d_model
    rate: float = 0.1  # probability of dropout
    positions: Literal["learned", "rotary"] = "learned"
    num_kv_heads: int | None = None  # heads of keys and values; None: num_heads
    tied: bool = True  # the softmax has the matrix of the embeddings
    use_bias: bool = True  # in dense layers and norms
    activation: str = "gelu_tanh"
    epsilon: float = 1e-5  # of the norms


@dataclass(frozen=True)
class LSTMLanguageModelConfig(Checked):
    """The arguments of `LSTMLanguageModel` but for the size of the vocabulary."""

    embedding_dim: int = 256
    num_units: int = 256  # of each layer
    num_layers: int = 2
    rate: float = 0.2  # probability of dropout; Zaremba et al. 2014 take 0.5 and more in their larger models
    tied: bool = True  # one matrix for embedding and softmax
    cell: Literal["lstm", "gru"] = "lstm"


@dataclass(frozen=True)
class MeanOfVectorsConfig(Checked):
    """The arguments of `MeanOfVectors` but for the size of the vocabulary."""

    embedding_dim: int = 128
    hidden_dim: int = 128
    num_layers: int = 0  # hidden ones above the mean; Iyyer et al. 2015 have 2 or 3, of 300
    rate: float = 0.3  # probability that a word is dropped


@dataclass(frozen=True)
class MemoryNetworkConfig(Checked):
    """The arguments of `MemoryNetwork` but for the size of the vocabulary."""

    max_facts: int = 50  # the memory: of longer stories the last facts
    num_hops: int = 3
    embedding_dim: int = 20
    tying: Literal["adjacent", "layerwise"] = "adjacent"  # which hops share their matrices
    positions: bool = True  # words are weighted by their place; false: a bag of words
    noise: float = 0.1  # share of empty facts that training puts between the facts, at most


@dataclass(frozen=True)
class Seq2SeqRNNConfig(Checked):
    """The arguments of `Seq2SeqRNN` but for the vocabularies' sizes."""

    num_layers: int = 1  # recurrent layers in the encoder (each both ways), and in the decoder
    embedding_dim: int = 128
    num_units: int = 256  # of the decoder's layers, and of both directions of the encoder's together
    pe_input: int | None = 256  # longest source, in tokens; none: any
    pe_target: int | None = 256  # longest target, in tokens; none: any
    attention: Literal["bahdanau", "luong"] = "bahdanau"
    cell: Literal["lstm", "gru"] = "lstm"
    rate: float = 0.1  # probability of dropout
    shared: Literal["nothing", "output", "all"] = "all"  # which embeddings are one matrix
    score: Literal["general", "dot"] = "general"  # of luong
    input_feeding: bool = True  # of luong: what was seen is read with the next token


@dataclass(frozen=True)
class TextCNNConfig(Checked):
    """The arguments of `TextCNN` but for the size of the vocabulary. Kim 2014: 300 dimensions, the rest as here."""

    embedding_dim: int = 128
    widths: tuple[int, ...] = (3, 4, 5)  # of the windows, in tokens
    filters: int = 100  # of each width
    rate: float = 0.5  # probability of dropout


@dataclass(frozen=True)
class TextRNNConfig(Checked):
    """The arguments of `TextRNN` but for the size of the vocabulary."""

    embedding_dim: int = 128
    num_units: int = 256  # of each layer, both directions together
    num_layers: int = 1
    cell: Literal["lstm", "gru"] = "lstm"
    pooling: Literal["ends", "max", "mean", "attention"] = "max"
    rate: float = 0.3  # probability of dropout


@dataclass(frozen=True)
class TextgenRNNConfig(Checked):
    """The arguments of `TextgenRNN` but for the size of the vocabulary: the numbers of its published weights."""

    embedding_dim: int = 100
    num_units: int = 128
    num_layers: int = 2
    window: int = 40  # tokens


@dataclass(frozen=True)
class TransformerConfig(Checked):
    """The arguments of `Transformer` but for the vocabularies' sizes; by default Transformer-tiny, Wu et al. 2021."""

    num_layers: int = 4  # blocks in the encoder, and in the decoder
    d_model: int = 128
    num_heads: int = 4
    dff: int = 256
    pe_input: int = 256  # longest source, in tokens
    pe_target: int = 256  # longest target, in tokens
    rate: float = 0.1  # probability of dropout
    shared: Literal["nothing", "output", "all"] = "all"  # which embeddings are one matrix
    pre_norm: bool = False
    activation: str = "relu"
