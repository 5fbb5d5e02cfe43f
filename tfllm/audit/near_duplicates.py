"""Texts that are equal, or nearly equal, to an earlier text of a set, or to a text of another set.

Near duplicates: the Jaccard similarity of two texts' sets of 3-grams of tokens is at least a threshold. Broder 1997,
"On the resemblance and containment of documents". Candidates come from locality-sensitive hashing (LSH) of MinHash
signatures, which the package datasketch computes; their similarity is then computed exactly, so that all reported pairs
are right. LSH misses about 1 % of the pairs at the threshold, at most, and fewer of more similar pairs. Tokens are
lower-case words, or characters of scripts without spaces; punctuation is ignored.

Differs: a bucket keeps its first 20 texts, so that time grows with the number of texts, and not with its square, where
all have long parts in common, such as forms and disclaimers. In such a crowd the match of a text may not be the most
similar one.
"""

import zlib
from collections.abc import Sequence

from tfllm.evaluation.scripts import characters

SHINGLE = 3  # tokens
PERMUTATIONS = 64
MISSED = 0.01  # share of pairs at the threshold that LSH may miss
CROWD = 20  # texts of a bucket


def equal(texts: Sequence[str], others: Sequence[str] | None = None) -> dict[int, int]:
    """{index of a text: index of the first equal one}: of an earlier text, or of any text in `others`."""
    first: dict[str, int] = {}
    if others is not None:
        for index, text in enumerate(others):
            first.setdefault(text, index)
        return {index: first[text] for index, text in enumerate(texts) if text in first}
    return {index: other for index, text in enumerate(texts) if (other := first.setdefault(text, index)) != index}


def shingles(text: str) -> frozenset[str]:
    """The 3-grams of the tokens; of a shorter text all tokens as one."""
    tokens = characters(text)
    size = min(SHINGLE, len(tokens))
    return frozenset(" ".join(tokens[i : i + size]) for i in range(len(tokens) - size + 1)) if size else frozenset()


def jaccard(a: frozenset, b: frozenset) -> float:
    """|a and b| / |a or b|; 0 for two empty sets."""
    both = len(a & b)
    return both / (len(a) + len(b) - both) if both else 0.0


class NearDuplicates:
    """The texts of a set that are similar to an earlier one, `matches`; `find` compares other texts with the set.

    Both are {index: (index of the most similar text in the set, similarity)}. Texts with the same 3-grams have
    similarity 1; texts without words are ignored. Raises ValueError for a threshold outside 0 to 1, ImportError without
    datasketch.
    """

    def __init__(self, texts: Sequence[str], threshold: float = 0.8, seed: int = 1):
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold must be above 0 and at most 1; got {threshold}")
        try:
            import datasketch  # noqa: F401
        except ImportError:
            raise ImportError("near duplicates need datasketch: pip install 'tfllm[audit]'") from None
        self.threshold, self.seed = threshold, seed
        self.buckets: dict[tuple[int, bytes], list[int]] = {}  # {(band, its part of the signature): texts}
        self.sets = [shingles(text) for text in texts]
        self.known: dict[frozenset, int] = {}  # the first text of each set of 3-grams
        self.matches = {}
        signatures = self._signatures(self.sets)
        for i, one in enumerate(self.sets):
            if match := self._best(one, signatures):
                self.matches[i] = match
            if one and one not in self.known:
                self.known[one] = i
                for key in self._keys(signatures[one]):
                    if len(bucket := self.buckets.setdefault(key, [])) < CROWD:
                        bucket.append(i)

    def find(self, texts: Sequence[str]) -> dict[int, tuple[int, float]]:
        sets = [shingles(text) for text in texts]
        signatures = self._signatures(sets)
        return {i: match for i, one in enumerate(sets) if (match := self._best(one, signatures))}

    def _signatures(self, sets):
        """{set: MinHash}, all in one call: each call draws the permutations."""
        from datasketch import MinHash

        sets = list(dict.fromkeys(one for one in sets if one))
        data = ([part.encode("utf-8", "replace") for part in sorted(one)] for one in sets)
        hashes = MinHash.bulk(data, num_perm=PERMUTATIONS, seed=self.seed, hashfunc=zlib.crc32)
        return dict(zip(sets, hashes, strict=True))

    def _keys(self, signature):
        count, rows = bands(self.threshold)
        return [(band, signature.hashvalues[band * rows : (band + 1) * rows].tobytes()) for band in range(count)]

    def _best(self, one, signatures):
        if not one:
            return None
        if one in self.known:
            return self.known[one], 1.0
        others = {other for key in self._keys(signatures[one]) for other in self.buckets.get(key, ())}
        pairs = [(jaccard(one, self.sets[other]), -other) for other in others]
        similarity, other = max(pairs, default=(0.0, 0))
        return (-other, similarity) if similarity >= self.threshold else None


def bands(threshold: float) -> tuple[int, int]:
    """(bands, rows of a band) of a signature: the longest bands that miss at most 1 % of pairs at the threshold.

    A pair of similarity s is a candidate with probability 1 - (1 - s^rows)^bands. Leskovec et al. 2014, sec. 3.4.2.
    """
    for rows in range(PERMUTATIONS // 2, 1, -1):
        if (1 - threshold**rows) ** (PERMUTATIONS // rows) <= MISSED:
            return PERMUTATIONS // rows, rows
    return PERMUTATIONS, 1
