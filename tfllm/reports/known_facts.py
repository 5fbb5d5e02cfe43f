"""What is known of a model without evaluating it: its sizes, its files, its training, the data that it was trained on.

Of the folder of a run, `config.yaml`, `run.json` and the progress inside last.keras are read.
"""

import datetime
import os
import platform
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from tfllm import config
from tfllm.files import json_object
from tfllm.text import Tokenizer
from tfllm.training import progress

LIBRARIES = ("tfllm", "tensorflow", "keras")


@dataclass(frozen=True)
class RunFacts:
    """Of a task and, if it has one, of its run."""

    task: str  # the name of its class
    model: str  # the name of the class of its model
    name: str  # of the folder or file
    date: str  # today
    weights: int  # numbers, without those of the optimizer
    trainable: int
    vocabularies: dict[str, int]  # {tokenizer: number of tokens}
    limit: int | None  # tokens that the model can read
    labels: list[str]
    files: dict[str, int]  # {file of the run: bytes}
    data: dict[str, str]  # {file or public data set: its size, or the part}
    recipe: dict[str, Any]
    epochs: int = 0
    best_epoch: int = 0
    updates: int = 0
    seconds: float = 0.0  # of training
    history: list[dict] = field(default_factory=list)  # a row of numbers for each epoch
    versions: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def recorded(self) -> dict[str, float]:
        """The scores of the best epoch, as they were recorded during the training; {} if there are none."""
        rows = {row["epoch"]: row for row in self.history}
        row = rows.get(self.best_epoch) or rows.get(self.epochs) or {}
        return {name: value for name, value in row.items() if name not in ("epoch", "seconds", "learning_rate")}


def run_facts(task: Any, run: str | Path | None = None) -> RunFacts:
    """The facts of a task. run: the folder of its run, or its .keras file; None: nothing is known of its training.

    Raises ValueError for a damaged run.
    """
    path = None if run is None else Path(run).expanduser()
    folder = path if path is not None and path.is_dir() else None
    done, settings = progress.Progress(), {}
    if folder is not None:
        done = progress.of_run(folder)
        settings = config.read(folder / "config.yaml") if (folder / "config.yaml").exists() else {}
    weights = [weight for weight in task.weights if "seed" not in weight.path]
    inner = next((part for name in ("model", "encoder", "reader") if (part := getattr(task, name, None))), task)
    return RunFacts(
        task=type(task).__name__,
        model=type(inner).__name__,
        name="" if path is None else path.resolve().name,
        date=datetime.date.today().isoformat(),
        weights=sum(map(_size, weights)),
        trainable=sum(map(_size, task.trainable_weights)),
        vocabularies=vocabularies(task),
        limit=next((limit for name in ("length", "pe_input", "max_length") for part in (task, inner)
                    if isinstance(limit := getattr(part, name, None), int)), None),
        labels=list(getattr(task, "labels", None) or ()),
        files=files(path),
        data=data_of(folder, settings),
        recipe=settings.get("recipe", {}),
        epochs=done.epoch, best_epoch=done.best_epoch, updates=done.updates, seconds=done.seconds,
        history=done.history,
        versions={name: metadata.version(name) for name in LIBRARIES} | {"Python": platform.python_version()},
    )  # fmt: skip


def size_rows(facts: RunFacts) -> list[list[str]]:
    """Rows of a table: weights, vocabularies, limit."""
    rows = [["weights", f"{facts.weights:,}"], ["of these trainable", f"{facts.trainable:,}"]]
    rows += [[f"vocabulary, {name}", f"{size:,} tokens"] for name, size in facts.vocabularies.items()]
    return rows + ([["limit of the model", f"{facts.limit:,} tokens"]] if facts.limit else [])


def _size(weight):
    size = 1
    for axis in weight.shape:
        size *= axis
    return size


def vocabularies(task):
    """{name: number of tokens} of the tokenizers of a task, or of its parts; one with two names counts once."""
    found = {}
    for part in (task, *vars(task).values()):
        for name, value in getattr(part, "__dict__", {}).items():
            if isinstance(value, Tokenizer) and value not in found.values():
                found[name] = value
    return {name: tokenizer.vocab_size for name, tokenizer in found.items()}


def files(path):
    """{name: bytes} of the files of a run, or of the .keras file."""
    if path is None:
        return {}
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    return {one.name: one.stat().st_size for one in found if one.is_file() and not one.name.startswith(".")}


def data_of(folder, settings):
    """{file: its size} of run.json; {public data set: its part} of config.yaml."""
    found = {}
    if folder is not None and (folder / "run.json").exists():
        texts = json_object(folder / "run.json").get("texts")
        for path, state in texts.items() if isinstance(texts, dict) else ():
            if isinstance(state, list) and len(state) == 2:
                found[path] = f"{bytes_shown(state[0])}, SHA-256 {str(state[1])[:12]}…"
    if settings.get("tfds"):
        parts = [settings[name] for name in ("split", "valid_split") if settings.get(name)]
        found[f"tensorflow-datasets {settings['tfds']}"] = ", ".join(map(str, parts))
    return found


def bytes_shown(count):
    """1234567 -> "1.23 MB"."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def processor():
    """The name of the processor, and the number of its cores that this process may use."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            name = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):  # not Linux, or not x86
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} core{'s' if cores != 1 else ''}"
