"""How fast a task answers: texts per second in batches, and seconds for one text; medians of repeats."""

import statistics
import time

from tfllm.reports.known_facts import processor
from tfllm.reports.report_parts import Figure
from tfllm.tasks.language_model import LanguageModel
from tfllm.tasks.task import Task

BATCH, NEW_TOKENS, WORDS = 32, 20, 4


def speeds(task, columns, repeats=5):
    """(figures, note). columns: texts for each of `task.asks`. Raises TypeError for what is no Task of tfllm.

    The interval of a figure is the range of the repeats; a first call, which traces, is not counted.
    """
    if not isinstance(task, Task):
        raise TypeError(f"the speed of a {type(task).__name__} cannot be measured: it is not a Task of tfllm")
    ask, what = asker(task)
    figures = []
    for size in sorted({min(BATCH, len(columns[0])), 1}, reverse=True):
        parts, seconds = [texts[:size] for texts in columns], []
        ask(parts)
        for _ in range(repeats):
            begin = time.perf_counter()
            ask(parts)
            seconds.append(time.perf_counter() - begin)
        name = f"texts per second, in batches of {size}" if size > 1 else "milliseconds for one text"
        values = [size / one for one in seconds] if size > 1 else [1000 * one for one in seconds]
        figures.append(Figure(name + what, statistics.median(values), (min(values), max(values)), repeats, "repeats",
                              "range"))  # fmt: skip
    return figures, f"Wall-clock time on {processor()}; medians, with the range of all repeats."


def asker(task):
    """(function of columns of texts, a note)"""
    if isinstance(task, LanguageModel):

        def ask(columns):
            prompts = [" ".join(text.split()[:WORDS]) for text in columns[0]]
            return task.generate(prompts, max_new_tokens=NEW_TOKENS, verbose=0)

        return ask, f", {NEW_TOKENS} new tokens each"
    return lambda columns: task.run("serving_default", *columns, verbose=0), ""
