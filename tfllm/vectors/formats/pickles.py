"""Reads word vectors that gensim saved, without running anything that the file names.

unpickling.py reads the pickle as plain data. Large arrays are in files next to the pickle: NumPy reads them, without
pickles. gensim itself never opens a file. Supported: files of gensim 3 and 4.
Not supported: sparse matrices, whole models (only their vectors are read).
"""

import re

import numpy as np

from tfllm.files import one_line, understood
from tfllm.limits import check_unpacked
from tfllm.vectors.formats.unpacked import Unpacked
from tfllm.vectors.formats.unpickling import Array, Saved, unpickle
from tfllm.vectors.keyed import brief, keyed_vectors

PLAIN = re.compile(r"(?!__)\w{1,60}")  # an attribute name


def is_pickle(head):
    """Whether the first bytes of a file start a pickle of protocol 2 or later; no UTF-8 text starts so."""
    return len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5


def read_pickle(path):
    """KeyedVectors, FastTextKeyedVectors or PoincareKeyedVectors from a file saved by gensim; of a model, its `wv`.

    Raises ValueError for other files, for a file that names anything but gensim, NumPy and plain types, and for a
    damaged file; FileNotFoundError if one of its other files is missing.
    """
    with Unpacked(path, verbose=False) as source:
        result = unpickle(source, path)
    if not isinstance(result, Saved):
        raise ValueError(f"{path}: expected word vectors saved by gensim, got a {type(result).__name__}")
    base, model = str(path), {}
    if isinstance(inner := vars(result).get("wv"), Saved):
        result, base, model = inner, f"{path}.wv", vars(result)
    # the second: gensim 3's FastText
    kind, state = type(result).__name__, {"bucket": model.get("bucket")} | vars(result)
    _check_names(state, path)
    for name in state.get("__numpys", []):
        state[name] = _array_beside(base, name, packed=str(path).endswith(".gz"))
    words = next((state[name] for name in ("index_to_key", "index2word", "index2entity") if name in state), None)
    if not isinstance(words, list):
        raise ValueError(f"{path}: expected word vectors, got a {kind} of gensim")
    try:
        return _built(kind, words, state)
    except Exception as error:
        raise ValueError(f"{path}: the word vectors that gensim saved have a fault: {one_line(error)}") from None


def _check_names(state, path):
    """Raises ValueError if the attributes name other files than arrays in the same folder."""
    for name in ("__scipys", "__recursive_saveloads"):
        if more := state.get(name):
            raise ValueError(f"{path}: expected word vectors in one table, got more files in {name}: {brief(more)}")
    names = state.get("__numpys", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and PLAIN.fullmatch(name) for name in names):
        raise ValueError(f"{path}: expected plain names of arrays in __numpys, got {brief(names)}")


def _array_beside(base, name, packed):
    """An array that gensim wrote to a separate file, memory-mapped unless it is compressed."""
    path = f"{base}.{name}.{'npz' if packed else 'npy'}"
    try:
        with understood(path, "an array as gensim writes it"):
            if packed:
                check_unpacked(path)
            result = np.load(path, mmap_mode=None if packed else "c", allow_pickle=False)
            result = result["val"] if packed else result
            result.shape  # noqa: B018  a file of several arrays has none
            return result
    except FileNotFoundError:
        raise FileNotFoundError(f"{base}: its {name} are in {path}, which is missing: put it there") from None


def _built(kind, words, state):
    syn0 = state.get("syn0")  # of gensim 0
    matrix = state.get("vectors", syn0)
    if kind == "FastTextKeyedVectors":
        return _fasttext(words, state)
    result = _numbers(words, matrix)
    if kind == "PoincareKeyedVectors":
        from gensim.models.poincare import PoincareKeyedVectors

        result = _as(PoincareKeyedVectors, result, max_distance=0)
    return _with_counts(result, state)


def _numbers(words, matrix):
    if not isinstance(matrix, np.ndarray) or matrix.dtype.kind != "f":
        raise ValueError(f"expected a matrix of floating point numbers, got {_what(matrix)}")
    plain = matrix.view(np.ndarray) if isinstance(matrix, Array) else matrix
    return keyed_vectors(words, plain[: len(words)])


def _fasttext(words, state):
    """Vectors with n-grams, which give unknown words a vector."""
    from gensim.models.fasttext import FastTextKeyedVectors

    if state.get("compatible_hash") is not True:
        raise ValueError(
            "it is a FastText of gensim before 3.8.1, whose n-grams are hashed differently; "
            "load and save it with gensim 3.8.3, or save its words as .vec"
        )
    sizes = {name: state.get(name) for name in ("min_n", "max_n", "bucket")}
    if not all(type(size) is int and 0 <= size < 2**31 for size in sizes.values()):
        raise ValueError(f"expected whole numbers above 0, got {', '.join(map(brief, sizes.values()))}")
    own, grams = (_matrix(state.get(name)) for name in ("vectors_vocab", "vectors_ngrams"))
    if len(grams) != sizes["bucket"] or own.shape != (len(words), grams.shape[1]):
        raise ValueError(f"vectors {own.shape} and of n-grams {grams.shape} do not fit {len(words)} words and {sizes}")
    result = _as(
        FastTextKeyedVectors, keyed_vectors(words, own), vectors_vocab=own, vectors_ngrams=grams, buckets_word=None,
        vectors_vocab_lockf=np.ones(1, "float32"), vectors_ngrams_lockf=np.ones(1, "float32"), compatible_hash=True,
        **sizes,
    )  # fmt: skip
    result.recalc_char_ngram_buckets()
    result.adjust_vectors()
    return _with_counts(result, state)


def _matrix(value):
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.ndim != 2:
        raise ValueError(f"expected a matrix of floating point numbers, got {_what(value)}")
    return np.asarray(value.view(np.ndarray) if isinstance(value, Array) else value, np.float32)


def _with_counts(result, state):
    """Add the count of each word, if the file has all of them."""
    expandos, vocab = state.get("expandos", {}), state.get("vocab")
    counts = expandos.get("count") if isinstance(expandos, dict) else None
    if isinstance(vocab, dict):  # gensim 3
        counts = np.array([getattr(vocab.get(word), "count", None) for word in result.index_to_key])
    if isinstance(counts, np.ndarray) and counts.shape == (len(result),) and counts.dtype.kind in "iu":
        result.expandos["count"] = np.array(counts, "int64")
    return result


def _as(kind, vectors, **more):
    result = kind.__new__(kind)
    result.__dict__.update(vectors.__dict__, **more)
    return result


def _what(value):
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
