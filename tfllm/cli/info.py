"""`tfllm info RUN`: show a run: task, sizes, vocabulary, training state, scores.

Reads the files of the run, without TensorFlow.
"""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tfllm import config
from tfllm.cli import options, run_folder
from tfllm.files import understood
from tfllm.limits import check_unpacked

LONG = 60  # texts of more characters are not shown


@dataclass(frozen=True)
class Info:
    json: bool = False  # print JSON


def run(arguments):
    settings, words = options.read(Info, "tfllm info RUN", arguments)
    (folder,) = options.words(["RUN"], words)
    result = about(folder)
    print(json.dumps(result, ensure_ascii=False, indent=2) if settings.json else "\n".join(lines(result)))


def completions():
    return {"": options.values([Info])}


def about(run):
    """{name: value or {name: value}} of a run folder, or of a .keras file."""
    path = run_folder.path(run)
    with understood(path, "the folder of a run or a .keras file"), zipfile.ZipFile(path) as archive:
        check_unpacked(path)
        saved = json.loads(archive.read("config.json"))["config"]
        with archive.open("model.weights.h5") as file:
            weights = numbers(file)
    parts = {name: part for name, part in saved.items() if isinstance(part, dict) and "class_name" in part}
    parts.pop("dtype", None)
    result = {"run": str(run), "file": path.name, "task": run_folder.task_of(path), "weights": weights}
    result |= {name: {"class": part["class_name"]} | sizes(part["config"]) for name, part in parts.items()}
    others = {name: value for name, value in saved.items() if name not in {*parts, "dtype"}}
    return result | {"options": sizes(others)} | state(path)


def numbers(file):
    """The number of weights in a file of Keras, without those of the optimizer."""
    import h5py

    counts = []

    def count(name, part):
        if isinstance(part, h5py.Dataset) and part.dtype.kind == "f" and not name.startswith("optimizer"):
            counts.append(part.size)

    with h5py.File(file) as weights:
        weights.visititems(count)
    return int(sum(counts))


def sizes(values):
    """The values of a config that fit on a line: numbers and names; of a list or vocabulary its length."""
    shown = {}
    for name, value in values.items():
        if name == "learned":  # of a tokenizer: JSON
            shown |= sizes(json.loads(value) if isinstance(value, str) else value)
        elif isinstance(value, (int, float, str)) and name not in ("name", "trainable"):
            shown[name] = value if len(str(value)) < LONG else f"{len(value)} characters"
        elif isinstance(value, (list, dict)) and value and name != "dtype":
            shown[name] = f"{len(value)} entries"
    return shown


def state(path):
    """How far the training is, and the scores of its best and last epoch; {} for a file without training."""
    from tfllm.training import progress

    last = path.with_name("last.keras") if (path.with_name("last.keras")).exists() else path
    try:
        done = progress.read(last)
    except ValueError:
        return {}
    recipe = recipe_of(path.parent)
    result = {"training": {"epochs": done.epoch, "updates": done.updates, "seconds": round(done.seconds)}}
    if recipe:
        result["training"] |= {"of_epochs": recipe.get("epochs"), "monitor": recipe.get("monitor")}
    rows = {row["epoch"]: row for row in done.history}
    for name, epoch in (("best", done.best_epoch), ("last", done.epoch)):
        if epoch in rows:
            result[name] = {key: value for key, value in rows[epoch].items() if key != "seconds"}
    return result


def recipe_of(folder):
    """The recipe in a run's config.yaml, {} if there is none."""
    kept = Path(folder) / "config.yaml"
    return config.read(kept).get("recipe", {}) if kept.exists() else {}


def lines(result):
    width = max(map(len, result)) + 2
    for name, value in result.items():
        if isinstance(value, dict):
            value = ", ".join(f"{part} {figure(number)}" for part, number in value.items())
        yield f"{name:{width}}{figure(value)}"


def figure(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
