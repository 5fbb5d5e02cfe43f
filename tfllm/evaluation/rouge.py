"""ROUGE-1, ROUGE-2 and ROUGE-L of summaries (Lin 2004) by rouge-score, each with a 95 % bootstrap interval.

F1 of one summary against its reference, in percent, and the mean over summaries; the interval is that of the mean.
Of Chinese, by characters: rouge-score's own tokenizer drops whatever is not a-z or 0-9, so that Chinese would score 0.
Left out: ROUGE-Lsum, several references.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfllm.evaluation.bootstrap import RESAMPLES, intervals
from tfllm.evaluation.translation import Score

KINDS = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
# a Chinese, Japanese or Korean character is a token, and a run of other letters and numbers is one
WIDE = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003ffff"
CHARACTERS = re.compile(rf"[{WIDE}]|[^\W_{WIDE}]+")


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


class ByCharacters:
    """What rouge-score asks for its tokens: text -> list of str."""

    def tokenize(self, text: str) -> list[str]:
        return CHARACTERS.findall(text.lower())


def rouge(
    summaries: Sequence[str],
    references: Sequence[str],
    tokens: str = "words",
    stemming: bool = True,
    resamples: int = RESAMPLES,
) -> RougeScores:
    """tokens: "words", rouge-score's own, of a-z and 0-9; "characters", of Chinese. stemming: of words, Porter's.

    ValueError for unequal lengths, nothing to score and unknown tokens; ImportError without rouge-score.
    """
    if tokens not in ("words", "characters"):
        raise ValueError(f"tokens must be 'words' or 'characters'; got {tokens!r}")
    summaries, references = _checked(summaries, references)
    scorer, version = _scorer(tokens, stemming)
    found = [scorer.score(reference, said) for said, reference in zip(summaries, references, strict=True)]
    values = {name: np.array([100 * one[name].fmeasure for one in found]) for name in KINDS}
    stemmed = "yes" if tokens == "words" and stemming else "no"
    signature = f"n:{len(found)}|tokens:{tokens}|stemming:{stemmed}|interval:bootstrap|rouge-score:{version}"
    columns = np.stack(list(values.values()), axis=1)  # [M, 3]

    def means(draws):  # [R, M]
        return dict(zip(KINDS, (draws @ columns / len(found)).T, strict=True))

    ends = intervals(np.ones(len(found), int), means, resamples)
    return RougeScores(
        **{name: Score(KINDS[name], float(values[name].mean()), *ends[name], signature) for name in KINDS}
    )


def _checked(summaries, references):
    for name, texts in ("summaries", summaries), ("references", references):
        if isinstance(texts, (str, bytes)):
            raise ValueError(f"{name}: expected a list of strings, got one string")
    summaries, references = list(summaries), list(references)
    if len(summaries) != len(references):
        raise ValueError(f"{len(summaries)} summaries but {len(references)} references: give one for each")
    if not summaries:
        raise ValueError("nothing to score: no summaries")
    for place, pair in enumerate(zip(summaries, references, strict=True)):
        if wrong := [text for text in pair if not isinstance(text, str)]:
            raise ValueError(f"item {place}: expected str, got {type(wrong[0]).__name__}; decode it first")
    return summaries, references


def _scorer(tokens, stemming):
    try:
        from importlib.metadata import version

        from rouge_score import rouge_scorer
    except ImportError:
        raise ImportError("ROUGE needs rouge-score: pip install 'tfllm[eval]'") from None
    by = ByCharacters() if tokens == "characters" else None
    return rouge_scorer.RougeScorer(list(KINDS), use_stemmer=stemming, tokenizer=by), version("rouge-score")
