"""Keywords and summaries taken out of texts as they are: no model is trained, and nothing is exported."""

from tfllm import lazy

__getattr__, __dir__, __all__ = lazy.names(__name__, {
    "extractive": ["Lead", "TextRank"],
    "key_phrases": ["Keywords"],
    "tf_idf": ["TfIdf"],
})  # fmt: skip
