"""Export: a task as a SavedModel, text in and text out, with core TensorFlow operations only."""

from tfllm.export.saved_model import export

__all__ = ["export"]
