"""What word vectors associate: WEAT, the word embedding association test. Caliskan, Bryson & Narayanan 2017.

    s(w) = mean cos(w, a) over a in A - mean cos(w, b) over b in B
    effect size = (mean s(x) over X - mean s(y) over Y) / standard deviation of s(w) over X and Y
    p = the share of all partitions of X and Y into sets of their sizes whose sum of s over X is not smaller

Differs: partitions that are as good as the observed one count too, itself among them, so that p is never 0 (the paper
counts those that are better). The paper leaves open which standard deviation; this is that of a sample, n - 1, as in
May et al. 2019. Left out: the test for single words (WEFAT).
"""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

AT_ONCE = 10_000  # partitions


@dataclass(frozen=True)
class Association:
    """What `weat` found."""

    effect_size: float  # -2 to 2; above 0: X goes with A, Y with B; NaN where all words are alike
    p_value: float  # one-sided
    partitions: int  # that p comes from
    exact: bool  # they are all there are
    missing: tuple[str, ...]  # words without a vector, which were left out

    def __str__(self):
        told = f"effect size {self.effect_size:.2f}, p {self.p_value:.2g} of {self.partitions:,} partitions"
        return told + (f"; without a vector: {', '.join(self.missing)}" if self.missing else "")


def weat(vectors, x, y, a, b, partitions=100_000, seed=1) -> Association:
    """Are the words of x nearer to a, and those of y to b?

    vectors: KeyedVectors, or any mapping of words to vectors. A word that it does not have is looked up in lower case
        ("Einstein"). In lower-case vectors some names are other words too: bill, frank, ebony, rose.
    partitions: where there are more, so many are drawn, by `seed`, and p is (found + 1) / (partitions + 1).
    Raises ValueError where a set has no word with a vector, or where x and y share a word.
    """
    if partitions < 1:
        raise ValueError(f"partitions must be 1 or more; got {partitions}")
    if both := set(x) & set(y):
        raise ValueError(f"x and y must not share words; both have {', '.join(sorted(both))}")
    sets, missing = [], []
    for name, words in zip("xyab", (x, y, a, b), strict=True):
        result = {word: word if word in vectors else word.lower() for word in words}
        result = {word: spelled for word, spelled in result.items() if spelled in vectors}
        if not result:
            raise ValueError(f"none of the words of {name} has a vector: {', '.join(words) or 'there are none'}")
        missing += [word for word in words if word not in result]
        sets.append(_unit([vectors[spelled] for spelled in result.values()]))  # [N, D]
    x, y, a, b = sets
    targets = np.concatenate([x, y])
    s = (targets @ a.T).mean(axis=1) - (targets @ b.T).mean(axis=1)  # [X + Y]
    size, spread = len(x), s.std(ddof=1)
    effect = (s[:size].mean() - s[size:].mean()) / spread if spread > 1e-12 else float("nan")
    p, tried, exact = _share(s, size, partitions, seed)
    return Association(float(effect), p, tried, exact, tuple(dict.fromkeys(missing)))


def _share(s, size, partitions, seed):
    """(p, partitions that it comes from, whether these are all) for the first `size` values of s."""
    least = s[:size].sum() - 1e-9  # the same numbers in another order have another last digit
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
    """Float64 vectors of length 1; that of length 0 stays."""
    vectors = np.array(vectors, "float64")
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo("float64").tiny)
