"""Scores of translations, each with a 95 % interval: BLEU and chrF by sacrebleu, exact match.

The intervals of BLEU and chrF are sacrebleu's bootstrap over sentences (Koehn 2004): mean ± half width of
1,000 samples, which take 40 to 80 kB of memory a sentence; that of exact match is Wilson's (1927).
A score depends on its settings: cite it with its signature.
Left out: comparing two systems (`sacrebleu --paired-bs`), COMET, sentence-level scores.
"""

import math
import os
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass

BOOTSTRAP, SEED = 1000, 12345
_Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


@dataclass(frozen=True)
class Score:
    """All numbers in percent; str() is the line to cite."""

    name: str
    value: float
    low: float  # end of the 95 % interval
    high: float
    signature: str  # what was computed, by which program

    def __str__(self) -> str:
        return f"{self.name} {self.value:.2f} [{self.low:.2f}, {self.high:.2f}] {self.signature}"

    def __float__(self) -> float:
        return self.value


@dataclass(frozen=True)
class Scores:
    """Both scores of one set of translations; str() is one line each."""

    bleu: Score
    chrf: Score

    def __str__(self) -> str:
        return f"{self.bleu}\n{self.chrf}"


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str] | Sequence[Sequence[str]],
    tokenize: str = "13a",
    lowercase: bool = False,
) -> Score:
    """Corpus BLEU, Papineni et al. 2002; a sentence may have several references.

    tokenize: "13a" for plain text, "zh", "ja-mecab", "char", "intl"; "none" for text that is tokens already.
    ValueError for unequal lengths or nothing to score; ImportError without sacrebleu.
    """
    metrics = _sacrebleu()
    if tokenize not in metrics.BLEU.TOKENIZERS:
        known = ", ".join(sorted(metrics.BLEU.TOKENIZERS))
        raise ValueError(f"sacrebleu has no tokenizer {tokenize!r}; it has {known}")
    metric = metrics.BLEU(tokenize=tokenize, lowercase=lowercase, force=True)
    return _score(metric, hypotheses, references)


def chrf(
    hypotheses: Sequence[str],
    references: Sequence[str] | Sequence[Sequence[str]],
    word_order: int = 0,
    lowercase: bool = False,
) -> Score:
    """Corpus chrF2, Popović 2015; word_order=2 is chrF++. Errors as `bleu`."""
    metric = _sacrebleu().CHRF(word_order=word_order, lowercase=lowercase)
    of_sample = metric._compute_f_score  # a float32, but a float where nothing matches: statistics.mean refuses both
    metric._compute_f_score = lambda matches: float(of_sample(matches))
    return _score(metric, hypotheses, references)


def exact_match(hypotheses: Sequence[str], references: Sequence[str] | Sequence[Sequence[str]]) -> Score:
    """How many hypotheses equal their reference (one of them), character by character, in percent."""
    pairs = list(zip(*_paired(hypotheses, references), strict=True))
    count = len(pairs)
    share = sum(hypothesis in known for hypothesis, known in pairs) / count
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z / (1 + _Z**2 / count) * math.sqrt(share * (1 - share) / count + (_Z / (2 * count)) ** 2)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Score("exact match", 100 * share, 100 * low, 100 * high, f"n:{count}|interval:wilson")


def _score(metric, hypotheses, references) -> Score:
    hypotheses, references = _paired(hypotheses, references)
    widest = max(map(len, references))
    columns = [[known[i] if i < len(known) else None for known in references] for i in range(widest)]
    with _seeded():
        result = metric.corpus_score(hypotheses, columns, n_bootstrap=BOOTSTRAP)
    low, high = result._mean - result._ci, result._mean + result._ci  # no public name in sacrebleu 2
    return Score(result.name, result.score, max(0.0, low), min(100.0, high), str(metric.get_signature()))


def _paired(hypotheses, references) -> tuple[list[str], list[list[str]]]:
    """Lists of equal length, a list of references for each hypothesis; ValueError otherwise."""
    for name, texts in ("hypotheses", hypotheses), ("references", references):
        if isinstance(texts, (str, bytes)):
            raise ValueError(f"{name}: expected a list of strings, got one string")
    hypotheses = list(hypotheses)
    references = [[known] if isinstance(known, str) else list(known) for known in references]
    if len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses but {len(references)} references: give one for each")
    if not hypotheses:
        raise ValueError("nothing to score: no hypotheses")
    for place, (hypothesis, known) in enumerate(zip(hypotheses, references, strict=True)):
        if wrong := [text for text in [hypothesis, *known] if not isinstance(text, str)]:
            raise ValueError(f"item {place}: expected str, got {type(wrong[0]).__name__}; decode it first")
        if not known:
            raise ValueError(f"item {place} has no reference")
    return hypotheses, references


@contextmanager
def _seeded():
    """sacrebleu takes its seed from the environment only."""
    name, before = "SACREBLEU_SEED", os.environ.get("SACREBLEU_SEED")
    os.environ[name] = str(SEED)
    try:
        yield
    finally:
        os.environ.pop(name) if before is None else os.environ.update({name: before})


def _sacrebleu():
    try:
        import sacrebleu.metrics
    except ImportError:
        raise ImportError("BLEU and chrF need sacrebleu: pip install 'tfllm[eval]'") from None
    return sacrebleu.metrics
