"""Exact match and F1 of answers to questions, as in the official scripts of SQuAD, with confidence intervals.

Version 1.1 (Rajpurkar et al. 2016, sec. 6.1): answers are lower-cased, without ASCII punctuation, the words a, an, the,
and extra spaces; an answer gets the best score over the question's reference answers. Version 2.0 (Rajpurkar et al.
2018): for a question without an answer "" is correct, and references that normalise to nothing are ignored.
For references without spaces between words, such as Chinese, tokens are characters (as in Cui et al. 2019; not an
official rule of SQuAD), by scripts.py: a run of other letters and numbers is one token, all else is dropped.
Not included: the precision-recall curve of version 2.0.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfllm import lazy
from tfllm.evaluation import scripts
from tfllm.evaluation.bootstrap import RESAMPLES, intervals
from tfllm.evaluation.translation_scores import Score

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class Threshold:
    """The best threshold on the probability of no answer, and the resulting score in percent."""

    at: float  # the answer counts as "" if the probability is above it
    score: float


@dataclass(frozen=True, eq=False)
class SquadScores:
    """Scores of N questions; str() is one line per score."""

    exact: Score
    f1: Score
    exacts: np.ndarray  # [N] 0 or 1, per question
    f1s: np.ndarray  # [N] between 0 and 1
    answerable: np.ndarray  # [N] bool
    best_exact: Threshold | None = None  # if probabilities of no answer were given
    best_f1: Threshold | None = None

    def as_dict(self) -> dict:
        """The scores in JSON types, with the official script's names where it has one."""
        result: dict = {"exact": self.exact.value, "f1": self.f1.value, "total": len(self.exacts)}
        result["intervals"] = {name: [getattr(self, name).low, getattr(self, name).high] for name in ("exact", "f1")}
        for name, chosen in (("HasAns", self.answerable), ("NoAns", ~self.answerable)):
            if not self.answerable.all() and chosen.any():
                result |= {f"{name}_exact": percent(self.exacts[chosen]), f"{name}_f1": percent(self.f1s[chosen]),
                          f"{name}_total": int(chosen.sum())}  # fmt: skip
        for name in ("exact", "f1"):
            if (best := getattr(self, f"best_{name}")) is not None:
                result |= {f"best_{name}": best.score, f"best_{name}_thresh": best.at}
        return result

    def __str__(self) -> str:
        lines = [str(self.exact), str(self.f1)]
        if not self.answerable.all():
            for name, chosen in (("with an answer", self.answerable), ("without", ~self.answerable)):
                if chosen.any():
                    figures = percent(self.exacts[chosen]), percent(self.f1s[chosen]), chosen.sum()
                    lines.append("{}: EM {:.2f}, F1 {:.2f} of {:,}".format(name, *figures))
        if self.best_f1 is not None and self.best_exact is not None:
            lines.append(
                f"best threshold: EM {self.best_exact.score:.2f} at {self.best_exact.at:.4g}, "
                f"F1 {self.best_f1.score:.2f} at {self.best_f1.at:.4g}"
            )
        return "\n".join(lines)


