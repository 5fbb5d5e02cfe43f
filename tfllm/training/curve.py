"""history.csv and curve.png of a run, written again after every epoch."""

import csv
import logging
from pathlib import Path

import keras

from tfllm.files import written
from tfllm.fonts import figure, labels, saved, short
from tfllm.training.progress import Progress

log = logging.getLogger("tfllm")


class Curve(keras.callbacks.Callback):
    """Must come after Checkpoint, which records the history. Without matplotlib: one warning, no PNG."""

    def __init__(self, folder, progress: Progress, monitor: str):
        super().__init__()
        self.folder, self.progress, self.monitor = Path(folder), progress, monitor

    def on_epoch_end(self, epoch, logs=None):
        if self.progress.history:
            write_history(self.folder / "history.csv", self.progress.history)
            self.draw()

    def draw(self):
        try:
            draw_curve(self.folder / "curve.png", self.progress, self.monitor)
        except ImportError:
            log.warning("no curve.png without matplotlib: pip install 'tfllm[plot]'")
            self.draw = lambda: None


def write_history(path, history: list[dict]):
    """One line per epoch; a column for every name that occurs in any epoch, empty where it is missing."""
    columns = list(dict.fromkeys(name for row in history for name in row))
    with written(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(history)


def draw_curve(path, progress: Progress, monitor: str):
    """Training and validation loss by epoch, and the monitor if it is another score; the best epoch is marked."""
    others = [] if monitor in ("loss", "val_loss") else [monitor]
    drawing = figure(7, 4 + 3 * len(others))
    plots = drawing.subplots(1 + len(others), sharex=True, squeeze=False)[:, 0]
    for plot, names in zip(plots, [["loss", "val_loss"], others][: len(plots)], strict=True):
        for name in names:
            points = [(row["epoch"], row[name]) for row in progress.history if name in row]
            if points:
                plot.plot(*zip(*points, strict=True), marker=".", label=name)
        if progress.best_epoch:
            plot.axvline(progress.best_epoch, linestyle="--", color="grey", label=f"best, epoch {progress.best_epoch}")
            if monitor in names:
                plot.plot(progress.best_epoch, progress.best, "*", markersize=12, color="black")
        plot.set_ylabel(names[0])
        plot.grid(alpha=0.3)
        if plot.get_legend_handles_labels()[0]:
            plot.legend()
    plots[-1].set_xlabel("epoch")
    plots[-1].xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    best = f": best {monitor} {progress.best:.4g} in epoch {progress.best_epoch}" if progress.best_epoch else ""
    plots[0].set_title(short(Path(path).parent.resolve().name, 40) + best, **labels(10))
    saved(drawing, path)
