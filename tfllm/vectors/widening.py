"""A tokenizer of words that knows words its text did not have: those of the vectors that will stand behind them.

Kim 2014 has a vector for every word of the tests too. Without, a word that the training text lacks is UNKNOWN, and the
vectors cannot say what it is like, which is most of their use where there is little text.
"""

from itertools import islice

import numpy as np

from tfllm.text.words import Words
from tfllm.vectors.composing import opened


def widened(tokenizer, vectors, count):
    """-> `Words` with the tokenizer's words and, behind them, those of the first `count` of the vectors that are new.

    Left out are words that the tokenizer would never meet: it cuts them, or reads them in lower case. Files have their
    most frequent words first. vectors: as of `pretrained_embedding`. ValueError for another kind of tokenizer.
    """
    if not isinstance(tokenizer, Words):
        raise ValueError(f"words of the vectors are for a tokenizer of words; this is {type(tokenizer).__name__}")
    words, _, _ = opened(vectors)
    firsts = list(islice(words, count))
    cut = tokenizer.cut(firsts)
    whole = cut.row_lengths().numpy() == 1
    starts = cut.row_starts().numpy()[whole]
    forms, known = cut.flat_values.numpy()[starts], set(tokenizer.tokens)
    own = tokenizer.tokens[len(tokenizer.fixed) :]
    new = [form for form, i in zip(forms, np.flatnonzero(whole), strict=True) if form == firsts[i].encode("utf-8")]
    words = [*own, *(word for word in new if word not in known)]
    return Words(words, tokenizer.split, tokenizer.continuation, tokenizer.lowercase, tokenizer.name)
