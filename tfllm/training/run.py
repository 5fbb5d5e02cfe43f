"""A run folder: everything that a training writes, and how to continue it.

    config.yaml   the settings                     history.csv  curve.png  log.txt  .lock
    last.keras    to continue                    best.keras   for use
    average.keras averaged weights at the end  weights/  tensorboard/

    start(folder, config)                      # or: model, epoch = resume(folder)
    with running(folder, "tfllm train ... --out RUN"):
        model.fit(data, epochs=recipe.epochs, initial_epoch=epoch, callbacks=callbacks(folder, recipe))

A run that is interrupted at any moment and resumed ends with the same weights as an uninterrupted one, if the data of
an epoch depends on its number only. A lost, unfinished epoch is trained again.
Keras is imported only for training: the progress of a run can be read without it.
"""

import importlib.util
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from tfllm import config
from tfllm.files import clear, written
from tfllm.training.lock import locked
from tfllm.training.progress import first_intact, latest, of_run, read, reason, restore_seeds
from tfllm.training.recipe import Recipe


def start(folder: str | Path, settings) -> Path:
    """Create the folder with its config.yaml (`settings`: a dataclass). Raises FileExistsError if it contains a run."""
    folder = Path(folder)
    if latest(folder):
        raise FileExistsError(f"{folder} contains a run: resume it, or use another folder")
    with locked(folder):
        settle(folder, settings)
    return folder


def settle(folder: str | Path, settings):
    """Write config.yaml of a run, whose limits may have changed."""
    with written(Path(folder) / "config.yaml") as temporary:
        temporary.write_text(config.dump(settings), encoding="utf-8")


def finished(folder: str | Path, recipe: Recipe) -> str | None:
    """Why there is nothing to continue under this recipe, or None."""
    return reason(of_run(folder), recipe)


def resume(folder: str | Path, load: Callable | None = None) -> tuple:
    """The compiled model of last.keras and the number of finished epochs, for `fit(initial_epoch=...)`.

    Optimizer (with learning rate and schedule) and seed generators are restored. load(path) -> model: by default Keras'
    own function; use `tfllm.load_model` for a model with layers of tfllm.
    """
    path = latest(folder)
    if path is None:
        raise FileNotFoundError(f"{folder} has no last.keras: no epoch was finished; start it again")
    if load is None:
        import keras

        load = keras.saving.load_model
    done = read(path)
    model = load(path)
    restore_seeds(model, done)
    return model, done.epoch


def best(folder: str | Path) -> Path:
    """The file to use: best.keras, or last.keras if nothing was validated or best.keras is damaged."""
    if path := first_intact(folder, ["best.keras", "last.keras"]):
        return path
    why = "it is not a run, or no epoch was finished"
    raise FileNotFoundError(f"{folder} has neither best.keras nor last.keras: {why}")


def callbacks(
    folder: str | Path,
    recipe: Recipe,
    scores: Mapping[str, Callable[[], float]] | None = None,
    every: int = 1,
) -> list:
    """All that `fit` needs for this folder, in their order; create new ones for every `fit`.

    scores: functions without arguments whose result is logged under their name every `every` epochs,
    {"val_bleu": ...}. Raises ValueError if the monitor is neither a loss nor one of them.
    """
    import keras

    from tfllm.training.checkpoint import Checkpoint
    from tfllm.training.curve import Curve
    from tfllm.training.stopping import Diverged, Stop
    from tfllm.training.validation import ValidationScore

    folder, done, scores = Path(folder), of_run(folder), dict(scores or {})
    if not recipe.monitor.endswith("loss") and recipe.monitor not in scores:
        raise ValueError(f"the recipe monitors {recipe.monitor!r}: add it to the scores, {list(scores)}")
    folder.mkdir(parents=True, exist_ok=True)
    _tidy(folder)
    averaging = _averaging(folder, recipe)
    validated = averaging.averaged if averaging else nullcontext
    chain = [Diverged(note=f"; {folder} has the epochs before"), *([averaging] if averaging else [])]
    chain += [ValidationScore(name, score, every, validated) for name, score in scores.items()]
    chain.append(Checkpoint(folder, done, recipe.monitor, validated))
    chain.append(Stop(done, recipe))
    chain.append(Curve(folder, done, recipe.monitor))
    if recipe.tensorboard:
        if importlib.util.find_spec("tensorboard") is None:
            raise ImportError("Recipe.tensorboard needs TensorBoard: pip install 'tfllm[tensorboard]'")
        chain.append(keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False))
    return chain


