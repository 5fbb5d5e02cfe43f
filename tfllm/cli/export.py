"""`tfllm export RUN FOLDER`: a SavedModel of a run's best model, for TensorFlow Serving."""

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
    """Make the folder. OSError, which names it, where that cannot be, or where nothing can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"FOLDER {folder} cannot be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(f"FOLDER {folder} cannot be written to: take another, or its permissions")
