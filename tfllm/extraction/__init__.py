"""Keywords and extractive summaries, without a trained model."""

from tfllm import lazy

__getattr__, __dir__, __all__ = lazy.names(__name__, {
    "extractive": ["Lead", "TextRank"],
    "key_phrases": ["Keywords"],
    "tf_idf": ["TfIdf"],
})  # fmt: skip
