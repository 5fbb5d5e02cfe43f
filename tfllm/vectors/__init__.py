"""Word vectors: training (Word2Vec, GloVe), reading, writing and evaluation, in gensim's KeyedVectors.

Submodules are imported on first use.
"""

from tfllm import lazy

__getattr__, __dir__, __all__ = lazy.names(__name__, {
    "glove.cooccurrence": ["Cooccurrence"],
    "glove.glove": ["GloVe"],
    "coverage_report": ["Coverage", "coverage"],
    "formats.vector_files": ["load", "save"],
    "keyed": ["keyed_vectors"],
    "pretrained": ["pretrained_embedding"],
    "word2vec": ["Word2Vec"],
    "intrinsic": ["analogies", "similarity"],
    "widening": ["widened"],
    "maps": ["WordMap", "projector", "word_map"],
})  # fmt: skip
