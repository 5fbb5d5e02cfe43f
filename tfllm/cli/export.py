"""`tfllm export RUN FOLDER`: write a SavedModel of a run's best model, for TensorFlow Serving."""

import os
from dataclasses import fields
from pathlib import Path

from tfllm.cli import options, run_folder, run_options
from tfllm.cli.tasks import table


def run(arguments):
    settings, run, (folder,) = run_options.read(arguments, "Exporting", "tfllm export RUN FOLDER", ("RUN", "FOLDER"))
    folder = Path(folder).expanduser()
    make(folder)
    options = {field.name: getattr(settings, field.name) for field in fields(settings)}
    print(run_folder.best(run).export(folder, **options))


def completions():
    return {"": options.values(table.all_of("Exporting").values())}


def make(folder):
    """Create the folder. Raises OSError, which names it, if that fails or it is not writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"FOLDER {folder} cannot be created: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(f"FOLDER {folder} is not writable: use another, or change its permissions")
