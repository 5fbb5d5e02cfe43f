"""Import and export of pretrained models: Hugging Face folders, keras-nlp presets, textgenrnn.

Weights match by name.
"""

from tfllm.interop import bert_files as bert
from tfllm.interop import ctranslate2_files as ctranslate2
from tfllm.interop import cudnn, gpt2, huggingface, keras_nlp
from tfllm.interop import gguf_files as gguf
from tfllm.interop import llama_files as llama
from tfllm.interop import textgenrnn_files as textgenrnn

__all__ = ["bert", "ctranslate2", "cudnn", "gguf", "gpt2", "huggingface", "keras_nlp", "llama", "textgenrnn"]
