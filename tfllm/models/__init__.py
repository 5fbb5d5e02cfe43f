"""Models: one paper, or one sample of the documents, a file."""

from tfllm.models.transformer import Transformer, TransformerConfig

__all__ = ["Transformer", "TransformerConfig"]
