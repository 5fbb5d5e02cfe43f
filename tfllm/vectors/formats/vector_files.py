"""Reads and writes word vectors: word2vec (text and binary), GloVe, FastText's .vec, gensim's own format.

The format is detected from the first bytes (sniffing.py), with or without gzip. Numbers are float32(float(text)).
Not supported: other encodings than UTF-8, FastText's .bin with its n-grams (gensim reads it), counts of words.
"""

import contextlib
import gzip
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tfllm.files import written
from tfllm.vectors.formats import mapped
from tfllm.vectors.formats.binary_files import binary_blocks, read_binary
from tfllm.vectors.formats.binary_files import unwritable as not_in_binary
from tfllm.vectors.formats.faults import Faults
from tfllm.vectors.formats.pickles import is_pickle, read_pickle
from tfllm.vectors.formats.rows import WRITTEN
from tfllm.vectors.formats.sniffing import sniff
from tfllm.vectors.formats.text_files import read_text, text_blocks
from tfllm.vectors.formats.text_files import unwritable as not_in_text
from tfllm.vectors.formats.unpacked import Unpacked
from tfllm.vectors.keyed import keyed_vectors

FORMATS = ("word2vec", "binary", "glove", "fasttext", "gensim")
SUFFIXES = {".txt": "word2vec", ".bin": "binary", ".vec": "fasttext", ".kv": "gensim"}
SMALL = 2**22  # bytes from which a file is cached
BIG = 2**22  # numbers from which writing shows a progress bar


def load(path, format=None, limit=None, errors="raise", cache=True, verbose="auto"):
    """Load the vectors in a file -> gensim KeyedVectors, float32.

    format: one of "word2vec" (text with a header), "binary" (word2vec's), "glove" (text without a header), "fasttext"
        (the .vec, the same as "word2vec"), "gensim"; None: detected.
    limit: read only the first `limit` words.
    errors: "raise", or "skip": invalid lines are skipped, and one warning counts them and names the first ones.
    cache: for files of 4 MB or more, keep a memory-mapped copy next to the file for the next load; False: no copy;
        a folder: keep it there. There is no copy if it cannot be written; it is rewritten if the file changes.
    verbose: a progress bar, "auto": from 64 MB on.

    gensim's files keep the n-grams of FastText and the counts of words; with a limit they become plain vectors. They
    are pickles: one that names anything but gensim, NumPy and plain types is refused, and no code in them runs.
    Raises OSError if the file is missing; ValueError, with file and line, for an unknown format, a wrong header, a
    repeated word, too few or too many numbers, NaN and infinity, and invalid UTF-8.
    """
    if format not in (None, *FORMATS):
        raise ValueError(f"format must be one of {FORMATS}, or None, got {format!r}")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise ValueError(f"limit must be a whole number of words, at least 1, got {limit!r}")
    faults = Faults(path, errors)
    fingerprint = mapped.fingerprint(path)
    with Unpacked(path, verbose=False) as source:
        pickled = is_pickle(source.read(2))
    if format == "gensim" and not pickled:
        raise ValueError(f"{path}: expected a file saved by gensim, which is a pickle; got something else")
    if pickled and format in (None, "gensim"):
        result = read_pickle(path)
        return keyed_vectors(result.index_to_key[:limit], result.vectors[:limit]) if limit else result
    format = "word2vec" if format == "fasttext" else format
    copy = mapped.copy_path(path, cache) if fingerprint[1] >= SMALL else None
    cached = mapped.read(copy, fingerprint) if copy else None
    if cached and format in (None, cached.format) and (cached.report is None or faults.skip):
        words, matrix, report = cached.words, cached.matrix, cached.report
    else:
        with Unpacked(path, verbose) as source:
            layout = sniff(source, format)
            faults.unit = "word" if layout.format == "binary" else "line"
            table = (read_binary if layout.format == "binary" else read_text)(source, layout, limit, faults)
        words, report = list(table.index), faults.report(table.read)
        if not words:
            raise ValueError(f"{path}: expected word vectors, got none. {report}")
        matrix = table.matrix()
        if copy and limit is None:
            mapped.write(copy, mapped.Cached(words, matrix, layout.format, report), fingerprint)
    if report:
        warnings.warn(report, stacklevel=2)
    return keyed_vectors(words[:limit], matrix[:limit])


def save(vectors, path, format=None, verbose="auto"):
    """Write KeyedVectors, or a mapping of words to vectors, atomically.

    format: as in `load`; None: by the name: .txt and .vec are word2vec's text with a header, .bin its binary, .kv is
        gensim's. A name that ends in .gz is compressed. Only "gensim" keeps the n-grams of FastText, in one file.
    verbose: a progress bar, "auto": from 4 million numbers on.

    Raises ValueError for a name without a known ending, for NaN and infinity, and for a word that the format cannot
    represent, such as one with a space in "binary".
    """
    path = Path(path)
    packed = path.suffix.lower() == ".gz"
    format = format or SUFFIXES.get((Path(path.stem) if packed else path).suffix.lower())
    if format not in FORMATS:
        raise ValueError(
            f"{path}: expected a name ending in {', '.join(SUFFIXES)}, or format= one of {FORMATS}; got {format}"
        )
    vectors = keyed_vectors(vectors, list(vectors.values())) if isinstance(vectors, Mapping) else vectors
    words, matrix = _checked(vectors, format)
    if format == "gensim":
        if packed:
            raise ValueError(f"{path}: gensim's own format cannot be compressed: remove .gz")
        with written(path) as temporary:
            vectors.save(str(temporary), separately=[])  # one file, written atomically
        return
    blocks = (binary_blocks if format == "binary" else text_blocks)(words, matrix)
    with written(path) as temporary, _packing(temporary, packed) as file, _bar(matrix, verbose) as advance:
        if format != "glove":
            file.write(b"%d %d\n" % matrix.shape)
        for block in blocks:
            file.write(block)
            advance()


def _checked(vectors, format):
    """(words, float32 [V, D]) of KeyedVectors that `format` can represent."""
    words, matrix = list(vectors.index_to_key), vectors.vectors[: len(vectors.index_to_key)]
    if not words:
        raise ValueError("expected vectors to save, got none")
    if wrong := [word for word in words if not isinstance(word, str)]:
        raise ValueError(f"words must be str, got a {type(wrong[0]).__name__}: {wrong[0]!r:.60}")
    with np.errstate(over="ignore"):
        matrix = np.asarray(matrix, np.float32)
    finite = np.isfinite(matrix).all(1)
    if not finite.all():
        raise ValueError(f"expected finite float32 numbers, got others for {words[np.argmin(finite)]!r:.60}")
    for row, word in enumerate(words if format != "gensim" else ()):
        try:
            why = not_in_binary(word) if format == "binary" else not_in_text(word, not row, format != "glove")
        except UnicodeEncodeError:
            why = "is not valid Unicode: it contains half of a surrogate pair"
        if why:
            raise ValueError(f"format {format!r} cannot represent {word!r:.60}: it {why}. format='gensim' can")
    return words, matrix


@contextlib.contextmanager
def _packing(path, packed):
    with open(path, "wb") as file:
        if not packed:
            yield file
            return
        # no time stamp: the same bytes every time
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packing:
            yield packing


@contextlib.contextmanager
def _bar(matrix, verbose):
    """A function to call for each written block."""
    if not (matrix.size >= BIG if verbose == "auto" else verbose):
        yield lambda: None
        return
    import keras  # not needed for small files

    bar = keras.utils.Progbar(-(-len(matrix) // WRITTEN))
    yield lambda: bar.add(1)