@lazy.renamed(said="answers")
def squad(
    answers: Sequence[str],
    references: Sequence[Sequence[str]],
    no_answer: Sequence[float] | None = None,
    threshold: float | None = None,
    tokens: str | None = None,
    resamples: int = RESAMPLES,
) -> SquadScores:
    """answers: an answer for each question, "" for none. references: its correct answers, [] if it has none.

    The rules are those of version 2.0 if a question has no answer, or `no_answer` is given; else those of 1.1.
    no_answer   [N], the probability that there is no answer: used to find the best threshold
    threshold   above it an answer counts as ""; None: answers are not changed
    tokens      "words" or "characters", see above; None: by the script of most references, as the signature says

    Raises ValueError for unequal lengths, nothing to score, unknown tokens, and missing references in version 1.1.
    """
    answers, references = checked(answers, references)
    texts = [text for right in references for text in right]
    tokens = scripts.tokens_of(texts, tokens)
    if tokens == "words":
        scripts.warn("F1", texts, lambda result: result.alone, "tokens='words'", "tokens='characters'")
    newer = no_answer is not None or not all(references)
    rows = [scores(one, right, newer, tokens) for one, right in zip(answers, references, strict=True)]
    exacts, f1s = (np.array(column, float) for column in zip(*rows, strict=True))
    answerable = np.array([bool(right) for right in references])
    best = {}
    if no_answer is not None:
        chance = np.asarray(no_answer, float)
        if chance.shape != exacts.shape:
            raise ValueError(f"{len(exacts)} answers but no_answer of shape {chance.shape}: give one number per answer")
        empty = np.array([not one for one in answers])
        best = {"best_exact": best_threshold(exacts, answerable, empty, chance),
                "best_f1": best_threshold(f1s, answerable, empty, chance)}  # fmt: skip
        if threshold is not None:
            exacts, f1s = (np.where(chance > threshold, ~answerable, column) for column in (exacts, f1s))
    elif threshold is not None:
        raise ValueError("a threshold needs the probabilities of no answer: give no_answer")
    columns = 100 * np.stack([exacts, f1s], axis=1)

    def means(draws):  # [R, M]
        return dict(zip(("exact", "f1"), (draws @ columns / len(columns)).T, strict=True))

    ends = intervals(np.ones(len(columns), int), means, resamples)
    signature = f"n:{len(columns)}|rules:SQuAD {'2.0' if newer else '1.1'}|tokens:{tokens}|interval:bootstrap"
    exact, f1 = (
        Score(short, float(column.mean()), *ends[name], signature)
        for short, name, column in (("EM", "exact", columns[:, 0]), ("F1", "f1", columns[:, 1]))
    )
    return SquadScores(exact, f1, exacts, f1s, answerable, **best)


def normalized(text: str, tokens: str = "words") -> str:
    """An answer as it is compared: its tokens separated by spaces."""
    if tokens == "characters":
        return " ".join(scripts.characters(text))
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def scores(answer: str, references: Sequence[str], newer: bool, tokens: str = "words") -> tuple[float, float]:
    """(exact match, F1) of one answer: each the best over the references. newer: use the rules of version 2.0."""
    answer = normalized(answer, tokens)
    right = [normalized(text, tokens) for text in counted(references, newer, tokens)]
    return max(float(answer == text) for text in right), max(f1(answer, text, newer) for text in right)


def counted(references, newer, tokens):
    """The references that count; [""] if there are none."""
    if not newer:
        return list(references)
    return [text for text in references if normalized(text, tokens)] or [""]


def f1(answer: str, reference: str, newer: bool) -> float:
    """F1 of two normalised texts: the harmonic mean of precision and recall of tokens, with repetitions."""
    words, expected = answer.split(), reference.split()
    if newer and not (words and expected):
        return float(words == expected)
    common = sum((Counter(words) & Counter(expected)).values())
    return 2 * common / (len(words) + len(expected)) if common else 0.0


def best_threshold(result, answerable, empty, chance) -> Threshold:
    """The threshold on the probability of no answer above which "" scores best. All [N]; empty: the answer is "".

    As `find_best_thresh` of the official script. Differs: questions with equal probability are treated together, since
    no threshold separates them; the official script also tries impossible splits.
    """
    order = np.argsort(chance, kind="stable")
    gain = np.where(answerable, result, -1.0 * ~empty)[order]  # of answering one more question
    total = np.cumsum(gain) + (~answerable).sum()
    chance = chance[order]
    last = np.append(chance[1:] != chance[:-1], True)
    totals, at = np.append((~answerable).sum(), total[last]), np.append(0.0, chance[last])
    best = int(np.argmax(totals))
    return Threshold(float(at[best]), float(100 * totals[best] / len(result)))


def percent(column):
    return float(100 * np.mean(column))


def checked(answers, references):
    for name, texts in ("answers", answers), ("references", references):
        if isinstance(texts, (str, bytes)):
            raise ValueError(f"{name}: expected a list, got one string")
    answers, references = list(answers), list(references)
    if len(answers) != len(references):
        raise ValueError(
            f"{len(answers)} answers but references for {len(references)} questions: give one list per question"
        )
    if not answers:
        raise ValueError("nothing to score: no answers")
    for number, (one, right) in enumerate(zip(answers, references, strict=True)):
        if isinstance(right, (str, bytes)):
            raise ValueError(f"question {number}: expected a list of references, got one string: {right[:40]!r}")
        if wrong := [text for text in (one, *right) if not isinstance(text, str)]:
            raise ValueError(f"question {number}: expected str, got {type(wrong[0]).__name__}; decode it first")
    return answers, references
