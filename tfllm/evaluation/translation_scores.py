"""Scores of translations with 95 % confidence intervals: BLEU and chrF by sacrebleu, exact match.

The intervals of BLEU and chrF are sacrebleu's bootstrap over sentences (Koehn 2004): mean ± half width of
1,000 samples, which take 40 to 80 kB of memory per sentence; that of exact match is Wilson's (1927).
A score depends on its settings: cite it with its signature. BLEU counts words, which some scripts do not separate: its
tokenizer is chosen by the script of the references, unless one is given. chrF counts characters in all scripts.
Not included: comparing two systems (`sacrebleu --paired-bs`), COMET, BLEU of single sentences.
"""

import os
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Literal

from tfllm.evaluation import scripts
from tfllm.evaluation.wilson import wilson
from tfllm.private_api import mean_and_half_width, with_float_scores

BOOTSTRAP, SEED = 1000, 12345
TOKENIZERS = Literal["13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "flores101", "flores200", "spBLEU-1K"]
UNREAD = {  # tokenizers that split at spaces and punctuation -> the characters that they do not separate
    "13a": lambda result: result.alone, "intl": lambda result: result.alone, "ko-mecab": lambda result: result.alone,
    "zh": lambda result: result.kana + result.others, "ja-mecab": lambda result: result.others,
}  # fmt: skip


@dataclass(frozen=True)
class Score:
    """All numbers in percent; str() is the line to cite."""

    name: str
    value: float
    low: float  # end of the 95 % interval
    high: float
    signature: str  # settings and program version

    def __str__(self) -> str:
        return f"{self.name} {self.value:.2f} [{self.low:.2f}, {self.high:.2f}] {self.signature}"

    def __float__(self) -> float:
        return self.value

    def as_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Scores:
    """Both scores of one set of translations; str() is one line per score."""

    bleu: Score
    chrf: Score

    def __str__(self) -> str:
        return f"{self.bleu}\n{self.chrf}"

    def as_dict(self) -> dict[str, dict]:
        return {"bleu": self.bleu.as_dict(), "chrf": self.chrf.as_dict()}


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str] | Sequence[Sequence[str]],
    tokenize: str | None = None,
    lowercase: bool = False,
) -> Score:
    """Corpus BLEU, Papineni et al. 2002; a sentence may have several references.

    tokenize: one of sacrebleu's: "13a", "zh", "ja-mecab", "char", "flores200" ...; "none" for text that is already
    tokenised. None: by the script of most references, "zh" for Chinese, "char" for Japanese, Thai, Lao, Khmer, Burmese
    and others without spaces between words, else "13a". The signature says which, as "tok:".
    Warns about references that the tokenizer cannot split. Raises ValueError for unequal lengths or nothing to score;
    ImportError without sacrebleu, or without a dependency of the tokenizer.
    """
    checked_tokenizer(tokenize)
    hypotheses, references = _paired(hypotheses, references)
    texts = [text for known in references for text in known]
    tokenize = tokenizer_of(texts) if tokenize is None else tokenize
    if tokenize in UNREAD:
        option = f"tokenize={tokenize!r}"
        scripts.warn("BLEU", texts, UNREAD[tokenize], option, "tokenize=None (by script), or 'char'")
    metric = _sacrebleu().BLEU(tokenize=tokenize, lowercase=lowercase, force=True)
    return _score(metric, hypotheses, references)


def tokenizer_of(texts: Sequence[str]) -> str:
    """The name of sacrebleu's tokenizer for texts of this script."""
    result = scripts.total(texts)
    if not scripts.unspaced(result):
        return "13a"
    return "zh" if result.kana + result.others <= result.alone / 20 else "char"  # Chinese texts may contain a few の


