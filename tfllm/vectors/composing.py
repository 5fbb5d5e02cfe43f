"""Tokens -> rows of a file of word vectors: the vector of the word, of another case, or a mean over words that start
so.

The tokenizer shows which tokens begin a word: by the space before them (`Subwords`, `BytePairs`), or in `Words` by the
suffix of tokens that continue. Other tokens may still be whole words (the first of a text, punctuation), but a mean
over words that start with their letters would be meaningless.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from tfllm.text.words import Words

KINDS = ("exact", "case", "subword", "missing", "special")
EXACT, CASE, SUBWORD, MISSING, SPECIAL = range(5)
MOST = 20  # number of words averaged for a prefix
CHUNK = 65536  # rows


@dataclass(frozen=True, eq=False)
class Composed:
    """The vectors of a file for each token."""

    kinds: np.ndarray  # int [V], indices into KINDS
    table: np.ndarray  # float32 [V, E]; 0 for MISSING and SPECIAL
    mean: np.ndarray  # float64 [E], over all rows of the file
    deviation: np.ndarray  # standard deviation, float64 [E], likewise

    @property
    def found(self):
        """bool [V]"""
        return self.kinds < MISSING


def compose(tokenizer, vectors) -> Composed:
    """A vector for each token of the tokenizer, from the first of these that exists:

    exact    the word
    case     the word in lower case, Capitalised, In Title Case, in UPPER CASE: the first of these
    subword  if the vectors have n-grams (FastText): their sum; else, for a token that begins a word: the mean over the
             first 20 words of the file that start with it and with no longer token; if there are none, over all words
             that start with it; else the same in another case. Files have their most frequent words first
    missing  none of these;  special: special tokens, which stand for no text

    vectors: gensim's KeyedVectors, a mapping word -> array, or the path of a file (vectors.load).
    """
    words, matrix, grams = word_table(vectors)
    texts = [token_text(tokenizer, token) for token in tokenizer.tokens]
    special = {tokenizer.pad, tokenizer.start, tokenizer.end, *getattr(tokenizer, "special_ids", ())}
    kinds = np.full(len(texts), MISSING)
    table = np.zeros((len(texts), matrix.shape[1]), "float32")
    prefixes: dict = {}  # tokens that begin a word and have no vector yet -> their ids
    for i, (word, begins) in enumerate(texts):
        if i in special:
            kinds[i] = SPECIAL
        elif i != tokenizer.unknown and word:
            if (result := lookup(words, word)) is not None:
                kinds[i], row = result
                table[i] = matrix[row]
            elif grams is not None:
                if (vector := grams(word)) is not None:
                    kinds[i], table[i] = SUBWORD, vector
            elif begins:
                prefixes.setdefault(word, []).append(i)
    known, ordered = {word for word, begins in texts if begins}, sorted(words) if prefixes else []
    longest = max(map(len, known), default=0)
    for prefix, ids in prefixes.items():
        if rows := beginning_with(prefix, known, longest, words, ordered):
            kinds[ids], table[ids] = SUBWORD, matrix[rows].mean(axis=0)
    mean, deviation = moments(matrix)
    if not (np.isfinite(mean).all() and np.isfinite(deviation).all()):
        raise ValueError("the word vectors contain NaN or infinite numbers")
    return Composed(kinds, table, mean, deviation)


def token_text(tokenizer, token):
    """A token (bytes) -> (its text, "" if it has none; whether it begins a word that continues)."""
    try:
        word = token.decode("utf-8")
    except UnicodeDecodeError:  # part of a character
        return "", False
    if isinstance(tokenizer, Words):
        suffix = tokenizer.continuation
        return word.removesuffix(suffix), bool(suffix) and word.endswith(suffix)
    return word.strip(), word.startswith(" ")


def lookup(words, word):
    """(EXACT or CASE, row), or None."""
    if word in words:
        return EXACT, words[word]
    for form in (word.lower(), word.capitalize(), word.title(), word.upper()):
        if form in words:
            return CASE, words[form]
    return None


def beginning_with(prefix, known, longest, words, ordered):
    """Rows of at most MOST words that start with `prefix`, or else with its lower case, or else Capitalised.

    known: all tokens that begin words, of at most `longest` letters; ordered: the words, sorted.
    """
    for form in (prefix, prefix.lower(), prefix.capitalize()):
        result = ordered[bisect_left(ordered, form) : bisect_left(ordered, form + chr(0x10FFFF))]
        result.sort(key=words.get)
        longer = range(len(form) + 1, longest + 1)
        own = (word for word in result if not any(word[:end] in known for end in longer))
        if rows := [words[word] for word in islice(own, MOST)] or [words[word] for word in result[:MOST]]:
            return rows
    return []


def word_table(vectors):
    """KeyedVectors, a mapping or a path -> (word -> row, array [N, E], and for FastText word -> vector or None).

    Raises ValueError for other types, without words, and for vectors of several widths or of width 0.
    """
    if isinstance(vectors, (str, Path)):
        from tfllm.vectors import load

        vectors = load(vectors)
    if isinstance(vectors, Mapping):
        words, rows = {word: i for i, word in enumerate(vectors)}, [np.asarray(row) for row in vectors.values()]
        if wrong := {row.shape for row in rows if row.ndim != 1 or row.shape != rows[0].shape}:
            raise ValueError(f"word vectors must all have the same width; got {rows[0].shape} and {wrong.pop()}")
        matrix = np.array(rows, "float32")
    elif hasattr(vectors, "key_to_index"):
        words, matrix = vectors.key_to_index, vectors.vectors
    else:
        raise ValueError(
            f"vectors must be KeyedVectors, a mapping word -> array, or a path; got a {type(vectors).__name__}"
        )
    if not words:
        raise ValueError("there are no word vectors")

    def grams(word):
        try:
            return vectors.get_vector(word)
        except KeyError:  # none of its n-grams is known
            return None

    return words, matrix, grams if hasattr(vectors, "vectors_ngrams") else None


def moments(matrix):
    """Mean and standard deviation of each column, float64 [E], of a matrix that may be memory-mapped."""
    total = squares = 0.0
    for i in range(0, len(matrix), CHUNK):
        part = np.asarray(matrix[i : i + CHUNK], "float64")
        total, squares = total + part.sum(axis=0), squares + (part**2).sum(axis=0)
    mean = total / len(matrix)
    return mean, np.sqrt(np.maximum(squares / len(matrix) - mean**2, 0))
