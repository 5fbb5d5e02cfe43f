"""Tokens -> rows of a file of word vectors: the word itself, in another case, or put together from what begins with it.

Which pieces begin a word the tokenizer shows: by the space before them (`Subwords`, `BytePairs`); in `Words`, by the
mark of a word that goes on. Other pieces may still be words (the first of a text, punctuation), but words that begin
with their letters say nothing about them.
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
MOST = 20  # words that make the vector of a piece
CHUNK = 65536  # rows


@dataclass(frozen=True, eq=False)
class Composed:
    """What the file has for each token."""

    kinds: np.ndarray  # int [V], places in KINDS
    table: np.ndarray  # float32 [V, E]; 0 where the kind is MISSING or SPECIAL
    mean: np.ndarray  # float64 [E] of all rows of the file
    deviation: np.ndarray  # float64 [E], standard, likewise

    @property
    def found(self):
        """bool [V]"""
        return self.kinds < MISSING


def compose(tokenizer, vectors) -> Composed:
    """A vector for each token of the tokenizer that has one, in this order:

    exact    the word
    case     the word in lower case, Capitalised, In Title Case, in UPPER CASE: the first of these
    subword  with vectors that have n-grams (FastText): the sum that they make of these; else, for a piece that begins a
             word: the mean of the first 20 words of the file which begin with it and with no longer piece, or, without
             any such, of all that begin with it (or, without these, with it in another case). Files have their most
             frequent words first
    missing  none of these;  special: tokens that stand for no text

    vectors: gensim's KeyedVectors, a mapping word -> array, or the path of a file (vectors.load).
    """
    words, matrix, grams = opened(vectors)
    texts = [text(tokenizer, token) for token in tokenizer.tokens]
    silent = {tokenizer.pad, tokenizer.start, tokenizer.end, *getattr(tokenizer, "_special_ids", ())}
    kinds = np.full(len(texts), MISSING)
    table = np.zeros((len(texts), matrix.shape[1]), "float32")
    pieces = {}  # what begins a word and has no vector yet -> its ids
    for i, (word, begins) in enumerate(texts):
        if i in silent:
            kinds[i] = SPECIAL
        elif i != tokenizer.unknown and word:
            if (result := look(words, word)) is not None:
                kinds[i], row = result
                table[i] = matrix[row]
            elif grams is not None:
                if (vector := grams(word)) is not None:
                    kinds[i], table[i] = SUBWORD, vector
            elif begins:
                pieces.setdefault(word, []).append(i)
    every, ordered = {word for word, begins in texts if begins}, sorted(words) if pieces else []
    longest = max(map(len, every), default=0)
    for piece, ids in pieces.items():
        if rows := begun(piece, every, longest, words, ordered):
            kinds[ids], table[ids] = SUBWORD, matrix[rows].mean(axis=0)
    mean, deviation = moments(matrix)
    if not (np.isfinite(mean).all() and np.isfinite(deviation).all()):
        raise ValueError("the word vectors have numbers that are not finite (NaN or infinite)")
    return Composed(kinds, table, mean, deviation)


def text(tokenizer, token):
    """A token (bytes) -> (its text, "" where it has none; whether it is a piece that begins a word)."""
    try:
        word = token.decode("utf-8")
    except UnicodeDecodeError:  # a part of a character
        return "", False
    if isinstance(tokenizer, Words):
        mark = tokenizer.continuation
        return word.removesuffix(mark), bool(mark) and word.endswith(mark)
    return word.strip(), word.startswith(" ")


def look(words, word):
    """(EXACT or CASE, row), or None."""
    if word in words:
        return EXACT, words[word]
    for form in (word.lower(), word.capitalize(), word.title(), word.upper()):
        if form in words:
            return CASE, words[form]
    return None


def begun(piece, every, longest, words, ordered):
    """Rows of at most MOST words that begin with the piece, or else with its lower case, or else Capitalised.

    every: all pieces that begin words, of at most `longest` letters; ordered: the words in the order of the alphabet.
    """
    for form in (piece, piece.lower(), piece.capitalize()):
        result = ordered[bisect_left(ordered, form) : bisect_left(ordered, form + chr(0x10FFFF))]
        result.sort(key=words.get)
        longer = range(len(form) + 1, longest + 1)
        own = (word for word in result if not any(word[:end] in every for end in longer))
        if rows := [words[word] for word in islice(own, MOST)] or [words[word] for word in result[:MOST]]:
            return rows
    return []


def opened(vectors):
    """KeyedVectors, a mapping or a path -> (word -> row, array [N, E], and for FastText word -> vector or None).

    ValueError for what is none of these, for no words at all, and for vectors of several widths or of none.
    """
    if isinstance(vectors, (str, Path)):
        from tfllm.vectors import load

        vectors = load(vectors)
    if isinstance(vectors, Mapping):
        words, rows = {word: i for i, word in enumerate(vectors)}, [np.asarray(row) for row in vectors.values()]
        if wrong := {row.shape for row in rows if row.ndim != 1 or row.shape != rows[0].shape}:
            raise ValueError(f"word vectors must all have one width; there are {rows[0].shape} and {wrong.pop()}")
        matrix = np.array(rows, "float32")
    elif hasattr(vectors, "key_to_index"):
        words, matrix = vectors.key_to_index, vectors.vectors
    else:
        raise ValueError(
            f"vectors must be KeyedVectors, a mapping word -> array, or a path; got a {type(vectors).__name__}"
        )
    if not words:
        raise ValueError("there are no word vectors in what was given")

    def grams(word):
        try:
            return vectors.get_vector(word)
        except KeyError:  # not one n-gram of it is known
            return None

    return words, matrix, grams if hasattr(vectors, "vectors_ngrams") else None


def moments(matrix):
    """Mean and standard deviation of each column, float64 [E], of a matrix that may lie in a file."""
    total = squares = 0.0
    for i in range(0, len(matrix), CHUNK):
        part = np.asarray(matrix[i : i + CHUNK], "float64")
        total, squares = total + part.sum(axis=0), squares + (part**2).sum(axis=0)
    mean = total / len(matrix)
    return mean, np.sqrt(np.maximum(squares / len(matrix) - mean**2, 0))
