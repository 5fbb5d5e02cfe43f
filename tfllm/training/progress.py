"""How far a training is, kept inside its `.keras` file so that weights and progress cannot disagree.

A `.keras` file of Keras holds config, weights, optimizer and vocabulary. Exact resume also needs the epoch,
the best value so far, the time used and the states of the seed generators (dropout), which Keras leaves out:
they are one more member of the archive, `training.json`; `keras.saving.load_model` does not mind it.
Keras is not imported here: the command line reads how far a run is without it.
A file that is torn, as by a fault of the disk, is never used: the other one of the run is, and a warning names it.
Left out: Keras' global seed generator (layers own theirs) and metrics (reset at each epoch).
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
    """Changes at the end of every epoch; shared by the callbacks of one run."""

    epoch: int = 0  # finished epochs
    updates: int = 0  # optimizer.iterations
    seconds: float = 0.0  # spent in `fit`, finished epochs only
    best: float | None = None  # best value of the monitor
    best_epoch: int = 0  # 1 is the first epoch
    history: list[dict] = field(default_factory=list)  # one row of numbers an epoch
    seeds: list[list[int]] = field(default_factory=list)  # state of each seed generator of the model
    calibrated: bool = False  # whether the model of this file was, after its training


def save(model, path: str | Path, progress: Progress):
    """`model.save(path)` with the progress inside; the old file stays until the new one is whole."""
    progress.seeds = [seed.numpy().tolist() for seed in seeds(model)]
    with written(path) as beside:
        model.save(beside)
        with zipfile.ZipFile(beside, "a") as archive:
            archive.writestr(_MEMBER, json.dumps(asdict(progress)))


def read(path: str | Path) -> Progress:
    """The progress inside a `.keras` file; ValueError if it was not written by `save`."""
    with understood(path, "a whole .keras file"):
        check_unpacked(path)
        with zipfile.ZipFile(path) as archive:
            held = archive.read(_MEMBER) if _MEMBER in archive.namelist() else None
    if held is None:
        raise ValueError(f"{path} holds a model but no training to go on with; start a new run with it")
    values = parsed_object(held, f"{_MEMBER} in {path}")
    try:
        progress = config.build(Progress, values)
    except ValueError as error:
        raise ValueError(f"{path}: {_MEMBER}: {one_line(error)}") from None
    rows = [row for row in progress.history if {"epoch", "seconds"} <= row.keys()]
    if not len(rows) == len(progress.history) == progress.epoch >= progress.best_epoch >= 0:
        raise ValueError(f"{path}: {_MEMBER}: {progress.epoch} epochs and {len(rows)} rows of history do not agree")
    return progress


def fault(path: str | Path) -> str | None:
    """Why the file is no whole `.keras` archive, or None; all of it is read, once. OSError where it cannot be."""
    result = os.stat(path)
    return _fault(str(path), result.st_ino, result.st_size, result.st_mtime_ns)


@functools.lru_cache
def _fault(path, *state):
    try:
        with understood(path, "a whole .keras file"):
            check_unpacked(path)
            with zipfile.ZipFile(path) as archive:
                if broken := archive.testzip():
                    return f"{broken} in it is damaged"
                return None if "config.json" in archive.namelist() else "no config.json is in it"
    except ValueError as error:
        return one_line(error).rpartition(".keras file: ")[2]


def first_whole(folder: str | Path, names: Iterable[str]) -> Path | None:
    """The first of these files of a run that is there and whole; a warning names torn ones before it.

    None where not one is there, ValueError where all that are there are torn.
    """
    torn = []
    for path in (Path(folder) / name for name in names):
        if not path.exists():
            continue
        if why := fault(path):
            torn.append(f"{path} is torn ({why})")
            continue
        if torn:
            _warn(f"{'; '.join(torn)}: {path.name} is used")
        return path
    if torn:
        raise ValueError(f"{'; '.join(torn)}: nothing is left to go on with; take another folder, or remove this one")
    return None


@functools.lru_cache
def _warn(message):
    log.warning(message)  # once: several parts ask for the same file


def latest(folder: str | Path) -> Path | None:
    """The file of a run to go on with: last.keras, or best.keras where that is torn or lost; None: no epoch was done.

    best.keras of the first epoch is there before last.keras: a run that was killed between the two begins anew.
    """
    last, best = (Path(folder) / name for name in ("last.keras", "best.keras"))
    if last.exists():
        return first_whole(folder, [last.name, best.name])
    if not best.exists() or fault(best) or read(best).epoch < 2:
        return None
    _warn(f"{last} is missing: {best.name} is used")
    return best


def found(folder: str | Path) -> Progress:
    """The progress of a run folder; that of a beginning where there is no last.keras."""
    path = latest(folder)
    return read(path) if path else Progress()


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
