"""Words and a matrix -> gensim's KeyedVectors, the type of word vectors in all of tfllm."""

import numpy as np


def keyed_vectors(words, matrix):
    """Words (str, unique) and numbers [V, D], row i for word i -> KeyedVectors.

    A float32 matrix is not copied: a memory-mapped one stays on disk. So a matrix in a .npy file and a list of words
    can be used as vectors: `keyed_vectors(words, np.load("vectors.npy", mmap_mode="c"))`.
    Raises ValueError for other shapes, for keys that are not str, and for a repeated word.
    """
    from gensim.models import KeyedVectors

    words = list(words)
    with np.errstate(over="ignore"):  # becomes infinite
        matrix = np.asarray(matrix, np.float32)
    if matrix.ndim != 2 or len(matrix) != len(words) or not matrix.size:
        raise ValueError(f"expected a matrix [V, D] with a row for each of the {len(words)} words, got {matrix.shape}")
    if wrong := [word for word in words if not isinstance(word, str)]:
        raise ValueError(f"words must be str, got a {type(wrong[0]).__name__}: {brief(wrong[0])}")
    index = {word: row for row, word in enumerate(words)}
    if len(index) < len(words):
        twice = next(word for row, word in enumerate(words) if index[word] != row)
        raise ValueError(f"words must be unique, {twice!r:.60} is repeated")
    vectors = KeyedVectors(matrix.shape[1])
    vectors.vectors, vectors.index_to_key, vectors.key_to_index = matrix, words, index
    vectors.next_index = len(words)
    return vectors


def brief(value):
    """A value for a message: the first items of a list, only the type of values that may be large."""
    if isinstance(value, list):
        return f"[{', '.join('[...]' if isinstance(part, list) else brief(part) for part in value[:3])}]"
    plain = value is None or isinstance(value, (str, bytes, bool, float)) or (type(value) is int and abs(value) < 2**64)
    return f"{value!r:.60}" if plain else f"a {type(value).__name__}"
