"""`tfllm runs FOLDER`: compare the runs in a folder, one table per task, the best first.

Reads files without TensorFlow.
"""

import json
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from tfllm.cli import info, options, run_folder
from tfllm.cli.messages import described
from tfllm.cli.screen import log

TIMES = ("epoch", "seconds", "learning_rate")  # values of the history that are not scores


@dataclass(frozen=True)
class Runs:
    json: bool = False  # print JSON


def run(arguments):
    settings, words = options.read(Runs, "tfllm runs FOLDER", arguments)
    (folder,) = options.words(["FOLDER"], words)
    rows = table(Path(folder).expanduser())
    if settings.json:
        return print(json.dumps(rows, ensure_ascii=False, indent=2))
    print("\n\n".join("\n".join(drawn(list(part))) for _, part in groupby(rows, itemgetter("task"))))


def completions():
    return {"": options.values([Runs])}


def table(folder):
    """[{"run", "task", "epochs", "best", scores of the best epoch}] of all runs at any depth.

    A run that cannot be read is skipped with a warning.
    """
    from tfllm.training import progress

    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected a folder with runs in it")
    rows = []
    for path in sorted(folder.rglob("last.keras")):
        try:
            done, recipe, task = progress.read(path), info.recipe_of(path.parent), run_folder.task_of(path)
        except (OSError, ValueError) as error:
            log.warning("%s", described(error))
            continue
        epochs = {row["epoch"]: row for row in done.history}
        figures = epochs.get(done.best_epoch) or epochs.get(done.epoch) or {}
        row = {"run": str(path.parent.relative_to(folder)), "task": task, "epochs": done.epoch}
        row["minutes"] = round(done.seconds / 60, 1)
        row |= {"best epoch": done.best_epoch, "monitor": recipe.get("monitor", "val_loss")}
        rows.append(row | {name: value for name, value in figures.items() if name not in TIMES})
    if not rows:
        raise FileNotFoundError(f"{folder}: it contains no run, which is a folder with last.keras")
    return sorted(rows, key=rank)


def rank(row):
    """Groups runs by task and monitored score, the best first."""
    value = row.get(row["monitor"], float("nan"))
    return row["task"], row["monitor"], value != value, value if row["monitor"].endswith("loss") else -value


def drawn(rows):
    """The table of a task as text: one column for each score that any run has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([info.figure(row[name]) if name in row else "" for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
