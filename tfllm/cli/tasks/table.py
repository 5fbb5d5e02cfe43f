"""The table of tasks that can be trained: task -> its module, and the names under which Keras saves its models.

A module has four dataclasses, the options of the verbs: `Training`, `Evaluation`, `Generation`, `Exporting` (a dialogue
also has `Chatting`); TEXT, the data options shown by --help; and ASK, a command that uses a trained RUN.

Another package adds a task by an entry point of the group "tfllm.tasks", `name = package.module`. Its module also
defines which classes are saved and which modules register them: CLASSES = {"package>Reverser": "package.reverser"}.
Only the modules of the classes import TensorFlow.
"""

import importlib
import sys
from importlib import metadata
from typing import NamedTuple

from tfllm.cli.messages import meant
from tfllm.cli.screen import log

GROUP = "tfllm.tasks"


class Entry(NamedTuple):
    module: str
    classes: tuple[str, ...]


TASKS = {
    "translation": Entry("tfllm.cli.tasks.translation", ("tfllm>Translator",)),
    "lm": Entry("tfllm.cli.tasks.lm", ("tfllm>LanguageModel",)),
    "classifier": Entry("tfllm.cli.tasks.classifier", ("tfllm>TextClassifier",)),
    "summarization": Entry("tfllm.cli.tasks.summarization", ("tfllm>Summarizer",)),
    "pretrain": Entry("tfllm.cli.tasks.masked_lm", ("tfllm>MaskedLanguageModel",)),
    "denoising": Entry("tfllm.cli.tasks.denoising", ("tfllm>Denoiser",)),
    "facts": Entry("tfllm.cli.tasks.fact_questions", ("tfllm>FactAnswering",)),
    "dialogue": Entry(
        "tfllm.cli.tasks.dialogue",
        ("tfllm>DialogueGenerator", "tfllm>CausalDialogue", "tfllm>Seq2SeqDialogue"),  # the last two: saved before 0.2
    ),
    "qa": Entry("tfllm.cli.tasks.qa", ("tfllm>QuestionAnswering",)),
}


def added():
    """{task: entry point} of the tasks of other packages; they cannot replace our own."""
    return {point.name: point for point in metadata.entry_points(group=GROUP) if point.name not in TASKS}


def names():
    """The names of all tasks."""
    return [*TASKS, *added()]


def module(task):
    """The module of a task. Raises ValueError for an unknown task, and for one that cannot be imported."""
    if task in TASKS:
        return importlib.import_module(TASKS[task].module)
    points = added()
    if task not in points:
        raise ValueError(f"no task {task!r}{meant(task, names())}; the tasks: {', '.join(names())}")
    try:
        result = points[task].load()
        result.Training, result.TEXT, result.ASK, result.CLASSES  # noqa: B018  what the table needs of it
    except (ImportError, AttributeError) as error:
        raise ValueError(f"task {task!r}, entry point {points[task].value} of {GROUP}: {error}") from error
    return result


def modules():
    """{task: its module}; a task of another package that cannot be imported is skipped with a warning."""
    result = {task: module(task) for task in TASKS}
    for task in added():
        try:
            result[task] = module(task)
        except ValueError as error:
            log.warning("%s", error)
    return result


def all_of(name):
    """{task: the dataclass `name` of its module}, for all tasks that have it."""
    return {task: getattr(result, name) for task, result in modules().items() if hasattr(result, name)}


def classes():
    """{the name under which Keras saves a model: task}"""
    result = {name: task for task, entry in TASKS.items() for name in entry.classes}
    others = {task: part for task, part in modules().items() if task not in TASKS} if added() else {}
    return {name: task for task, part in others.items() for name in part.CLASSES} | result


def register(task):
    """Register the classes of another package's task with Keras; `tfllm.load_model` does so for tfllm's own."""
    if task not in TASKS:
        for home in module(task).CLASSES.values():
            importlib.import_module(home)


def files():
    """The imported files of the tasks of other packages."""
    return [result.__file__ for point in added().values() if (result := sys.modules.get(point.module)) is not None]
