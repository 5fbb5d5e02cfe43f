"""`tfllm train TASK ... --out RUN`: train a model; the same line once more, or only --out RUN, goes on with it."""

import logging
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from tfllm import config
from tfllm.cli import begun, kinds, options

APART = {"out": "the run's folder: config, checkpoints, history, curve, log"}
MAY_CHANGE = ("recipe.epochs", "recipe.minutes", "recipe.patience")  # between the parts of one run


def run(arguments):
    task, *rest = arguments or ["--help"]
    if task in ("--help", "-h"):
        return print(
            f"usage: tfllm train TASK ... --out RUN\n\nTASK: {', '.join(kinds.TASKS)}. tfllm train TASK --help"
        )
    file = kinds.file(task)
    if rest in (["--help"], ["-h"]):
        return print(options.help(f"tfllm train {task} {file.TEXT} --out RUN ...", file.Training, APART))
    given, words = options.split(rest)
    options.words([], words)
    if "out" not in given:
        raise ValueError("where to? --out RUN")
    train(task, file.Training, Path(given.pop("out")), given)


def train(task, kind, folder, given):
    """Begin the run in `folder`, or go on with it."""
    from tfllm.training.lock import locked

    begun.check_task(folder, task)
    if given or not (folder / "config.yaml").exists():
        settings = with_monitor(options.settings(kind, given, APART))
    else:
        settings = config.load(kind, folder / "config.yaml")
    with locked(folder):
        trained(task, kind, folder, settings)


def trained(task, kind, folder, settings):
    """Train in a folder that no other process has."""
    again = (folder / "last.keras").exists()
    if again:
        same(folder, config.load(kind, folder / "config.yaml"), settings)
    from tfllm import load_model, training

    log = to_the_screen()
    for sentence in begun.changed(folder, settings) if again else ():
        log.warning("%s: what is trained from now on sees it as it is; to train anew, take another --out", sentence)
    why = training.finished(folder, settings.recipe) if again else None
    if why and not left(settings, folder):
        training.complete(folder, settings.recipe, load_model)
        return log.info("%s: nothing is left to do; %s", folder, why)
    train_data, valid_data = settings.read()
    if again:
        training.settle(folder, settings)  # it may end later now
    else:
        training.start(folder, settings)
        begun.write(folder, task, settings)
    with training.running(folder, f"tfllm train {task} --out {shlex.quote(str(folder))}"):
        if not why:
            if again:
                model, epoch = training.resume(folder, load_model)
                log.info("going on after epoch %d", epoch)
            else:
                model, epoch = settings.begin(train_data), 0
            settings.fit(model, epoch, folder, train_data, valid_data)
        if left(settings, folder):
            settings.finish(folder, valid_data)
    log.info("trained: %s", kinds.file(task).ASK.replace("RUN", shlex.quote(str(folder))))


def left(settings, folder):
    """Whether something is to be done with the trained model, of a task that says so."""
    return hasattr(settings, "left") and settings.left(folder)


def same(folder, before, now):
    """ValueError if the settings of a run have changed, except for when it ends."""
    old, new = flat(config.plain(before)), flat(config.plain(now))
    changed = [name for name in new if new[name] != old.get(name) and name not in MAY_CHANGE]
    if changed:
        told = ", ".join(f"{name} was {old.get(name)} and is {new[name]}" for name in changed)
        raise ValueError(f"{folder} holds a run with other settings: {told}. Take another --out, or leave those out")


def flat(values, place=""):
    """{"model": {"dff": 8}} -> {"model.dff": 8}"""
    found = {}
    for name, value in values.items():
        found |= flat(value, f"{place}{name}.") if isinstance(value, dict) else {place + name: value}
    return found


def with_monitor(settings):
    """Without validation text the loss of the training text decides which checkpoint is best."""
    if settings.validated or settings.recipe.monitor != "val_loss":
        return settings
    return replace(settings, recipe=replace(settings.recipe, monitor="loss"))


def to_the_screen():
    """The log of tfllm, shown on stderr without times and tracebacks (the run's log.txt has them)."""
    log = logging.getLogger("tfllm")
    if not any(type(handler) is Screen for handler in log.handlers):
        log.addHandler(Screen())
    log.setLevel(logging.INFO)
    return log


class Screen(logging.Handler):
    def emit(self, record):
        for handler in logging.root.handlers:
            if type(handler).__module__ == "absl.logging":  # once some libraries are there, it shows every log too
                handler.addFilter(not_ours)
        print(record.getMessage(), file=sys.stderr)


def not_ours(record):
    return record.name.split(".")[0] != "tfllm"
