"""RUN on the command line: the folder of a run, or a .keras file; which model it holds and which task that does.

run.json in the folder says the task, and what the texts were when the run began: whoever goes on with it is told of
another task, and of texts that have changed under their names.
"""

import hashlib
import json
import shlex
import zipfile
from pathlib import Path

from tfllm import config
from tfllm.cli import screen
from tfllm.cli.tasks import table
from tfllm.files import json_object, parsed_object, understood, written
from tfllm.limits import check_unpacked

NAME = "run.json"
ONE = {"pretrain", "denoising"}  # what both train is the same
OTHER = ("pretrained", "embeddings", "embeddings_target")  # files that are read when the run begins only


def path(run):
    """The file of the best model of a run folder; or the .keras file itself. FileNotFoundError where there is none."""
    from tfllm import training

    place = Path(run).expanduser()
    if not place.exists():
        raise FileNotFoundError(f"{run}: expected the folder of a run or a .keras file; it does not exist")
    return place if place.is_file() else training.best(place)


def task_of(path):
    """The task whose model a .keras file holds, without loading it."""
    name, known = class_of(path), table.classes()
    if name not in known:
        names = ", ".join(other.removeprefix("tfllm>") for other in known)
        raise ValueError(f"{path} holds a {name.removeprefix('tfllm>')}; the command line knows {names}")
    return known[name]


def best(run):
    """The best model of a run."""
    from tfllm import load_model

    screen.device()
    file = path(run)
    table.register(task_of(file))
    return load_model(file)


def encoder_of(run):
    """(encoder, tokenizer) of the model of a run; None for a folder that is none, such as one of Hugging Face."""
    if not Path(run).is_file() and not (Path(run) / "config.yaml").exists():
        return None
    from tfllm import load_model

    task = load_model(path(run), compile=False)
    encoder = next((getattr(task, name) for name in ("encoder", "model") if hasattr(task, name)), None)
    if encoder is None or not hasattr(task, "tokenizer"):
        raise ValueError(f"--pretrained {run}: a {type(task).__name__} has no model that reads a text")
    return encoder, task.tokenizer


def write(folder, task, settings):
    """Of a run that begins now."""
    with written(folder / NAME) as beside:
        text = json.dumps({"task": task, "texts": states(settings)}, ensure_ascii=False, indent=2)
        beside.write_text(text + "\n", encoding="utf-8")


def check_task(folder, task):
    """ValueError where the folder holds a run of another task."""
    if (folder / NAME).exists():
        known = json_object(folder / NAME).get("task")
        if not isinstance(known, str):
            raise ValueError(f"{folder / NAME} must name a task; got {known!r:.60}: remove it, or take another --out")
    elif (folder / "last.keras").exists():
        known = table.classes().get(class_of(folder / "last.keras"))
    else:
        return
    if known in table.names() and known != task and {known, task} != ONE:
        line = f"tfllm train {known} --out {shlex.quote(str(folder))}"
        raise ValueError(f"{folder} holds a run of {known}, not of {task}: take another --out, or go on by {line}")


def changed(folder, settings):
    """A sentence for each text that is not what it was when the run began."""
    if not (folder / NAME).exists():
        return []
    before, now = json_object(folder / NAME).get("texts"), states(settings)
    if not isinstance(before, dict):
        return []
    return [f"{path} has changed since {folder} began" for path in now if path in before and before[path] != now[path]]


def class_of(path):
    """The registered name of the model in a `.keras` file."""
    with understood(path, "the folder of a run or a .keras file"), zipfile.ZipFile(path) as archive:
        check_unpacked(path)
        held = archive.read("config.json")
    result = parsed_object(held, f"config.json in {path}")
    return str(result.get("registered_name") or result.get("class_name") or "model without a class")


def states(settings):
    """{path: its size and the hash of its bytes} of the files that the settings name."""
    result = {}
    for name, value in config.plain(settings).items():
        for path in value if isinstance(value, list) else [value]:
            if name not in OTHER and isinstance(path, str) and Path(path).expanduser().is_file():
                result[path] = _state(Path(path).expanduser())
    return result


def _state(path):
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while block := file.read(2**20):
            digest.update(block)
            size += len(block)
    return [size, digest.hexdigest()]
