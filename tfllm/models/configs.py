"""The constructor arguments of each model as a frozen dataclass, except the size of its vocabulary.

They are separate from the models so that the command line can list and check them without importing Keras.
"""

from dataclasses import dataclass, replace
from typing import Literal

from tfllm.sizes import Checked


@dataclass(frozen=True)
class BERTConfig(Checked):
    """The arguments of `BERT` except the vocabulary size. BERT base: 12 layers, 768, 12 heads, 3072."""

    max_length: int = 128  # tokens
    num_layers: int = 4
    d_model: int = 128
    num_heads: int = 4
    dff: int = 512  # inner width of the feed-forward
    rate: float = 0.1  # dropout probability
    num_segments: int = 2  # number of segment ids; 0: none
    activation: str = "gelu"
    epsilon: float = 1e-12  # of the norms
    pooling: Literal["pooler", "first", "mean", "max"] = "pooler"


@dataclass(frozen=True)
class BiDAFConfig(Checked):
    """The arguments of `BiDAF` except the vocabulary size. The paper: 100, 200, 2 layers, 0.2."""

    embedding_dim: int = 100
    num_units: int = 200  # of each recurrence, both directions together
    num_layers: int = 2  # recurrences of the modelling layer
    cell: Literal["lstm", "gru"] = "lstm"
    rate: float = 0.2  # dropout probability


@dataclass(frozen=True)
class BigLanguageModelConfig(Checked):
    """The arguments of `BigLanguageModel` except the vocabulary size."""

    embedding_dim: int = 128
    hidden_dim: int = 256
    num_layers: int = 2
    encoder: Literal["rnn", "cnn"] = "rnn"
    cell: Literal["lstm", "gru"] = "lstm"  # if encoder is "rnn"
    kernel_size: int = 3  # if encoder is "cnn", in tokens; layer i has dilation 2^i
    num_heads: int = 4
    rate: float = 0.1  # dropout probability


@dataclass(frozen=True)
class GPTConfig(Checked):
    """The arguments of `GPT` except the vocabulary size. GPT-2 small: 1024 tokens, 12 layers, 768, 12 heads."""

    max_length: int | None = 256  # tokens; None, with rotary positions only: no limit
    num_layers: int = 4
    d_model: int = 128
    num_heads: int = 4
    dff: int | None = None  # inner width of the feed-forward; None: 4 * d_model
    rate: float = 0.1  # dropout probability
    positions: Literal["learned", "rotary"] = "learned"
    num_kv_heads: int | None = None  # heads of keys and values; None: num_heads
    tied: bool = True  # the softmax shares the matrix of the embeddings
    use_bias: bool = True  # in dense layers and norms
    activation: str = "gelu_tanh"
    epsilon: float = 1e-5  # of the norms


@dataclass(frozen=True)
class LlamaConfig(Checked):
    """The arguments of `Llama` except the vocabulary size. SmolLM2-135M: 30 layers, 576, 9 heads, 3 of keys, 1536."""

    max_length: int | None = 256  # tokens; None: no limit
    num_layers: int = 4
    d_model: int = 128
    num_heads: int = 4
    dff: int = 344  # inner width of the gated feed-forward; 8/3 d_model has as many weights as GPT's
    num_kv_heads: int | None = None  # heads of keys and values; None: num_heads
    head_width: int | None = None  # None: d_model / num_heads
    rate: float = 0.1  # dropout probability
    tied: bool = True  # the softmax shares the matrix of the embeddings
    activation: str = "silu"  # of the gate
    epsilon: float = 1e-5  # of the norms
    base: float = 10000.0  # of the rotary positions
    scaling: Literal["none", "linear", "llama3"] = "none"  # of the rotary positions, for longer texts
    factor: float = 1.0  # of the scaling: how much longer
    slow: float = 1.0  # if scaling is "llama3": turns in trained_length tokens up to which a pair is fully scaled
    fast: float = 4.0  # if scaling is "llama3": turns from which a pair is not scaled
    trained_length: int = 8192  # if scaling is "llama3": tokens of the texts before scaling
    biases: Literal["none", "inputs", "all"] = "none"  # of the attention; inputs: of queries, keys and values
    norm_heads: bool = False  # normalise each query and key
    window: int | None = None  # maximum number of tokens that a query attends to; None: all


@dataclass(frozen=True)
class LSTMLanguageModelConfig(Checked):
    """The arguments of `LSTMLanguageModel` except the vocabulary size."""

    embedding_dim: int = 256
    num_units: int = 256  # of each layer
    num_layers: int = 2
    rate: float = 0.2  # dropout probability; Zaremba et al. 2014 use 0.5 and more in their larger models
    tied: bool = True  # one matrix for embedding and softmax
    cell: Literal["lstm", "gru"] = "lstm"


