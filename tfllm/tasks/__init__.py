"""Tasks map text to answers. Each is a keras.Model that contains its tokenizers."""

from tfllm import lazy

__getattr__, __dir__, __all__ = lazy.names(__name__, {
    "text_generation.decoding": ["Continuation", "Decoding", "Replying", "Summarizing"],
    "text_generation.distillation": ["distil"],
    "pretraining.denoiser": ["Denoiser"],
    "settings": ["DenoiserConfig", "DialogueGeneratorConfig", "FactAnsweringConfig", "LanguageModelConfig",
                 "MaskedLanguageModelConfig", "QuestionAnsweringConfig", "SummarizerConfig", "TextClassifierConfig",
                 "TranslatorConfig"],
    "dialogue.dialogue_generator": ["CausalDialogue", "DialogueGenerator", "Seq2SeqDialogue"],
    "dialogue.preference_tuning": ["PreferenceTuning"],
    "facts.fact_answering": ["FactAnswering"],
    "language_model": ["LanguageModel"],
    "pretraining.masked_language_model": ["MaskedLanguageModel"],
    "questions.question_answering": ["QuestionAnswering"],
    "summarizer": ["Summarizer"],
    "task": ["Task"],
    "classification.text_classifier": ["TextClassifier"],
    "text_embedder": ["TextEmbedder"],
    "translator": ["Translator"],
}, moved={"Keywords": "tfllm.extraction", "Lead": "tfllm.extraction", "TextRank": "tfllm.extraction"})  # fmt: skip
