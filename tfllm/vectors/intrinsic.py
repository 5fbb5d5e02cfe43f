"""Intrinsic evaluation of word vectors: similarity of word pairs, and analogies.

Protocol, scores and argument names are those of gensim's `evaluate_word_pairs` and `evaluate_word_analogies`. But
invalid lines are errors; gensim ignores them. And many analogies are solved at once: 19,544 questions on 400,000 words
take a minute on two cores, in gensim 10 minutes.

    case_insensitive   "Athens" equals "athens"; of several spellings the first in the vectors counts.
    restrict_vocab     use only the first `restrict_vocab` words, also as answers; None: all. Fewer candidates give
                       better scores (gensim's default is 300,000, word2vec's 30,000): report which you used.
    dummy4unknown      a question with an unknown word counts as wrong, a pair gets similarity 0; else both are skipped.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfllm.files import understood
from tfllm.limits import lines

QUESTIONS, WORDS = 512, 16384  # size of a block of scores: 32 MB


@dataclass(frozen=True)
class Similarity:
    """Correlations of human judgements with cosines."""

    spearman: float  # -1 to 1; NaN if all judgements or all cosines are equal
    pearson: float
    pairs: int  # in the set
    missing: int  # of them with a word without a vector

    def __str__(self):
        return f"Spearman {self.spearman:.3f}, Pearson {self.pearson:.3f}; {self.pairs} pairs, {self.missing} unknown"


@dataclass(frozen=True)
class Section:
    """Analogies of one kind."""

    name: str
    correct: int
    asked: int
    missing: int  # questions with a word without a vector; they count only with `dummy4unknown`

    @property
    def accuracy(self):
        """0 to 1; NaN without questions."""
        return self.correct / self.asked if self.asked else float("nan")

    def __str__(self):
        return f"{self.name:30}{100 * self.accuracy:6.2f} %  {self.correct:6} / {self.asked:6}, {self.missing} unknown"


@dataclass(frozen=True)
class Analogies:
    """Sections in the file's order. Those called "gram..." are syntactic, as in questions-words.txt."""

    sections: tuple[Section, ...]

    @property
    def total(self):
        return self._sum("total", self.sections)

    @property
    def semantic(self):
        return self._sum("semantic", [part for part in self.sections if not part.name.startswith("gram")])

    @property
    def syntactic(self):
        return self._sum("syntactic", [part for part in self.sections if part.name.startswith("gram")])

    @staticmethod
    def _sum(name, parts):
        counts = zip(*((part.correct, part.asked, part.missing) for part in parts), strict=True)
        return Section(name, *(map(sum, counts) if parts else (0, 0, 0)))

    def __str__(self):
        return "\n".join(map(str, [*self.sections, self.semantic, self.syntactic, self.total]))


def similarity(
    vectors,
    path_or_pairs: str | Path | Iterable[tuple[str, str, float]],
    case_insensitive: bool = True,
    restrict_vocab: int | None = None,
    dummy4unknown: bool = False,
) -> Similarity:
    """KeyedVectors; (word, word, judgement) triples, or a file of them, one per line -> Similarity.

    A file has tabs, commas or white space between its columns; a first line without a number is a header, lines that
    begin with # are comments. Raises ValueError with the line number for other lines, and if fewer than 2 pairs are
    known.
    """
    from scipy.stats import pearsonr, spearmanr

    if isinstance(path_or_pairs, (str, Path)):
        path, path_or_pairs = path_or_pairs, list(_pairs(path_or_pairs))
        if not path_or_pairs:
            raise ValueError(f"{path}: expected lines of two words and a number, got none")
    triples = [(first, second, float(judged)) for first, second, judged in path_or_pairs]
    known, _ = _vocabulary(vectors, case_insensitive, restrict_vocab)
    rows = np.array([[known(first), known(second)] for first, second, _ in triples]).reshape(-1, 2)
    there = (rows >= 0).all(axis=1)
    if there.sum() < 2:
        raise ValueError(f"only {there.sum()} of {len(triples)} pairs have vectors; a correlation needs at least 2")
    judged = np.array([judged for *_, judged in triples])
    cosines = (_unit(vectors.vectors[rows[:, 0]]) * _unit(vectors.vectors[rows[:, 1]])).sum(axis=1) * there
    counted = there | dummy4unknown
    varies = np.ptp(judged[counted]) > 0 and np.ptp(cosines[counted]) > 0
    both = (float(f(judged[counted], cosines[counted])[0]) if varies else float("nan") for f in (spearmanr, pearsonr))
    spearman, pearson = both
    return Similarity(spearman, pearson, len(triples), int((~there).sum()))