@dataclass(frozen=True)
class MeanOfVectorsConfig(Checked):
    """The arguments of `MeanOfVectors` except the vocabulary size."""

    embedding_dim: int = 128
    hidden_dim: int = 128
    num_layers: int = 0  # hidden layers above the mean; Iyyer et al. 2015 have 2 or 3, of 300
    rate: float = 0.3  # probability of dropping a word


@dataclass(frozen=True)
class MemoryNetworkConfig(Checked):
    """The arguments of `MemoryNetwork` except the vocabulary size."""

    max_facts: int = 50  # capacity of the memory: of longer stories the last facts
    num_hops: int = 3
    embedding_dim: int = 20
    tying: Literal["adjacent", "layerwise"] = "adjacent"  # which hops share their matrices
    positions: bool = True  # weight words by their position; false: bag of words
    noise: float = 0.1  # largest share of empty facts that training inserts between the facts


@dataclass(frozen=True)
class Seq2SeqRNNConfig(Checked):
    """The arguments of `Seq2SeqRNN` except the vocabulary sizes."""

    num_layers: int = 1  # recurrent layers in the encoder (each bidirectional), and in the decoder
    embedding_dim: int = 128
    num_units: int = 256  # of the decoder's layers, and of both directions of the encoder's together
    pe_input: int | None = 256  # longest source, in tokens; none: no limit
    pe_target: int | None = 256  # longest target, in tokens; none: no limit
    attention: Literal["bahdanau", "luong"] = "bahdanau"
    cell: Literal["lstm", "gru"] = "lstm"
    rate: float = 0.1  # dropout probability
    shared: Literal["nothing", "output", "all"] = "all"  # which embeddings share one matrix
    score: Literal["general", "dot"] = "general"  # if attention is "luong"
    input_feeding: bool = True  # if attention is "luong": the attention output is an input of the next step


@dataclass(frozen=True)
class TextCNNConfig(Checked):
    """The arguments of `TextCNN` except the vocabulary size. Kim 2014: 300 dimensions, the rest as here."""

    embedding_dim: int = 128
    widths: tuple[int, ...] = (3, 4, 5)  # of the windows, in tokens
    filters: int = 100  # of each window width
    rate: float = 0.5  # dropout probability


@dataclass(frozen=True)
class TextRNNConfig(Checked):
    """The arguments of `TextRNN` except the vocabulary size."""

    embedding_dim: int = 128
    num_units: int = 256  # of each layer, both directions together
    num_layers: int = 1
    cell: Literal["lstm", "gru"] = "lstm"
    pooling: Literal["ends", "max", "mean", "attention"] = "max"
    rate: float = 0.3  # dropout probability


@dataclass(frozen=True)
class TextgenRNNConfig(Checked):
    """The arguments of `TextgenRNN` except the vocabulary size: the defaults match its published weights."""

    embedding_dim: int = 100
    num_units: int = 128
    num_layers: int = 2
    window: int = 40  # number of tokens that a prediction depends on


@dataclass(frozen=True)
class TransformerConfig(Checked):
    """The arguments of `Transformer` except the vocabulary sizes; by default Transformer-tiny, Wu et al. 2021."""

    num_layers: int = 4  # blocks in the encoder, and in the decoder unless num_decoder_layers is given
    d_model: int = 128
    num_heads: int = 4
    dff: int = 256
    pe_input: int = 256  # longest source, in tokens
    pe_target: int = 256  # longest target, in tokens
    rate: float = 0.1  # dropout probability
    shared: Literal["nothing", "output", "all"] = "all"  # which embeddings share one matrix
    pre_norm: bool = False
    activation: str = "relu"
    num_decoder_layers: int | None = None  # blocks in the decoder; none: num_layers


SHARE = 5 / 8  # of the teacher's width: a third of the weights, if the encoder has as many blocks


def student_config(teacher: TransformerConfig | Seq2SeqRNNConfig) -> TransformerConfig | Seq2SeqRNNConfig:
    """The config of a model with about a third of the weights: 5/8 of the width, and a decoder of one layer.

    A deep encoder with a shallow decoder is about as good and much faster (Kasai et al. 2021).
    Raises ValueError for another config.
    """
    if isinstance(teacher, Seq2SeqRNNConfig):
        sizes = {"embedding_dim": scaled(teacher.embedding_dim), "num_units": scaled(teacher.num_units, 2)}
        return replace(teacher, num_layers=1, **sizes)
    if not isinstance(teacher, TransformerConfig):
        raise ValueError(f"expected the config of an encoder-decoder; got a {type(teacher).__name__}")
    sizes = {"d_model": scaled(teacher.d_model, teacher.num_heads), "dff": scaled(teacher.dff)}
    return replace(teacher, num_decoder_layers=1, **sizes)


def scaled(size, divisor=1):
    """SHARE of the size, as a multiple of the divisor."""
    return max(1, round(SHARE * size / divisor)) * divisor
