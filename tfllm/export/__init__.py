"""Export: a task as a SavedModel, text in and text out, with core TensorFlow operations only."""

from tfllm import lazy

__getattr__, __dir__, __all__ = lazy.names(__name__, {"saved_model": ["export"], "deployment": ["write_deployment"]})
