"""`tfllm train TASK ... --out RUN`: train a model; the same line once more, or only --out RUN, goes on with it."""

import logging
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from tfllm import config
from tfllm.cli import kinds, options

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
    kept = folder / "config.yaml"
    again = (folder / "last.keras").exists()
    if given or not kept.exists():
        settings = with_monitor(options.settings(kind, given, APART))
    else:
        settings = config.load(kind, kept)
    if again:
        same(folder, config.load(kind, kept), settings)
    from tfllm import load_model, training
    from tfllm.files import written

    log = to_the_screen()
    if again and (why := training.finished(folder, settings.recipe)):
        return log.info("%s: nothing is left to do; %s", folder, why)
    train_data, valid_data = settings.read()
    if again:
        with written(kept) as beside:  # it may end later now
            beside.write_text(config.dump(settings), encoding="utf-8")
    else:
        training.start(folder, settings)
    with training.running(folder, f"tfllm train {task} --out {shlex.quote(str(folder))}"):
        if again:
            model, epoch = training.resume(folder, load_model)
            log.info("going on after epoch %d", epoch)
        else:
            model, epoch = settings.begin(train_data), 0
        settings.fit(model, epoch, folder, train_data, valid_data)
    log.info("trained: %s", kinds.file(task).ASK.replace("RUN", shlex.quote(str(folder))))


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
        print(record.getMessage(), file=sys.stderr)
