"""The tasks of the command line, each a file of this folder.

Such a file has four dataclasses, the options of the verbs: `Training`, `Evaluation`, `Generation`, `Exporting`;
TEXT, the words of --help that name a text; and ASK, the line that asks a trained RUN.
"""

import importlib

from tfllm.cli import meant

TASKS = {  # each a file of this folder
    "translation": "translation", "lm": "lm", "classifier": "classification", "summarization": "summarization",
    "pretrain": "pretrain", "denoising": "denoising",
    "facts": "babi", "dialogue": "dialogue", "qa": "qa",
}  # fmt: skip
CLASSES = {  # the name Keras saves: task
    "tfllm>Translator": "translation", "tfllm>LanguageModel": "lm", "tfllm>TextClassifier": "classifier",
    "tfllm>Summarizer": "summarization", "tfllm>MaskedLanguageModel": "pretrain", "tfllm>Denoiser": "denoising",
    "tfllm>FactAnswering": "facts", "tfllm>DialogueGenerator": "dialogue",
    "tfllm>CausalDialogue": "dialogue", "tfllm>Seq2SeqDialogue": "dialogue",  # of files saved before 0.2
    "tfllm>QuestionAnswering": "qa",
}  # fmt: skip


def file(task):
    """The module of a task; ValueError for an unknown one."""
    if task not in TASKS:
        raise ValueError(f"no task {task!r}{meant(task, TASKS)}; the tasks: {', '.join(TASKS)}")
    return importlib.import_module(f"tfllm.cli.{TASKS[task]}")


def all_of(name):
    """{task: the dataclass `name` of its file}, of all tasks that have one."""
    return {task: getattr(file(task), name) for task in TASKS if hasattr(file(task), name)}
