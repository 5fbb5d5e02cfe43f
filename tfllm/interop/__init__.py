"""Models and weights from elsewhere, and back: Hugging Face folders, keras-nlp presets, textgenrnn. All by name."""

from tfllm.interop import bert, cudnn, gpt2, huggingface, keras_nlp, textgenrnn

__all__ = ["bert", "cudnn", "gpt2", "huggingface", "keras_nlp", "textgenrnn"]
