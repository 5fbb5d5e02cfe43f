"""What the checks of `tfllm audit` share: the base of their options, reading of texts, and tables."""

from dataclasses import asdict, dataclass
from typing import ClassVar

from tfllm.cli import sources
from tfllm.cli.audit.data_report import is_table

WRITERS = ("translation", "summarization", "lm", "dialogue")


@dataclass(frozen=True)
class Check:
    """Abstract. A subclass defines `measured` and `shown`."""

    TASKS: ClassVar[tuple[str, ...]]  # tasks whose runs can be checked

    def check(self):
        """Raises ValueError or OSError for missing options and files, before TensorFlow is imported."""

    def check_task(self, task):
        """Raises ValueError for options that do not fit the task of the run."""

    def measured(self, model):
        """The result, of the model of a run."""
        raise NotImplementedError

    def shown(self, result):
        """The result as text."""
        raise NotImplementedError

    def plain(self, result):
        """The result as dicts, lists and numbers."""
        return {name: asdict(one) for name, one in result.items()}


def needed(option, value, what):
    """Raises ValueError for a missing option, and OSError for files that do not exist."""
    if value is None:
        raise ValueError(f"name {what}: {option} F")
    sources.exist(option, [value])


def texts(option, path, column):
    """The texts of a file: a column of a table, or lines. Raises ValueError if there are none."""
    from tfllm.data.reading.opening import read_lines
    from tfllm.data.reading.readers import rows_of

    if is_table(path):
        result = [text for _, (text,) in rows_of(path, {"text": sources.column(column)})]
    else:
        result = read_lines(path)
    if not any(text.strip() for text in result):
        raise ValueError(f"{option} {path}: the file has no text")
    return result


def written(model, asked):
    """What a model that writes answers to texts; of a language model without the prompt."""
    answers = model.generate(asked, verbose=0)
    if model.asks != ("text",):
        return answers
    return [answer.removeprefix(text) for answer, text in zip(answers, asked, strict=True)]


def share(one):
    """A Share in JSON types."""
    low, high = one.interval
    return {"share": one.share, "low": low, "high": high, "count": one.count, "total": one.total}


def shares(head, result):
    """{name: Share} -> a table."""
    from tfllm.audit.text_tables import aligned

    rows = [(name, f"{one.share:.1%}", "{:.1%} to {:.1%}".format(*one.interval), f"{one.count:,} of {one.total:,}")
            for name, one in result.items()]  # fmt: skip
    return aligned([(head, "share", "95 %", ""), *rows])
