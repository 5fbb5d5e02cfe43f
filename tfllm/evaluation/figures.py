"""The drawings of reports. ImportError, which says what to install, without matplotlib."""

import logging
import warnings
from pathlib import Path

import numpy as np

from tfllm.files import written
from tfllm.fonts import families

log = logging.getLogger("tfllm")
NUMBERED = 30  # classes, beyond which the cells have no numbers


def confusion(path, labels, counts) -> Path:
    """counts [C, C], rows the true classes -> PNG: colours are shares of the row, numbers are counts."""
    size = len(labels)
    side = min(2.5 + 0.55 * size, 16)
    axes = _axes((side + 1, side))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    letters = {"fontsize": 8, "family": families(), "parse_math": False}
    axes.set_xticks(range(size), labels, rotation=45, ha="right", rotation_mode="anchor", **letters)
    axes.set_yticks(range(size), labels, **letters)
    axes.set(xlabel="predicted", ylabel="true")
    axes.figure.colorbar(image, label="share of the true class", shrink=0.7)
    if size <= NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{count}", ha="center", va="center", fontsize=7, color=colour)
    return _saved(axes.figure, path)


def reliability(path, found) -> Path:
    """A bar for each bin of a Reliability, and the diagonal."""
    bins = len(found.count)
    axes, filled = _axes((5, 4.5)), found.count > 0
    axes.bar(((np.arange(bins) + 0.5) / bins)[filled], found.accuracy[filled], 1 / bins, edgecolor="white")
    axes.plot([0, 1], [0, 1], "--", color="grey", label="calibrated")
    axes.plot(found.confidence[filled], found.accuracy[filled], ".", color="black", label="mean of a bin")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability", ylabel="accuracy")
    axes.set_title(f"expected calibration error {found.ece:.3f}", fontsize=10)
    axes.legend(fontsize=8)
    return _saved(axes.figure, path)


def _axes(size):
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("a plot needs matplotlib: pip install 'tfllm[plot]'") from None
    return FigureCanvasAgg(Figure(figsize=size, dpi=120, layout="constrained")).figure.add_subplot()


def _saved(figure, path) -> Path:
    with warnings.catch_warnings(record=True) as told:
        warnings.filterwarnings("always", "Glyph .* missing")
        with written(path) as beside:
            figure.savefig(beside)
    if told:
        log.warning("%s: some letters are in no font found here; Noto Sans CJK SC has the Chinese ones", path)
    return Path(path)
