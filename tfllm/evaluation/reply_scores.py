"""Scores of a dialogue model: how well it predicts human replies, and the diversity of its own."""

import warnings
from dataclasses import dataclass

from tfllm.evaluation.diversity import Diversity
from tfllm.evaluation.perplexity import Perplexity


@dataclass(frozen=True)
class ReplyScores:
    """str() is a table."""

    perplexity: Perplexity  # of human replies, counting the END of each as a token
    replies: Diversity | None  # of the replies of the model; None if it generated none
    people: Diversity | None  # of human replies to the same histories

    @property
    def said(self):
        """The former name of `replies`."""
        warnings.warn("ReplyScores.said is now ReplyScores.replies", FutureWarning, stacklevel=2)
        return self.replies

    def as_dict(self) -> dict[str, float]:
        """The perplexity per token, and the scores of `Diversity` of the replies of the model."""
        return {"perplexity": self.perplexity.per_token} | (self.replies.as_dict() if self.replies else {})

    def __str__(self) -> str:
        lines = [str(self.perplexity)]
        lines += [f"{'replies':10}{self.replies}", f"{'of people':10}{self.people}"] if self.replies else []
        return "\n".join(lines)