def checked_tokenizer(tokenize: str | None):
    """Checks before anything is translated: ValueError for an unknown tokenizer, ImportError for a missing
    dependency.
    """
    metrics = _sacrebleu()
    if tokenize is None:
        return
    if tokenize not in metrics.BLEU.TOKENIZERS:
        known = ", ".join(sorted(metrics.BLEU.TOKENIZERS))
        raise ValueError(f"sacrebleu has no tokenizer {tokenize!r}; it has {known}")
    try:
        metrics.BLEU(tokenize=tokenize)
    except (RuntimeError, ImportError):  # its tokenizers for Japanese and Korean
        package = f"'sacrebleu[{tokenize[:2]}]'" if "mecab" in tokenize else "sentencepiece"
        raise ImportError(
            f"tokenize={tokenize!r} needs a package that is not installed: pip install {package}"
        ) from None
    except OSError as error:  # the tokenizers of flores are downloaded
        raise OSError(f"tokenize={tokenize!r} needs a file that sacrebleu could not download: {error}") from None


def chrf(
    hypotheses: Sequence[str],
    references: Sequence[str] | Sequence[Sequence[str]],
    word_order: int = 0,
    lowercase: bool = False,
) -> Score:
    """Corpus chrF2, Popović 2015; word_order=2 is chrF++, which uses words separated by spaces. Errors as in `bleu`."""
    hypotheses, references = _paired(hypotheses, references)
    if word_order:
        texts = [text for known in references for text in known]
        scripts.warn("chrF++", texts, lambda result: result.alone, f"word_order={word_order}", "word_order=0")
    metric = with_float_scores(_sacrebleu().CHRF(word_order=word_order, lowercase=lowercase))
    return _score(metric, hypotheses, references)


def sentence_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> list[float]:
    """chrF2 of each hypothesis with its reference, in percent, without an interval: to find good and bad ones."""
    hypotheses, known = _paired(hypotheses, references)
    metric = _sacrebleu().CHRF()
    return [metric.sentence_score(one, texts).score for one, texts in zip(hypotheses, known, strict=True)]


def exact_match(hypotheses: Sequence[str], references: Sequence[str] | Sequence[Sequence[str]]) -> Score:
    """How many hypotheses equal their reference (one of them), character by character, in percent."""
    pairs = list(zip(*_paired(hypotheses, references), strict=True))
    count = len(pairs)
    right = sum(hypothesis in known for hypothesis, known in pairs)
    low, high = wilson(right, count)
    return Score("exact match", 100 * right / count, 100 * low, 100 * high, f"n:{count}|interval:wilson")


def _score(metric, hypotheses, references) -> Score:
    widest = max(map(len, references))
    columns = [[known[i] if i < len(known) else None for known in references] for i in range(widest)]
    with _seeded():
        result = metric.corpus_score(hypotheses, columns, n_bootstrap=BOOTSTRAP)
    mean, half = mean_and_half_width(result)
    return Score(result.name, result.score, max(0.0, mean - half), min(100.0, mean + half), str(metric.get_signature()))


def _paired(hypotheses, references) -> tuple[list[str], list[list[str]]]:
    """Lists of equal length, with a list of references for each hypothesis. Raises ValueError otherwise."""
    for name, texts in ("hypotheses", hypotheses), ("references", references):
        if isinstance(texts, (str, bytes)):
            raise ValueError(f"{name}: expected a list of strings, got one string")
    hypotheses = list(hypotheses)
    references = [[known] if isinstance(known, str) else list(known) for known in references]
    if len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses but {len(references)} references: give one per hypothesis")
    if not hypotheses:
        raise ValueError("nothing to score: no hypotheses")
    for number, (hypothesis, known) in enumerate(zip(hypotheses, references, strict=True)):
        if wrong := [text for text in [hypothesis, *known] if not isinstance(text, str)]:
            raise ValueError(f"item {number}: expected str, got {type(wrong[0]).__name__}; decode it first")
        if not known:
            raise ValueError(f"item {number} has no reference")
    return hypotheses, references


@contextmanager
def _seeded():
    """sacrebleu reads its seed from the environment only."""
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
