"""Models and weights from elsewhere, and back: Hugging Face folders, keras-nlp presets, textgenrnn. All by name."""

from tfllm.interop import bert_files as bert
from tfllm.interop import cudnn, gpt2, huggingface, keras_nlp
from tfllm.interop import textgenrnn_files as textgenrnn

__all__ = ["bert", "cudnn", "gpt2", "huggingface", "keras_nlp", "textgenrnn"]
