"""Scores of pre-training: masked token prediction and next sentence prediction."""

import math
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class MaskedScore:
    """Means over masked tokens, and over pairs; str() is a table. Raises ValueError if nothing was masked.

    unigram_entropy is that of the masked tokens' frequencies: no model without access to the context can have a lower
    loss on them.
    """

    tokens: int  # number of masked tokens
    loss: float  # nats per masked token
    accuracy: float
    unigram_entropy: float  # nats
    pairs: int = 0
    next_sentence_loss: float | None = None  # nats per pair
    next_sentence_accuracy: float | None = None

    def __post_init__(self):
        if self.tokens < 1:
            raise ValueError("nothing to score: no token was masked")

    def as_dict(self) -> dict:
        return asdict(self)

    def __str__(self):
        rows = [
            ("loss", f"{self.loss:.3f}", f"nats per masked token, of {self.tokens:,}"),
            ("unigram entropy", f"{self.unigram_entropy:.3f}", "nats: the best loss without context"),
            ("perplexity", f"{math.exp(self.loss):.2f}", "per masked token"),
            ("accuracy", f"{self.accuracy:.3f}", "of masked tokens"),
        ]
        if self.pairs:
            rows.append(("next sentence", f"{self.next_sentence_accuracy:.3f}", f"right, of {self.pairs:,} pairs"))
        return "\n".join(f"{name:17}{value:>9}  {what}" for name, value, what in rows)


def entropy(counts):
    """Counts of tokens -> Σ -p ln p, in nats."""
    total = sum(counts)
    return -sum(count / total * math.log(count / total) for count in counts if count)
