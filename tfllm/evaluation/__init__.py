"""Scores of answers against references, and of texts under a model. Dependencies are imported on first use."""

from tfllm.evaluation.calibration import Reliability, expected_calibration_error, fit_temperature, reliability
from tfllm.evaluation.class_report import ClassificationReport, classification_report, matthews
from tfllm.evaluation.diversity import Diversity, distinct, diversity, entropy
from tfllm.evaluation.glue import glue_metrics
from tfllm.evaluation.multilabel import MultilabelReport, multilabel_report
from tfllm.evaluation.perplexity import Counts, Perplexity, counts
from tfllm.evaluation.regression import RegressionReport, pearson, regression_report, spearman
from tfllm.evaluation.reply_scores import ReplyScores
from tfllm.evaluation.rouge import RougeScores, rouge
from tfllm.evaluation.squad import SquadScores, Threshold, squad
from tfllm.evaluation.translation_scores import Score, Scores, bleu, chrf, exact_match

__all__ = [
    "ClassificationReport", "Counts", "Diversity", "MultilabelReport", "Perplexity", "RegressionReport", "Reliability",
    "ReplyScores", "RougeScores", "Score", "Scores", "SquadScores", "Threshold", "bleu", "chrf",
    "classification_report", "counts", "distinct", "diversity", "entropy", "exact_match", "expected_calibration_error",
    "fit_temperature", "glue_metrics", "matthews", "multilabel_report", "pearson", "regression_report", "reliability",
    "rouge", "spearman", "squad",
]  # fmt: skip
