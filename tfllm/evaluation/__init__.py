"""Scores of answers against references. Imports nothing heavy before a score is asked for."""

from tfllm.evaluation.translation import Score, Scores, bleu, chrf, exact_match

__all__ = ["Score", "Scores", "bleu", "chrf", "exact_match"]
