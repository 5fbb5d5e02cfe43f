"""Tasks: text to answer, each a keras.Model with its tokenizers inside."""

from tfllm.tasks.causal_dialogue import CausalDialogue
from tfllm.tasks.decoding import Continuation, Decoding
from tfllm.tasks.denoiser import Denoiser, DenoiserConfig
from tfllm.tasks.dialogue import DialogueGenerator
from tfllm.tasks.dialogue_configs import DialogueGeneratorConfig, Replying
from tfllm.tasks.extractive import Lead, TextRank
from tfllm.tasks.fact_answering import FactAnswering, FactAnsweringConfig
from tfllm.tasks.keywords import Keywords
from tfllm.tasks.language_model import LanguageModel, LanguageModelConfig
from tfllm.tasks.masked_language_model import MaskedLanguageModel, MaskedLanguageModelConfig
from tfllm.tasks.question_answering import QuestionAnswering, QuestionAnsweringConfig
from tfllm.tasks.seq2seq_dialogue import Seq2SeqDialogue
from tfllm.tasks.summarizer import Summarizer, SummarizerConfig, Summarizing
from tfllm.tasks.task import Task
from tfllm.tasks.text_classifier import TextClassifier, TextClassifierConfig
from tfllm.tasks.text_embedder import TextEmbedder
from tfllm.tasks.translator import Translator, TranslatorConfig

__all__ = [
    "CausalDialogue", "Continuation", "Decoding", "Denoiser", "DenoiserConfig", "DialogueGenerator",
    "DialogueGeneratorConfig", "FactAnswering", "FactAnsweringConfig",
    "Keywords", "LanguageModel", "LanguageModelConfig",
    "Lead", "MaskedLanguageModel", "MaskedLanguageModelConfig", "QuestionAnswering", "QuestionAnsweringConfig",
    "Replying", "Seq2SeqDialogue", "Summarizer", "SummarizerConfig", "Summarizing",
    "Task", "TextClassifier", "TextClassifierConfig", "TextEmbedder", "TextRank", "Translator", "TranslatorConfig",
]  # fmt: skip