def analogies(
    vectors,
    path: str | Path,
    case_insensitive: bool = True,
    restrict_vocab: int | None = None,
    dummy4unknown: bool = False,
) -> Analogies:
    """KeyedVectors; a file of lines `a b c d`, asked as "a is to b as c is to what?", under `: section` lines.

    The answer is the word with the greatest cosine to b - a + c (each of length 1), except a, b and c themselves:
    Mikolov et al. 2013, called 3CosAdd by Levy & Goldberg 2014. Raises ValueError with the line number for other
    lines.
    """
    known, spelled = _vocabulary(vectors, case_insensitive, restrict_vocab)
    names, sections, questions = _questions(path)
    rows = np.array([[known(word) for word in words] for words in questions]).reshape(-1, 4)
    there = (rows >= 0).all(axis=1)
    right = np.zeros(len(rows), bool)
    right[there] = _answers(vectors, spelled, rows[there]) == spelled[rows[there, 3]]
    counted = [there | dummy4unknown, ~there]
    parts = [np.array(sections, int) == i for i in range(len(names))]
    return Analogies(
        tuple(
            Section(name, *(int((part & which).sum()) for which in (right, *counted)))
            for name, part in zip(names, parts, strict=True)
        )
    )


def _vocabulary(vectors, case_insensitive, restrict_vocab):
    """(word -> its row or -1, int [V]: the row of the first spelling of each row's word)"""
    if restrict_vocab is not None and restrict_vocab < 1:
        raise ValueError(f"restrict_vocab must be None or a number of words, at least 1; got {restrict_vocab}")
    fold = str.upper if case_insensitive else str
    folded, first = [fold(word) for word in vectors.index_to_key[:restrict_vocab]], {}
    for row, word in enumerate(folded):
        first.setdefault(word, row)
    return lambda word: first.get(fold(word), -1), np.array([first[word] for word in folded], int)


def _answers(vectors, spelled, rows):
    """int [N]: the answers to the questions of `rows` int [N, 4], as rows of first spellings."""
    unit, answers = _unit(vectors.vectors[: len(spelled)]), np.empty(len(rows), int)
    for start in range(0, len(rows), QUESTIONS):
        a, b, c = asked = rows[start : start + QUESTIONS, :3].T
        aim = unit[b] - unit[a] + unit[c]  # [Q, D]
        given = _spellings(spelled, asked.T)
        result, best = np.zeros(len(aim), int), np.full(len(aim), -np.inf)
        for low in range(0, len(unit), WORDS):
            scores = aim @ unit[low : low + WORDS].T  # [Q, W]
            inside = given[(given[:, 1] >= low) & (given[:, 1] < low + WORDS)]
            scores[inside[:, 0], inside[:, 1] - low] = -np.inf
            top, score = scores.argmax(axis=1), scores.max(axis=1)
            result, best = np.where(score > best, top + low, result), np.maximum(score, best)
        answers[start : start + QUESTIONS] = spelled[result]
    return answers


def _spellings(spelled, asked):
    """(question, row) int [N, 2]: all rows that spell one of the three words of a question, asked int [Q, 3]."""
    order = np.argsort(spelled, kind="stable")
    begins, ends = (np.searchsorted(spelled, asked.ravel(), side, sorter=order) for side in ("left", "right"))
    return np.array([(i // 3, row) for i in range(asked.size) for row in order[begins[i] : ends[i]]])


def _unit(rows):
    """Vectors scaled to length 1; zero vectors stay zero."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)


def _lines(path):
    """(number, text) of each line that is not blank or a comment; also from .gz files."""
    with understood(path, "lines of words in UTF-8"):
        for number, line in enumerate(lines(path), 1):
            line = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if line and not line.startswith("#"):
                yield number, line


def _pairs(path):
    for number, line in _lines(path):
        fields = [part.strip() for part in line.split("\t" if "\t" in line else "," if "," in line else None)]
        try:
            first, second, judged = fields
            yield first, second, float(judged)
        except ValueError:
            if number > 1 or len(fields) != 3:
                raise ValueError(f"{path}, line {number}: expected two words and a number, got {line!r:.60}") from None


def _questions(path):
    """(names of the sections, each question's section, questions)"""
    names, sections, questions = [], [], []
    for number, line in _lines(path):
        if line.startswith(":"):
            names.append(line.lstrip(": "))
            continue
        if not names or len(line.split()) != 4:
            expected = "four words" if names else "': section' above the first question"
            raise ValueError(f"{path}, line {number}: expected {expected}, got {line!r:.60}")
        sections.append(len(names) - 1)
        questions.append(line.split())
    if not questions:
        raise ValueError(f"{path}: expected lines of four words under ': section', got none")
    return names, sections, questions
