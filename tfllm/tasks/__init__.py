"""Tasks: text to answer, each a keras.Model with its tokenizers inside."""

from tfllm.tasks.decoding import Decoding
from tfllm.tasks.task import Task
from tfllm.tasks.translator import Translator, TranslatorConfig

__all__ = ["Decoding", "Task", "Translator", "TranslatorConfig"]
