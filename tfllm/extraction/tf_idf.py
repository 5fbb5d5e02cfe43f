"""How much a word tells of one document among others: its frequency there times its rarity elsewhere."""

import math
from collections import Counter


class TfIdf:
    """weight(t, d) = tf(t, d) · (ln((1 + N) / (1 + df(t))) + 1), each document of length 1.

    Salton & Buckley 1988, table 1 ("tfc"); df is smoothed by one document that has every word, as scikit-learn does.
    documents: lists of words, of which N and df are taken. ValueError where there is none.
    """

    def __init__(self, documents):
        self.size, self.documents_with = 0, Counter()
        for words in documents:
            self.size += 1
            self.documents_with.update(set(words))
        if not self.size:
            raise ValueError("TF-IDF needs one document or more to count the words of")

    def idf(self, word):
        return math.log((1 + self.size) / (1 + self.documents_with[word])) + 1

    def weights(self, words):
        """The words of a document -> {word: weight}; words that no document had are the rarest."""
        result = {word: count * self.idf(word) for word, count in Counter(words).items()}
        length = math.sqrt(sum(weight * weight for weight in result.values()))
        return {word: weight / length for word, weight in result.items()}
