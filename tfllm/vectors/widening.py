"""Extends a word tokenizer by words that its training text lacks and the word vectors have.

Kim 2014 also has vectors for all words of the test set. Otherwise a word that is not in the training text is UNKNOWN,
and its vector is not used, although vectors help most with such words when there is little text.
"""

from itertools import islice

import numpy as np

from tfllm.text.words import Words
from tfllm.vectors.composing import word_table


def widened(tokenizer, vectors, count):
    """-> `Words` with the tokenizer's words, followed by the new ones among the first `count` words of the vectors.

    Words that the tokenizer could never produce, because it splits or lower-cases them, are skipped. Files have their
    most frequent words first. vectors: as in `pretrained_embedding`. Raises ValueError for another kind of tokenizer.
    """
    if not isinstance(tokenizer, Words):
        raise ValueError(
            f"only a tokenizer of words can be extended by words of the vectors; got a {type(tokenizer).__name__}"
        )
    words, _, _ = word_table(vectors)
    firsts = list(islice(words, count))
    cut = tokenizer.cut(firsts)
    whole = cut.row_lengths().numpy() == 1
    starts = cut.row_starts().numpy()[whole]
    forms, known = cut.flat_values.numpy()[starts], set(tokenizer.tokens)
    own = tokenizer.tokens[len(tokenizer.fixed) :]
    new = [form for form, i in zip(forms, np.flatnonzero(whole), strict=True) if form == firsts[i].encode("utf-8")]
    words = [*own, *(word for word in new if word not in known)]
    return Words(words, tokenizer.split, tokenizer.continuation, tokenizer.lowercase, tokenizer.name)
