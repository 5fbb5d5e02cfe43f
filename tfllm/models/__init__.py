"""Models: one paper, or one sample of the documents, a file."""

from tfllm.models.bert import BERT, BERTConfig
from tfllm.models.bidaf import BiDAF, BiDAFConfig
from tfllm.models.big_language_model import BigLanguageModel, BigLanguageModelConfig
from tfllm.models.encoder import Encoder
from tfllm.models.gpt import GPT, GPTConfig
from tfllm.models.lstm_language_model import LSTMLanguageModel, LSTMLanguageModelConfig
from tfllm.models.mean_of_vectors import MeanOfVectors, MeanOfVectorsConfig
from tfllm.models.memory_network import MemoryNetwork, MemoryNetworkConfig
from tfllm.models.pointer_generator import PointerGenerator
from tfllm.models.seq2seq_rnn import Seq2SeqRNN, Seq2SeqRNNConfig
from tfllm.models.text_cnn import TextCNN, TextCNNConfig
from tfllm.models.text_rnn import TextRNN, TextRNNConfig
from tfllm.models.textgenrnn import TextgenRNN, TextgenRNNConfig
from tfllm.models.transformer import Transformer, TransformerConfig

__all__ = [
    "BERT",
    "BERTConfig",
    "BiDAF",
    "BiDAFConfig",
    "BigLanguageModel",
    "BigLanguageModelConfig",
    "Encoder",
    "GPT",
    "GPTConfig",
    "LSTMLanguageModel",
    "LSTMLanguageModelConfig",
    "MeanOfVectors",
    "MeanOfVectorsConfig",
    "PointerGenerator",
    "MemoryNetwork",
    "MemoryNetworkConfig",
    "Seq2SeqRNN",
    "Seq2SeqRNNConfig",
    "TextCNN",
    "TextCNNConfig",
    "TextRNN",
    "TextRNNConfig",
    "TextgenRNN",
    "TextgenRNNConfig",
    "Transformer",
    "TransformerConfig",
]
