"""WEAT, the word embedding association test, a measure of bias. Caliskan, Bryson & Narayanan 2017.

    s(w) = mean cos(w, a) over a in A - mean cos(w, b) over b in B
    effect size = (mean s(x) over X - mean s(y) over Y) / standard deviation of s(w) over X and Y
    p = the share of all partitions of X and Y into sets of their sizes whose sum of s over X is not smaller

Differs: partitions equal to the observed one count too, including itself, so p is never 0 (the paper counts only
larger ones). The paper does not say which standard deviation; this is the sample standard deviation (n - 1), as in
May et al. 2019. Not included: the test for single words (WEFAT).
"""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

AT_ONCE = 10_000  # partitions


@dataclass(frozen=True)
class Association:
    """The result of `weat`."""

    effect_size: float  # -2 to 2; above 0: X is associated with A, Y with B; NaN if all words are equal
    p_value: float  # one-sided
    partitions: int  # that p is computed from
    exact: bool  # whether these are all possible partitions
    missing: tuple[str, ...]  # words without a vector, which were ignored

    def __str__(self):
        summary = f"effect size {self.effect_size:.2f}, p {self.p_value:.2g} of {self.partitions:,} partitions"
        return summary + (f"; without a vector: {', '.join(self.missing)}" if self.missing else "")


def weat(vectors, x, y, a, b, partitions=100_000, seed=1) -> Association:
    """Are the words of x nearer to a, and those of y to b?

    vectors: KeyedVectors, or any mapping of words to vectors. A word without a vector is looked up in lower case
        ("Einstein"). In lower-case vectors some names are also other words: bill, frank, ebony, rose.
    partitions: if there are more, a random sample of this size is drawn with `seed`, and p is
        (count + 1) / (partitions + 1).
    Raises ValueError if a set has no word with a vector, if x and y share a word, and for vectors that are not finite.
    """
    if partitions < 1:
        raise ValueError(f"partitions must be at least 1; got {partitions}")
    if both := set(x) & set(y):
        raise ValueError(f"x and y must not share words; both have {', '.join(sorted(both))}")
    sets, missing = [], []
    for name, words in zip("xyab", (x, y, a, b), strict=True):
        result = {word: word if word in vectors else word.lower() for word in words}
        result = {word: spelled for word, spelled in result.items() if spelled in vectors}
        if not result:
            raise ValueError(f"none of the words of {name} has a vector: {', '.join(words) or 'it is empty'}")
        missing += [word for word in words if word not in result]
        sets.append(_unit([vectors[spelled] for spelled in result.values()]))  # [N, D]
    if len({one.shape[1] for one in sets}) > 1:
        raise ValueError(f"all vectors must have the same width; got {sorted({one.shape[1] for one in sets})}")
    x, y, a, b = sets
    targets = np.concatenate([x, y])
    s = (targets @ a.T).mean(axis=1) - (targets @ b.T).mean(axis=1)  # [X + Y]
    size, spread = len(x), s.std(ddof=1)
    effect = (s[:size].mean() - s[size:].mean()) / spread if spread > 1e-12 else float("nan")
    p, tried, exact = _share(s, size, partitions, seed)
    return Association(float(effect), p, tried, exact, tuple(dict.fromkeys(missing)))


def _share(s, size, partitions, seed):
    """(p, number of partitions, whether these are all) for the first `size` values of s."""
    least = s[:size].sum() - 1e-9  # the same numbers in another order differ by rounding
    exact = comb(len(s), size) <= partitions
    if exact:
        sums = s[np.array(list(combinations(range(len(s)), size)))].sum(axis=1)
        return float((sums >= least).mean()), len(sums), True
    draw, result = np.random.default_rng(seed), 0
    for begin in range(0, partitions, AT_ONCE):
        rows = min(AT_ONCE, partitions - begin)
        order = draw.random((rows, len(s))).argsort(axis=1)[:, :size]
        result += int((s[order].sum(axis=1) >= least).sum())
    return (result + 1) / (partitions + 1), partitions, False


def _unit(vectors):
    """Vectors scaled to length 1, float64; zero vectors stay zero. Raises ValueError for NaN and infinity."""
    if len({np.shape(vector) for vector in vectors}) > 1:
        raise ValueError(f"all vectors must have the same width; got {sorted({np.shape(v)[0] for v in vectors})}")
    vectors = np.array(vectors, "float64")
    if not np.isfinite(vectors).all():
        raise ValueError("the vector of a word is NaN or infinite")
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo("float64").tiny)
