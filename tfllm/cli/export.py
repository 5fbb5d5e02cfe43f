"""`tfllm export RUN FOLDER`: write a run's best model, its model card, and files for the deployment of a SavedModel.

The scores of the card are those of `tfllm report RUN`, if it was made of the same model, else those of the training.
"""

import os
import re
from dataclasses import fields
from pathlib import Path

from tfllm.cli import options, run_folder, run_options
from tfllm.cli.audit import report
from tfllm.cli.tasks import table

CARD = "MODEL_CARD.md"


def run(arguments):
    settings, run, (folder,) = run_options.read(arguments, "Exporting", "tfllm export RUN FOLDER", ("RUN", "FOLDER"))
    folder = Path(folder).expanduser()
    make(folder)
    options = chosen(settings)
    task = run_folder.best(run)
    path = task.export(folder, **options)
    print(path)
    write_card(task, run, folder / CARD)
    deploy(folder, path)


def chosen(settings):
    """The arguments of `Task.export`. Another format has no fixed decoding: it gets what differs from the default."""
    usual, values = type(settings)(), {field.name: getattr(settings, field.name) for field in fields(settings)}
    if values.get("format", "tf_saved_model") == "tf_saved_model":
        return values
    return {name: value for name, value in values.items() if value != getattr(usual, name)}


def write_card(task, run, file):
    """Write the model card. The licence that a card there has, which its owner filled in, is kept."""
    from tfllm import reports
    from tfllm.files import written

    path = run_folder.path(run)
    known = report.known_sections(path)
    license = None
    if file.exists():
        found = re.search(r"^license: (.+)$", file.read_text("utf-8", "replace"), re.MULTILINE)
        license = found[1] if found and found[1] != reports.UNKNOWN else None
    facts = reports.run_facts(task, run if Path(run).is_dir() else path)
    with written(file) as beside:
        beside.write_text(reports.model_card(facts, known, license), encoding="utf-8")


def deploy(folder, path):
    """Write FOLDER/deploy, unless the export is no SavedModel of ours but of another format or package."""
    from tfllm.export import manifest, write_deployment

    if path and manifest.read(path):
        write_deployment(folder)


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
