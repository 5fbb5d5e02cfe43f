"""Which grades suit which task."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfllm.reports.grades_of_answers import grade_facts, grade_questions
from tfllm.reports.grades_of_labels import grade_labels
from tfllm.reports.grades_of_rows import grade_replies, grade_rows
from tfllm.reports.grades_of_writing import grade_summaries, grade_translations
from tfllm.reports.report_parts import Grades
from tfllm.tasks.classification.text_classifier import TextClassifier
from tfllm.tasks.dialogue.dialogue_generator import DialogueGenerator
from tfllm.tasks.facts.fact_answering import FactAnswering
from tfllm.tasks.language_model import LanguageModel
from tfllm.tasks.pretraining.pretraining import Pretraining
from tfllm.tasks.questions.question_answering import QuestionAnswering
from tfllm.tasks.questions.question_records import plain
from tfllm.tasks.summarizer import Summarizer
from tfllm.tasks.translator import Translator

GRADERS = {
    TextClassifier: grade_labels, Translator: grade_translations, Summarizer: grade_summaries,
    QuestionAnswering: grade_questions, FactAnswering: grade_facts, LanguageModel: grade_rows,
    DialogueGenerator: grade_replies, Pretraining: grade_rows,
}  # fmt: skip


def grade(task: Any, data: Any, seed: int = 1, tick: Callable[[float], None] = lambda share: None) -> Grades:
    """Scores of a task on records, and a score for each record.

    data: as for `task.score`. tick: called with the share that is done. Raises TypeError for other tasks, and the
    errors of `task.score`.
    """
    return grader_of(task)(task, records_of(task, data), seed, tick)


def grader_of(task):
    """The function that grades a task. Raises TypeError if there is none."""
    for kind, grader in GRADERS.items():
        if isinstance(task, kind):
            return grader
    raise TypeError(f"a {type(task).__name__} has no grades; supported are: {', '.join(k.__name__ for k in GRADERS)}")


def records_of(task, data, most=None):
    """Data in any form of `fit` -> records in memory; at most `most` of them, evenly spread."""
    if isinstance(task, QuestionAnswering):
        rows = list(plain(data))
        return rows if most is None else [rows[i] for i in spread(len(rows), most)]
    records = task.records(data)
    if most is None:
        return records
    size = int(records.cardinality())
    size = size if size >= 0 else sum(1 for _ in records)
    if size <= most:
        return records
    chosen = tf.constant(spread(size, most), tf.int64)
    kept = records.enumerate().filter(lambda i, record: tf.reduce_any(chosen == i))
    return kept.map(lambda i, record: record).apply(tf.data.experimental.assert_cardinality(most))


def spread(size, most):
    """At most `most` of the numbers 0 .. size - 1, evenly spread."""
    return list(range(size)) if size <= most else [i * size // most for i in range(most)]
