"""TF-IDF: the frequency of a word in a document times its rarity in others."""

import math
from collections import Counter


class TfIdf:
    """weight(t, d) = tf(t, d) · (ln((1 + N) / (1 + df(t))) + 1), each document scaled to length 1.

    Salton & Buckley 1988, table 1 ("tfc"); df is smoothed by an extra document with every word, as in scikit-learn.
    documents: lists of words, which give N and df. Raises ValueError if there is none.
    """

    def __init__(self, documents):
        self.size, self.documents_with = 0, Counter()
        for words in documents:
            self.size += 1
            self.documents_with.update(set(words))
        if not self.size:
            raise ValueError("TF-IDF needs at least one document to count words in")

    def idf(self, word):
        return math.log((1 + self.size) / (1 + self.documents_with[word])) + 1

    def weights(self, words):
        """The words of a document -> {word: weight}; words that occur in no document get the largest idf."""
        result = {word: count * self.idf(word) for word, count in Counter(words).items()}
        length = math.sqrt(sum(weight * weight for weight in result.values()))
        return {word: weight / length for word, weight in result.items()}
