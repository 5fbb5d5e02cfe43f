"""How far a training is, kept inside its `.keras` file so that weights and progress cannot disagree.

A `.keras` file of Keras holds config, weights, optimizer and vocabulary. Exact resume also needs the epoch,
the best value so far, the time used and the states of the seed generators (dropout), which Keras leaves out:
they are one more member of the archive, `training.json`; `keras.saving.load_model` does not mind it.
Keras is not imported here: the command line reads how far a run is without it.
Left out: Keras' global seed generator (layers own theirs) and metrics (reset at each epoch).
"""

import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tfllm.files import written
from tfllm.training.recipe import Recipe

_MEMBER = "training.json"


@dataclass
class Progress:
    """Changes at the end of every epoch; shared by the callbacks of one run."""

    epoch: int = 0  # finished epochs
    updates: int = 0  # optimizer.iterations
    seconds: float = 0.0  # spent in `fit`, finished epochs only
    best: float | None = None  # best value of the monitor
    best_epoch: int = 0  # 1 is the first epoch
    history: list[dict] = field(default_factory=list)  # one row of numbers an epoch
    seeds: list[list[int]] = field(default_factory=list)  # state of each seed generator of the model


def save(model, path: str | Path, progress: Progress):
    """`model.save(path)` with the progress inside; the old file stays until the new one is whole."""
    progress.seeds = [seed.numpy().tolist() for seed in seeds(model)]
    with written(path) as beside:
        model.save(beside)
        with zipfile.ZipFile(beside, "a") as archive:
            archive.writestr(_MEMBER, json.dumps(asdict(progress)))


def read(path: str | Path) -> Progress:
    """The progress inside a `.keras` file; ValueError if it was not written by `save`."""
    with zipfile.ZipFile(path) as archive:
        if _MEMBER not in archive.namelist():
            raise ValueError(f"{path} holds a model but no training to go on with; start a new run with it")
        return Progress(**json.loads(archive.read(_MEMBER)))


def found(folder: str | Path) -> Progress:
    """The progress of a run folder; that of a beginning where there is no last.keras."""
    path = Path(folder) / "last.keras"
    return read(path) if path.exists() else Progress()


def restore_seeds(model, progress: Progress):
    """Give the model's seed generators the states they had."""
    generators = seeds(model)
    if len(generators) != len(progress.seeds):
        raise ValueError(f"the model has {len(generators)} seed generators, its file {len(progress.seeds)}")
    for generator, state in zip(generators, progress.seeds, strict=True):
        generator.assign(state)


def seeds(model) -> list:
    """The variables that are no weights: states of seed generators, in the order of the layers."""
    weights = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def reason(progress: Progress, recipe: Recipe) -> str | None:
    """Why no further epoch is trained, or None. All limits hold at ends of epochs."""
    if progress.epoch >= recipe.epochs:
        return f"all {recipe.epochs} epochs are done"
    if recipe.updates and progress.updates >= recipe.updates:
        return f"{recipe.updates} updates are done"
    waited = progress.epoch - progress.best_epoch
    if recipe.patience and progress.best is not None and waited >= recipe.patience:
        return f"{recipe.monitor} has not been better than in epoch {progress.best_epoch} for {waited} epochs"
    if recipe.minutes and progress.history:
        ends = [0.0] + [row["seconds"] for row in progress.history]
        if progress.seconds + ends[-1] - ends[-2] > 60 * recipe.minutes:
            return f"another epoch would pass the limit of {recipe.minutes:g} minutes"
    return None
