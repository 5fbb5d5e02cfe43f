"""Scores of a dialogue model: how well it predicts the replies of people, and how varied its own are."""

from dataclasses import dataclass

from tfllm.evaluation.diversity import Diversity
from tfllm.evaluation.perplexity import Perplexity


@dataclass(frozen=True)
class ReplyScores:
    """str() is a table."""

    perplexity: Perplexity  # of the replies of people, END of each counted as a token
    said: Diversity | None  # of the model's replies; None where it was asked for none
    people: Diversity | None  # of the replies of people to the same histories

    def as_dict(self) -> dict[str, float]:
        """perplexity (per token), and the numbers of `Diversity` of what the model said."""
        return {"perplexity": self.perplexity.per_token} | (self.said.as_dict() if self.said else {})

    def __str__(self) -> str:
        lines = [str(self.perplexity)]
        lines += [f"{'replies':10}{self.said}", f"{'of people':10}{self.people}"] if self.said else []
        return "\n".join(lines)
