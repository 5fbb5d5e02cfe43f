"""Scores of answers against references. Imports nothing heavy before a score is asked for."""

from tfllm.evaluation.translation import Score, bleu, chrf, exact_match

__all__ = ["Score", "bleu", "chrf", "exact_match"]
