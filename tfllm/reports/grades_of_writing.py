"""Grades of tasks that write a text which has a reference: translations by chrF, summaries by ROUGE-L."""

from tfllm import evaluation
from tfllm.evaluation.rouge import rouge_l
from tfllm.evaluation.translation_scores import sentence_chrf
from tfllm.reports.report_parts import EMPTY, Example, Figure, Grades
from tfllm.tasks import user_data

BATCH = 32


def grade_translations(task, records, seed=1, tick=lambda share: None):
    """A Translator and a dataset of its records -> Grades. Raises ImportError without sacrebleu."""
    evaluation.translation_scores.checked_tokenizer(None)
    sources, references, outputs = written(task, records, tick)
    scores = evaluation.bleu(outputs, references), evaluation.chrf(outputs, references)
    figures = [of_score(one, len(outputs)) for one in scores]
    return Grades(figures, examples(sources, references, outputs, sentence_chrf(outputs, references), "chrF"), "chrF")


def grade_summaries(task, records, seed=1, tick=lambda share: None):
    """A Summarizer and a dataset of its records -> Grades. Raises ImportError without rouge-score."""
    sources, references, outputs = written(task, records, tick)
    result = evaluation.rouge(outputs, references)
    figures = [of_score(one, len(outputs)) for one in (result.rouge1, result.rouge2, result.rougeL)]
    return Grades(figures, examples(sources, references, outputs, rouge_l(outputs, references), "ROUGE-L"), "ROUGE-L")


def written(task, records, tick):
    """-> (sources, references, what the task writes with its default decoding)"""
    sources, references = user_data.strings(records, *task.fields)
    outputs = []
    for first in range(0, len(sources), 8 * BATCH):
        outputs += task.generate(sources[first : first + 8 * BATCH], batch_size=BATCH, verbose=0)
        tick(len(outputs) / len(sources))
    return sources, references, outputs


def of_score(one, size, unit="texts"):
    """evaluation's Score of `size` texts -> Figure."""
    how = "Wilson" if "wilson" in one.signature else "bootstrap"
    return Figure(one.name, one.value, (one.low, one.high), size, unit, how, signature=one.signature)


def examples(sources, references, outputs, scores, name):
    rows = zip(sources, references, outputs, scores, strict=True)
    return [Example({"source": a}, b, c or EMPTY, score, f"{name} {score:.1f}") for a, b, c, score in rows]