def _averaging(folder, recipe):
    """The callback that averages weights, or None."""
    from tfllm.training.averaging import LastAverage, MovingAverage

    if recipe.ema is not None:
        return MovingAverage(folder)
    return LastAverage(folder, recipe.average) if recipe.average > 1 else None


def complete(folder: str | Path, recipe: Recipe, load: Callable | None = None):
    """Write what a finished run lacks because it was killed: average.keras, history.csv, curve.png."""
    folder = Path(folder)
    _tidy(folder)
    if (recipe.average > 1 or recipe.ema is not None) and _late(folder, "average.keras"):
        averaging = _averaging(folder, recipe)
        averaging.set_model(resume(folder, load)[0])
        averaging.on_train_end()
    if _late(folder, "history.csv") or (importlib.util.find_spec("matplotlib") and _late(folder, "curve.png")):
        from tfllm.training.curve import Curve

        Curve(folder, of_run(folder), recipe.monitor).on_epoch_end(0)


def _tidy(folder):
    clear(folder)
    clear(folder / "weights")


def _late(folder, name):
    """Whether a file of a run is older than its last epoch."""
    path = folder / name
    return not path.exists() or path.stat().st_mtime_ns < latest(folder).stat().st_mtime_ns


@contextmanager
def running(folder: str | Path, go_on: str) -> Iterator[None]:
    """Context manager that also writes the log to folder/log.txt; Ctrl-C ends the program and logs how to continue.

    SIGTERM, which batch schedulers and containers send to end a process, does the same, with exit code 143. Only the
    unfinished epoch is lost. An existing SIGTERM handler of the program is kept.
    go_on: the command that resumes the run. The caller shows the log, logging.getLogger("tfllm"), on the screen.
    The folder is locked meanwhile: BlockingIOError if another process trains there.
    """
    with locked(folder), _logged(folder, go_on), _terminable():
        yield


class Terminated(KeyboardInterrupt):
    """SIGTERM was received."""


@contextmanager
def _terminable():
    """Context manager in which SIGTERM raises Terminated; no effect outside the main thread, which alone gets
    signals.
    """
    heard = threading.current_thread() is threading.main_thread()
    if not heard or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def terminate(number, frame):
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Log(logging.FileHandler):
    """A log file that drops lines if the disk is full: the checkpoint that cannot be written reports it."""

    def handleError(self, record):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self):
        with suppress(OSError):  # errors while writing the rest
            super().close()


@contextmanager
def _logged(folder, go_on):
    log = logging.getLogger("tfllm")
    file = _Log(Path(folder) / "log.txt", encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = log.level
    log.addHandler(file)
    log.setLevel(logging.INFO)
    try:
        yield
    except KeyboardInterrupt as interrupt:
        done = of_run(folder).epoch
        several = f"{done} epochs are" if done > 1 else "1 epoch is"
        outcome = f"{several} saved in {folder}" if done else "no epoch was finished, nothing is saved"
        terminated = isinstance(interrupt, Terminated)
        log.warning("%s: %s; to continue: %s", "terminated" if terminated else "interrupted", outcome, go_on)
        raise SystemExit(143 if terminated else 130) from None  # 128 and the number of the signal
    except Exception:
        log.exception("the run failed")
        raise
    finally:
        log.removeHandler(file)
        log.setLevel(level)
        file.close()
