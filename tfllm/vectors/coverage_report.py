"""How much of a vocabulary, and of a text, has vectors in a file."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from tfllm.text.learning import batches
from tfllm.text.tokenizer import Tokenizer
from tfllm.vectors.composing import KINDS, MISSING, SPECIAL, compose


@dataclass(frozen=True, eq=False)
class Coverage:
    """The source of each token's vector: `str` is a table.

    kinds   int [V], indices into KINDS: exact, case, subword, missing, special (composing.compose)
    counts  int [V]: how often each token occurs in a text; None without a text
    UNKNOWN counts as missing: in a text it stands for words that the tokenizer does not have.
    """

    tokenizer: Tokenizer
    kinds: np.ndarray
    counts: np.ndarray | None = None

    def of(self, texts):
        """The same, weighted by the tokens of `texts`: strings (str or bytes), or a `tf.data.Dataset` of strings."""
        counts = np.zeros(len(self.kinds), "int64")
        for batch in batches(texts, lowercase=False):
            counts += np.bincount(self.tokenizer.encode(batch).flat_values.numpy(), minlength=len(counts))
        return replace(self, counts=counts)

    @property
    def types(self) -> dict[str, int]:
        """{kind: number of tokens in the vocabulary}, without special tokens."""
        return self._summed(np.ones_like(self.kinds))

    @property
    def running(self) -> dict[str, int] | None:
        """{kind: number of tokens in the text}; None without a text."""
        return None if self.counts is None else self._summed(self.counts)

    def share(self, counts=None) -> float:
        """The share that has a vector: of `types`, or of the given counts, such as `running`."""
        counts = self.types if counts is None else counts
        return 1 - counts["missing"] / max(sum(counts.values()), 1)

    def missing(self, n=10) -> list[tuple[str, int | None]]:
        """The first n tokens without a vector, each with its count: the most frequent ones, if there is a text.

        Without a text: in the order of the vocabulary, which has its most frequent words first, and without counts.
        """
        rows = np.flatnonzero(self.kinds == MISSING)
        if self.counts is not None:
            rows = rows[self.counts[rows] > 0]
            rows = rows[np.argsort(-self.counts[rows], kind="stable")]
        tokens, counts = self.tokenizer.tokens, self.counts
        return [(tokens[i].decode("utf-8", "replace"), None if counts is None else int(counts[i])) for i in rows[:n]]

    def __str__(self):
        columns = {"types": self.types} | ({} if self.counts is None else {"tokens": self.running})
        lines = [f"{'':8}" + "".join(f"{name:>20}" for name in columns)]
        for kind in KINDS[:SPECIAL]:
            parts = [(column[kind], sum(column.values())) for column in columns.values()]
            lines.append(f"{kind:8}" + "".join(f"{count:>12,}{count / max(total, 1):>8.1%}" for count, total in parts))
        if first := self.missing():
            shown = (repr(token) if count is None else f"{token!r} {count:,}" for token, count in first)
            lines.append(f"{'missing' if self.counts is None else 'most frequent missing'}: {', '.join(shown)}")
        return "\n".join(lines)

    def _summed(self, counts):
        sums = Counter()
        for kind, count in zip(self.kinds.tolist(), counts.tolist(), strict=True):
            sums[KINDS[kind]] += count
        return {kind: sums[kind] for kind in KINDS[:SPECIAL]}


def coverage(tokenizer, vectors, texts=None) -> Coverage:
    """What `pretrained_embedding` would find in `vectors` for this tokenizer; with `texts`, also counted by
    occurrence.
    """
    result = Coverage(tokenizer, compose(tokenizer, vectors).kinds)
    return result if texts is None else result.of(texts)
