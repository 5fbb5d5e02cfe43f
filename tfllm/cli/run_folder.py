"""RUN on the command line: a run folder or a .keras file; its model and its task. For a dialogue it may also be a
pretrained chat model: a .gguf file, or a folder in Hugging Face's format.

run.json in the folder stores the task and checksums of the texts at the start of the run: if it is continued with
another task, or if the files have changed, the user is told.
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
ONE = {"pretrain", "denoising"}  # both names train the same model
OTHER = ("pretrained", "embeddings", "embeddings_target")  # files that are only read at the start of a run


def path(run):
    """The file of the best model of a run folder; or the .keras file or pretrained model itself.

    Raises FileNotFoundError if missing.
    """
    place = Path(run).expanduser()
    if not place.exists():
        raise FileNotFoundError(f"{run}: expected the folder of a run or a .keras file; it does not exist")
    if place.is_file() or is_pretrained(place):
        return place
    from tfllm import training

    return training.best(place)


def is_pretrained(place):
    """Whether a path is a GGUF file or a folder in Hugging Face's format."""
    return place.suffix == ".gguf" or (place / "config.json").is_file()


def task_of(path):
    """The task whose model is in a .keras file, without loading it; a pretrained model is a dialogue."""
    if is_pretrained(path):
        return "dialogue"
    name, known = class_of(path), table.classes()
    if name not in known:
        names = ", ".join(other.removeprefix("tfllm>") for other in known)
        raise ValueError(f"{path} contains a {name.removeprefix('tfllm>')}; the command line supports {names}")
    return known[name]


def best(run, others=()):
    """The best model of a run. others: registered classes that are no task of the command line, and are loaded too."""
    from tfllm import load_model

    screen.device()
    file = path(run)
    if is_pretrained(file):
        from tfllm import DialogueGenerator

        return DialogueGenerator.from_pretrained(file)
    if class_of(file) not in others:
        table.register(task_of(file))
    return load_model(file)


def encoder_of(run):
    """(encoder, tokenizer) of the model of a run; None for other folders, such as Hugging Face's."""
    if not Path(run).is_file() and not (Path(run) / "config.yaml").exists():
        return None
    from tfllm import load_model

    task = load_model(path(run), compile=False)
    encoder = next((getattr(task, name) for name in ("encoder", "model") if hasattr(task, name)), None)
    if encoder is None or not hasattr(task, "tokenizer"):
        raise ValueError(f"--pretrained {run}: a {type(task).__name__} has no encoder")
    return encoder, task.tokenizer


def write(folder, task, settings):
    """Write run.json at the start of a run."""
    with written(folder / NAME) as temporary:
        text = json.dumps({"task": task, "texts": states(settings)}, ensure_ascii=False, indent=2)
        temporary.write_text(text + "\n", encoding="utf-8")


def check_task(folder, task):
    """Raises ValueError if the folder has a run of another task."""
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
        raise ValueError(
            f"{folder} contains a run of {known}, not of {task}: use another --out, or continue it by {line}"
        )


def changed(folder, settings):
    """A sentence for each text file that has changed since the run began."""
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
        text = archive.read("config.json")
    result = parsed_object(text, f"config.json in {path}")
    return str(result.get("registered_name") or result.get("class_name") or "model without a class")


def states(settings):
    """{path: its size and the hash of its bytes} of the files in the settings."""
    result = {}
    for name, value in config.plain(settings).items():
        for path in value if isinstance(value, list) else [value]:
            if name not in OTHER and isinstance(path, str) and Path(path).expanduser().is_file():
                file = Path(path).expanduser()
                result[path] = [file.stat().st_size, checksum(file)]
    return result


def checksum(path):
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
