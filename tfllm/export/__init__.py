"""Export: a task as a SavedModel that takes text and answers in text, on core TensorFlow ops alone."""

from tfllm.export.saved_model import export

__all__ = ["export"]
