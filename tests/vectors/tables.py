"""Word vectors as a dict, to compare with."""

import numpy as np
from gensim.models import KeyedVectors


def table(vectors):
    """{word: numbers}, in order."""
    assert type(vectors) is KeyedVectors and vectors.vectors.dtype == np.float32
    assert vectors.vectors.shape == (len(vectors), vectors.vector_size)
    return {word: vectors[word].tolist() for word in vectors.index_to_key}
