"""Tasks: text to answer, each a keras.Model with its tokenizers inside."""

from tfllm import lazy

__getattr__, __dir__, __all__ = lazy.names(__name__, {
    "decoding": ["Continuation", "Decoding", "Replying", "Summarizing"],
    "denoiser": ["Denoiser"],
    "settings": ["DenoiserConfig", "DialogueGeneratorConfig", "FactAnsweringConfig", "LanguageModelConfig",
                 "MaskedLanguageModelConfig", "QuestionAnsweringConfig", "SummarizerConfig", "TextClassifierConfig",
                 "TranslatorConfig"],
    "dialogue": ["CausalDialogue", "DialogueGenerator", "Seq2SeqDialogue"],
    "extractive": ["Lead", "TextRank"],
    "fact_answering": ["FactAnswering"],
    "keywords": ["Keywords"],
    "language_model": ["LanguageModel"],
    "masked_language_model": ["MaskedLanguageModel"],
    "question_answering": ["QuestionAnswering"],
    "summarizer": ["Summarizer"],
    "task": ["Task"],
    "text_classifier": ["TextClassifier"],
    "text_embedder": ["TextEmbedder"],
    "translator": ["Translator"],
})  # fmt: skip
