"""ROUGE-1, ROUGE-2 and ROUGE-L of summaries (Lin 2004) by rouge-score, each with a 95 % bootstrap interval.

F1 of each summary and its reference, in percent, and the mean over summaries; the interval is that of the mean.
Tokens are those of scripts.py: words, or characters in scripts without spaces between words. On ASCII text its words
are those of rouge-score, whose own tokenizer drops everything but a-z and 0-9, so other text would score 0.
Not included: ROUGE-Lsum, several references, stemming of other languages than English.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfllm.evaluation import scripts
from tfllm.evaluation.bootstrap import RESAMPLES, intervals
from tfllm.evaluation.translation_scores import Score

KINDS = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}


@dataclass(frozen=True)
class RougeScores:
    """The three scores of one set of summaries; str() is one line each."""

    rouge1: Score
    rouge2: Score
    rougeL: Score

    def as_dict(self) -> dict[str, float]:
        return {name: getattr(self, name).value for name in KINDS}

    def __str__(self) -> str:
        return "\n".join(str(getattr(self, name)) for name in KINDS)


class Tokens:
    """A tokenizer for rouge-score: text -> list of str. stem: str -> str, for English words, or None."""

    def __init__(self, cut, stem=None):
        self.cut, self.stem = cut, stem

    def tokenize(self, text: str) -> list[str]:
        result = self.cut(text)
        if self.stem is None:
            return result
        return [self.stem(word) if len(word) > 3 and word.isascii() else word for word in result]  # as in rouge-score


def rouge(
    summaries: Sequence[str],
    references: Sequence[str],
    tokens: str | None = None,
    stemming: bool = True,
    resamples: int = RESAMPLES,
) -> RougeScores:
    """tokens: "words" or "characters"; None: characters if most references are in scripts without spaces between words
    (Chinese, Japanese, Thai ...), else words. The signature says which. stemming: Porter's, for English words.

    Warns about references that the tokens cannot represent. Raises ValueError for unequal lengths, nothing to score and
    unknown tokens; ImportError without rouge-score.
    """
    summaries, references = _checked(summaries, references)
    tokens = scripts.tokens_of(list(references), tokens)
    warn_unread(references, tokens)
    scorer, version = _scorer(tokens, stemming)
    result = [scorer.score(reference, summary) for summary, reference in zip(summaries, references, strict=True)]
    values = {name: np.array([100 * one[name].fmeasure for one in result]) for name in KINDS}
    stemmed = "yes" if tokens == "words" and stemming else "no"
    signature = f"n:{len(result)}|tokens:{tokens}|stemming:{stemmed}|interval:bootstrap|rouge-score:{version}"
    columns = np.stack(list(values.values()), axis=1)  # [M, 3]

    def means(draws):  # [R, M]
        return dict(zip(KINDS, (draws @ columns / len(result)).T, strict=True))

    ends = intervals(np.ones(len(result), int), means, resamples)
    return RougeScores(
        **{name: Score(KINDS[name], float(values[name].mean()), *ends[name], signature) for name in KINDS}
    )


def rouge_l(
    summaries: Sequence[str], references: Sequence[str], tokens: str | None = None, stemming: bool = True
) -> list[float]:
    """ROUGE-L of each summary with its reference, F1 in percent, without an interval. Arguments as in `rouge`."""
    summaries, references = _checked(summaries, references)
    scorer, _ = _scorer(scripts.tokens_of(list(references), tokens), stemming)
    pairs = zip(summaries, references, strict=True)
    return [100 * scorer.score(reference, summary)["rougeL"].fmeasure for summary, reference in pairs]


def _checked(summaries, references):
    for name, texts in ("summaries", summaries), ("references", references):
        if isinstance(texts, (str, bytes)):
            raise ValueError(f"{name}: expected a list of strings, got one string")
    summaries, references = list(summaries), list(references)
    if len(summaries) != len(references):
        raise ValueError(f"{len(summaries)} summaries but {len(references)} references: give one per summary")
    if not summaries:
        raise ValueError("nothing to score: no summaries")
    for number, pair in enumerate(zip(summaries, references, strict=True)):
        if wrong := [text for text in pair if not isinstance(text, str)]:
            raise ValueError(f"item {number}: expected str, got {type(wrong[0]).__name__}; decode it first")
    return summaries, references


def _scorer(tokens, stemming):
    try:
        from importlib.metadata import version

        from nltk.stem.porter import PorterStemmer
        from rouge_score import rouge_scorer
    except ImportError:
        raise ImportError("ROUGE needs rouge-score: pip install 'tfllm[eval]'") from None
    stem = PorterStemmer().stem if tokens == "words" and stemming else None
    by = Tokens(scripts.TOKENS[tokens], stem)
    return rouge_scorer.RougeScorer(list(KINDS), tokenizer=by), version("rouge-score")


def warn_unread(references, tokens):
    """Log how many references these tokens cannot represent: without any token, or as a few very long ones."""
    if tokens == "words":
        scripts.warn("ROUGE", references, lambda result: result.alone, "tokens='words'", "tokens='characters'")
    if empty := sum(not scripts.TOKENS[tokens](text) for text in references):
        scripts.log.warning("ROUGE: %d of %d references have neither letters nor numbers: every summary scores 0",
                            empty, len(references))  # fmt: skip
