"""Extractive summaries: sentences of the text itself. Baselines with the interface of Summarizer.

`generate` and `score` work as in Summarizer; without a model there is no fit, save or export.
"""

from itertools import islice

from tfllm.extraction.text_rank import best_sentences, sentence_rank, split_sentences
from tfllm.tasks import user_data
from tfllm.tasks.texts import decoded, is_one


class Extractive:
    """Abstract. A subclass defines `chosen`, which selects sentences.

    sentences   maximum number of sentences of a summary; None: all
    max_length  maximum number of words of a summary, separated by white space, or of characters in scripts without
                spaces (Chinese, Japanese, Thai ...); the summary is truncated there; None: no limit
    """

    fields = ("source", "target")

    def __init__(self, sentences=3, max_length=None):
        for name, value in (("sentences", sentences), ("max_length", max_length)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be None or at least 1; got {value}")
        self.sentences, self.max_length = sentences, max_length

    def chosen(self, sentences):
        """list of str, the sentences of a text -> the selected ones."""
        raise NotImplementedError(f"{type(self).__name__} must define chosen")

    def generate(self, texts, verbose="auto"):
        """A string -> its summary; a list of strings -> a list, in order."""
        if is_one(texts):
            return self.generate([texts])[0]
        return [self.summary(text) for text in decoded(user_data.texts(texts, "source"))]

    def summary(self, text):
        chosen = " ".join(self.chosen(split_sentences(text)))
        return chosen if self.max_length is None else truncated(chosen, self.max_length)

    def score(self, x, y=None, verbose="auto", tokens=None, stemming=True):
        """ROUGE-1, 2 and L of the summaries of `x` (records; or documents `x`, references `y`), as in Summarizer."""
        from tfllm import evaluation

        records = user_data.read(self.fields, x, y, who=type(self).__name__)
        sources, references = user_data.strings(records, *self.fields)
        return evaluation.rouge(self.generate(sources), references, tokens=tokens, stemming=stemming)


class Lead(Extractive):
    """The first sentences: lead-3 of See et al. 2017, sec. 5, if `sentences` is 3."""

    def chosen(self, sentences):
        return sentences[: self.sentences]


class TextRank(Extractive):
    """The sentences with most words in common with the others, in the order of the text. Mihalcea & Tarau 2004."""

    def chosen(self, sentences):
        if self.sentences is None or len(sentences) <= self.sentences:
            return sentences
        from tfllm.evaluation.scripts import characters

        words = [characters(sentence) for sentence in sentences]
        return best_sentences(sentences, sentence_rank(words), self.sentences)


def truncated(text, size):
    """The first `size` words of a text; tokens of scripts.py in scripts without spaces between words."""
    from tfllm.evaluation import scripts

    if not scripts.unspaced(scripts.units(text)):
        return " ".join(text.split()[:size])
    result = list(islice(scripts.CHARACTERS.finditer(text), size + 1))
    return text if len(result) <= size else text[: result[-1].start()].rstrip()
