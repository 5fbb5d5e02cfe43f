"""The progress of a training, stored inside its `.keras` file so that weights and progress always agree.

A `.keras` file of Keras has config, weights, optimizer and vocabulary. Exact resume also needs the epoch, the best
value so far, the time used and the states of the seed generators (dropout), which Keras does not store: they are one
more member of the archive, `training.json`, which `keras.saving.load_model` ignores. Keras is not imported here, so
that the command line can read the progress of a run without it.
A damaged file, for example after a disk error, is never used: the other file of the run is, with a warning.
Not included: Keras' global seed generator (layers have their own) and metrics (reset at each epoch).
"""

import functools
import json
import logging
import os
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tfllm import config
from tfllm.files import one_line, parsed_object, understood, written
from tfllm.limits import check_unpacked
from tfllm.training.recipe import Recipe

_MEMBER = "training.json"

log = logging.getLogger("tfllm")


@dataclass
class Progress:
    """Updated at the end of every epoch; shared by the callbacks of one run."""

    epoch: int = 0  # finished epochs
    updates: int = 0  # optimizer.iterations
    seconds: float = 0.0  # spent in `fit`, finished epochs only
    best: float | None = None  # best value of the monitor
    best_epoch: int = 0  # 1 is the first epoch
    history: list[dict] = field(default_factory=list)  # one row of numbers per epoch
    seeds: list[list[int]] = field(default_factory=list)  # state of each seed generator of the model
    calibrated: bool = False  # whether the model of this file was calibrated after its training


def save(model, path: str | Path, progress: Progress):
    """`model.save(path)` with the progress inside, atomically."""
    progress.seeds = [seed.numpy().tolist() for seed in seeds(model)]
    with written(path) as temporary:
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(_MEMBER, json.dumps(asdict(progress)))


def read(path: str | Path) -> Progress:
    """The progress inside a `.keras` file. Raises ValueError if it was not written by `save`."""
    with understood(path, "a complete .keras file"):
        check_unpacked(path)
        with zipfile.ZipFile(path) as archive:
            text = archive.read(_MEMBER) if _MEMBER in archive.namelist() else None
    if text is None:
        raise ValueError(f"{path} contains a model without training progress; start a new run with it")
    values = parsed_object(text, f"{_MEMBER} in {path}")
    try:
        progress = config.build(Progress, values)
    except ValueError as error:
        raise ValueError(f"{path}: {_MEMBER}: {one_line(error)}") from None
    rows = [row for row in progress.history if {"epoch", "seconds"} <= row.keys()]
    if not len(rows) == len(progress.history) == progress.epoch >= progress.best_epoch >= 0:
        raise ValueError(f"{path}: {_MEMBER}: {progress.epoch} epochs and {len(rows)} rows of history do not agree")
    return progress


def damage(path: str | Path) -> str | None:
    """Why the file is not a complete `.keras` archive, or None; reads all of it.

    Raises OSError if it cannot be read.
    """
    result = os.stat(path)
    return _damage(str(path), result.st_ino, result.st_size, result.st_mtime_ns)


@functools.lru_cache
def _damage(path, *state):
    try:
        with understood(path, "a complete .keras file"):
            check_unpacked(path)
            with zipfile.ZipFile(path) as archive:
                if broken := archive.testzip():
                    return f"its member {broken} is damaged"
                return None if "config.json" in archive.namelist() else "it has no config.json"
    except ValueError as error:
        return one_line(error).rpartition(".keras file: ")[2]


def first_intact(folder: str | Path, names: Iterable[str]) -> Path | None:
    """The first of these files of a run that exists and is not damaged; a warning names damaged ones before it.

    None if none exists. Raises ValueError if all existing ones are damaged.
    """
    torn = []
    for path in (Path(folder) / name for name in names):
        if not path.exists():
            continue
        if why := damage(path):
            torn.append(f"{path} is damaged ({why})")
            continue
        if torn:
            _warn(f"{'; '.join(torn)}: {path.name} is used")
        return path
    if torn:
        raise ValueError(f"{'; '.join(torn)}: nothing is left to continue from; use another folder, or remove this one")
    return None


@functools.lru_cache
def _warn(message):
    log.warning(message)  # once, though several callers ask for the same file


def latest(folder: str | Path) -> Path | None:
    """The file to continue a run from: last.keras, or best.keras if that is damaged or lost; None: no epoch was
    finished.

    In the first epoch best.keras is written before last.keras: a run that was killed between the two starts again.
    """
    last, best = (Path(folder) / name for name in ("last.keras", "best.keras"))
    if last.exists():
        return first_intact(folder, [last.name, best.name])
    if not best.exists() or damage(best) or read(best).epoch < 2:
        return None
    _warn(f"{last} is missing: {best.name} is used")
    return best


def of_run(folder: str | Path) -> Progress:
    """The progress of a run folder; that of a new run if there is no last.keras."""
    path = latest(folder)
    return read(path) if path else Progress()


def restore_seeds(model, progress: Progress):
    """Restore the states of the model's seed generators."""
    generators = seeds(model)
    if len(generators) != len(progress.seeds):
        raise ValueError(f"the model has {len(generators)} seed generators, its file {len(progress.seeds)}")
    for generator, state in zip(generators, progress.seeds, strict=True):
        generator.assign(state)


def seeds(model) -> list:
    """The variables that are not weights: states of seed generators, in the order of the layers."""
    weights = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def reason(progress: Progress, recipe: Recipe) -> str | None:
    """Why no further epoch is trained, or None. All limits are checked at the end of epochs."""
    if progress.epoch >= recipe.epochs:
        return f"all {recipe.epochs} epochs are done"
    if recipe.updates and progress.updates >= recipe.updates:
        return f"{recipe.updates} updates are done"
    waited = progress.epoch - progress.best_epoch
    if recipe.patience and progress.best is not None and waited >= recipe.patience:
        return f"{recipe.monitor} has not improved since epoch {progress.best_epoch}, for {waited} epochs"
    if recipe.minutes and progress.history:
        ends = [0.0] + [row["seconds"] for row in progress.history]
        if progress.seconds + ends[-1] - ends[-2] > 60 * recipe.minutes:
            return f"another epoch would exceed the limit of {recipe.minutes:g} minutes"
    return None
