"""Vectors of words: trained (Word2Vec, GloVe), read and written. A table of them is gensim's KeyedVectors.

Nothing is imported before it is used.
"""

import importlib

_HOMES = {
    "cooccurrence": ["Cooccurrence"],
    "glove": ["GloVe"],
    "coverage_report": ["Coverage", "coverage"],
    "files": ["load", "save"],
    "keyed": ["keyed_vectors"],
    "pretrained": ["pretrained_embedding"],
    "word2vec": ["Word2Vec"],
    "intrinsic": ["analogies", "similarity"],
    "widening": ["widened"],
    "maps": ["WordMap", "projector", "word_map"],
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"tfllm.vectors has no {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"tfllm.vectors.{_HOME[name]}"), name)


def __dir__():
    return __all__
