"""`tfllm train TASK ... --out RUN`: train a model; the same command again, or only --out RUN, continues it;
with a larger --epochs N it trains longer.

--dry-run shows settings, model and batches without training or writing anything.
"""

import shlex
from dataclasses import replace
from pathlib import Path

from tfllm import config
from tfllm.cli import options, run_folder, screen
from tfllm.cli.messages import Help
from tfllm.cli.screen import log
from tfllm.cli.tasks import table

APART = {
    "out": "the run's folder: config, checkpoints, history, curve, log",
    "dry_run": "show settings, model and batches without training",
}
MAY_CHANGE = ("recipe.epochs", "recipe.minutes", "recipe.patience")  # may differ when a run is continued


def run(arguments):
    task, *rest = arguments or ["--help"]
    if task in ("--help", "-h"):
        names = ", ".join(table.names())
        raise Help(f"usage: tfllm train TASK ... --out RUN\n\nTASK: {names}. tfllm train TASK --help")
    train(task, f"tfllm train {task}", rest)


def completions():
    """{task: its options and their values}, for shell completion; as in every verb {word: options}."""
    return {task: options.values([part.Training], APART) for task, part in table.modules().items()}


def train(task, line, arguments):
    """Start or continue the run of the arguments. line: the command before them."""
    module = table.module(task)
    usage, kind = f"{line} {module.TEXT} --out RUN ...", module.Training
    given, words = options.split(arguments, options.flags(kind) | {"dry_run"})
    if options.HELP in given or not arguments:
        raise Help(options.help(usage, kind, APART))
    options.words([], words)
    if given.pop("dry_run", "false").lower() == "true":
        given.pop("out", None)
        return plan(with_monitor(options.settings(kind, given, APART)))
    if not given.get("out"):
        raise ValueError("no output folder: use --out RUN")
    folder = Path(given.pop("out")).expanduser()
    run_folder.check_task(folder, task)
    kept = folder / "config.yaml"
    if kept.exists() and options.full(kind, given) <= set(MAY_CHANGE):
        given = {"config": str(kept)} | given  # the other settings are those of the run
    settings = with_monitor(options.settings(kind, given, APART))
    from tfllm.training.lock import locked

    with locked(folder):
        trained(task, kind, folder, settings)


def trained(task, kind, folder, settings):
    """Train in a folder that this process has locked."""
    from tfllm.training import progress

    again = progress.latest(folder) is not None
    if again:
        same(folder, config.load(kind, folder / "config.yaml"), settings)
    settings.check()
    from tfllm import load_model, training

    table.register(task)

    for sentence in run_folder.changed(folder, settings) if again else ():
        log.warning("%s: training continues with the new content; to start again, use another --out", sentence)
    why = training.finished(folder, settings.recipe) if again else None
    if why and not left(settings, folder):
        training.complete(folder, settings.recipe, load_model)
        return log.info("%s: the training is complete; %s", folder, why)
    screen.device()
    train_data, valid_data = settings.read()
    if again:
        training.settle(folder, settings)  # recipe.epochs etc. may have changed
    else:
        training.start(folder, settings)
        run_folder.write(folder, task, settings)
    with training.running(folder, f"tfllm train {task} --out {shlex.quote(str(folder))}"):
        if not why:
            if again:
                model, epoch = training.resume(folder, load_model)
                log.info("continuing after epoch %d", epoch)
            else:
                model, epoch = settings.begin(train_data), 0
            settings.fit(model, epoch, folder, train_data, valid_data)
        if left(settings, folder):
            settings.finish(folder, valid_data)
    log.info("trained: %s", table.module(task).ASK.replace("RUN", shlex.quote(str(folder))))


def left(settings, folder):
    """Whether the task still has something to do with the trained model, such as calibration."""
    return hasattr(settings, "left") and settings.left(folder)


def plan(settings):
    """Print the settings, the model and the batches of a training, without training."""
    settings.check()
    print(config.dump(settings), flush=True)
    screen.device()
    train_data, valid_data = settings.read()
    model = settings.begin(train_data)
    import keras

    def stop(logs):
        raise Planned

    try:  # `fit` logs its batches
        settings.train(model, train_data, valid_data, 0, [keras.callbacks.LambdaCallback(on_train_begin=stop)])
    except Planned:
        model.summary()


class Planned(Exception):
    """Raised instead of the first training step."""


def same(folder, before, now):
    """Raises ValueError if the settings of a run have changed, except those for when it ends."""
    old, new = flat(config.plain(before)), flat(config.plain(now))
    changed = [name for name in new if new[name] != old.get(name) and name not in MAY_CHANGE]
    if changed:
        changes = ", ".join(f"{name} was {old.get(name)} and is {new[name]}" for name in changed)
        alone = f"--out {shlex.quote(str(folder))} alone, or with --epochs N"
        raise ValueError(
            f"{folder} contains a run with other settings: {changes}. Use another --out; to continue it: {alone}"
        )


def flat(values, prefix=""):
    """{"model": {"dff": 8}} -> {"model.dff": 8}"""
    result = {}
    for name, value in values.items():
        result |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return result


def with_monitor(settings):
    """Without validation text the training loss decides which checkpoint is best."""
    if settings.validated or settings.recipe.monitor != "val_loss":
        return settings
    return replace(settings, recipe=replace(settings.recipe, monitor="loss"))
