"""Keywords of a text, in English and Chinese: by TF-IDF, by TextRank, or by similarity of vectors to the whole text.

All three use the same words and stop words. Python only: nothing here can be exported.
"""

import re
from itertools import islice

import numpy as np
import tensorflow as tf

from tfllm.extraction.text_rank import phrases, word_rank
from tfllm.extraction.tf_idf import TfIdf
from tfllm.tasks.signature import count_of
from tfllm.tasks.texts import is_one
from tfllm.tasks.user_data import iter_texts
from tfllm.text import Segments, Words, stop_words
from tfllm.text.chinese.dictionaries import jieba_dictionary
from tfllm.text.chinese.width import HALF_WIDTH

GROUP = 256  # texts that are split, and embedded, together
METHODS = ("tfidf", "textrank", "embedding")
LETTER = re.compile(r"[^\W\d_]")
BLANK = {"en": " ", "zh": ""}  # separates the words of a phrase
CLOSE = 5  # window of TextRank, as in jieba; slightly better in our measurements than the paper's 2


class Keywords:
    """`extract(texts, k)` -> the k best [(keyword, score), ...] of each text.

    method     "tfidf": frequent here, rare elsewhere (tf_idf.TfIdf; call `fit` on a corpus first); "textrank": central
               in the word graph of the text (text_rank.word_rank); "embedding": similar to the whole text (needs an
               `embedder`, as in KeyBERT)
    language   "en" or "zh": the default tokenizer and stop words. Other languages need their own stop words; those
               without spaces between words (Japanese, Thai ...) also a tokenizer that finds words
    tokenizer  with a `cut` method: text.Words, text.Segments. None: lower-cased Words; for Chinese Segments with
               jieba's dictionary (ImportError if it is not installed)
    stopped    stop words, which are never part of a keyword; None: text.stop_words' list
    longest    maximum number of words of a keyword; they are adjacent in the text, without stop words or punctuation
               between them
    embedder   tasks.TextEmbedder
    diversity  0 to 1: penalty for similarity to keywords already chosen; maximal marginal relevance, Carbonell &
               Goldstein 1998, with λ = 1 - diversity
    window     for TextRank: words at most this far apart are linked

    A word has at least two characters, one of them a letter. Raises ValueError for options that do not go together.
    """

    def __init__(self, method="tfidf", language="en", tokenizer=None, stopped=None, longest=1, embedder=None,
                 diversity=0.3, window=CLOSE):  # fmt: skip
        if method not in METHODS:
            raise ValueError(f"method must be one of {METHODS}; got {method!r}")
        if (embedder is not None) != (method == "embedding"):
            raise ValueError("an embedder can only be used with method='embedding'")
        if not 0 <= diversity <= 1:
            raise ValueError(f"diversity must be between 0 and 1; got {diversity}")
        if longest < 1:
            raise ValueError(f"longest must be at least 1; got {longest}")
        self.method, self.longest, self.embedder, self.diversity = method, longest, embedder, diversity
        self.window, self.known = window, None
        self.stopped = stop_words.stop_words(language) if stopped is None else frozenset(map(str.lower, stopped))
        self.blank = BLANK.get(language, " ")
        self.tokenizer = default_tokenizer(language) if tokenizer is None else tokenizer

    def fit(self, texts):
        """Count in how many of the texts each word or phrase occurs; only TF-IDF needs it."""
        self.known = TfIdf(self.candidates(words) for words in self.words(texts))
        return self

    def extract(self, texts, k=10):
        """A str -> [(keyword, score), ...], at most k, best first; a list -> a list of these.

        Of equal scores the first in the text wins. Keywords are written as the tokenizer returns them, possibly in
        lower case. Raises ValueError if `fit` is needed and was not called.
        """
        if is_one(texts):
            return self.extract([texts], k)[0]
        k = count_of("k", k)
        if self.method == "tfidf" and self.known is None:
            raise ValueError("TF-IDF compares a text with others: call fit(texts) with a corpus first")
        result = []
        for some, rows in self.groups(texts):
            near = self.method == "embedding"
            result += self.nearest(some, rows, k) if near else [self.scored(words, k) for words in rows]
        return result

    def scored(self, words, k):
        """The words of a text -> its keywords by TF-IDF or TextRank."""
        if self.method == "tfidf":
            scores = self.known.weights(result) if (result := self.candidates(words)) else {}
        else:
            scores = word_rank(words, self.is_candidate, self.window)
            if self.longest > 1:
                joined = phrases(words, scores, longest=self.longest)
                scores = {self.blank.join(phrase): score for phrase, score in joined.items()}
        return sorted(scores.items(), key=lambda item: -item[1])[:k]

    def nearest(self, texts, rows, k):
        """For each text, candidates by cosine similarity to it, reduced by `diversity` times that to earlier
        choices.
        """
        rows = [list(dict.fromkeys(self.candidates(words))) for words in rows]
        number = {name: i for i, name in enumerate(dict.fromkeys(name for row in rows for name in row))}
        vectors, result = self.embedder.embed(list(number), verbose=0), []  # each candidate once for all texts
        for text, row in zip(self.embedder.embed(texts, verbose=0), rows, strict=True):
            some = vectors[[number[name] for name in row]] if row else vectors[:0]
            relevance, likeness = (self.embedder.similarity(some, other) for other in (text[None], some))
            chosen = diverse(relevance[:, 0], likeness, k, self.diversity)
            result.append([(row[i], float(relevance[i, 0])) for i in chosen])
        return result

    def words(self, texts):
        """Texts -> lists of words (str)."""
        return (words for _, rows in self.groups(texts) for words in rows)

    def groups(self, texts):
        """Yield (texts, their lists of words) in groups of GROUP."""
        texts = iter_texts(texts)
        while some := list(islice(texts, GROUP)):
            rows = self.tokenizer.cut(tf.constant(some)).to_list()
            yield some, [[word.decode("utf-8", "replace") for word in row] for row in rows]

    def is_candidate(self, word):
        """Whether a word may be part of a keyword."""
        return len(word) > 1 and LETTER.search(word) is not None and word.lower() not in self.stopped

    def candidates(self, words):
        """All candidates of a list of words, with repetitions: runs of 1 to `longest` allowed words."""
        result, run = [], []
        for word in words:
            run = [*run, word][-self.longest :] if self.is_candidate(word) else []
            result += [self.blank.join(run[at:]) for at in range(len(run))]
        return result


def default_tokenizer(language):
    if language == "en":
        return Words(lowercase=True)
    if language == "zh":
        return Segments(dictionary=jieba_dictionary(), characters=HALF_WIDTH, lowercase=True)
    raise ValueError(f"give a tokenizer, or language 'en' or 'zh'; got {language!r}")


def diverse(relevance, likeness, k, diversity):
    """The order in which maximal marginal relevance chooses: argmax (1 - δ) r_i - δ max_{j chosen} s_ij. Sec. 2.

    relevance [C], likeness [C, C] -> at most k indices, the most relevant first.
    """
    chosen, most = [], np.zeros(len(relevance))
    while len(chosen) < min(k, len(relevance)):
        value = (1 - diversity) * relevance - diversity * most if chosen else np.array(relevance, np.float64)
        value[chosen] = -np.inf
        chosen.append(int(np.argmax(value)))
        now = likeness[chosen[-1]]
        most = now if len(chosen) == 1 else np.maximum(most, now)
    return chosen
