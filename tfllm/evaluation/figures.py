"""The plots of reports. Raises ImportError, with what to install, without matplotlib."""

from pathlib import Path

import numpy as np

from tfllm.fonts import figure, heatmap, saved

NUMBERED = 30  # maximum number of classes with numbers in the cells
COUNTED = 20  # maximum number of bins with numbers on the bars


def confusion(path, labels, counts) -> Path:
    """counts [C, C], rows are the true classes -> PNG: colours are shares of the row, numbers are counts."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes = heatmap(shares, labels, labels, "predicted", "true", "Blues", "share of the true class")
    if len(labels) <= NUMBERED:
        size = min(7, 36 / len(str(counts.max())))  # points
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{count}", ha="center", va="center", fontsize=size, color=colour)
    return saved(axes.figure, path)


def reliability(path, result) -> Path:
    """A bar for each bin of a Reliability, and the diagonal; below it the number of examples of each bin."""
    bins, filled = len(result.count), result.count > 0
    middles, style = (np.arange(bins) + 0.5) / bins, {"width": 1 / bins, "edgecolor": "white"}
    above, below = figure(5, 5.5).subplots(2, sharex=True, height_ratios=[3, 1])
    above.bar(middles[filled], result.accuracy[filled], **style)
    above.plot([0, 1], [0, 1], "--", color="grey", label="calibrated")
    means = result.confidence[filled], result.accuracy[filled]
    above.plot(*means, ".", color="black", label="mean of a bin", clip_on=False)  # not clipped at 0 and 1
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
    above.set_title(f"expected calibration error {result.ece:.3f}", fontsize=10, pad=10)
    above.legend(fontsize=8, loc="upper left")
    below.bar(middles[filled], result.count[filled], color="grey", **style)
    below.set(ylim=(0, 1.35 * result.count.max()), xlabel="probability", ylabel=f"count of {result.count.sum():,}")
    if bins <= COUNTED:
        size = min(6, 29 / len(str(result.count.max())))  # points
        for middle, count in zip(middles[filled], result.count[filled], strict=True):
            below.annotate(f"{count}", (middle, count), (0, 2), textcoords="offset points", ha="center", fontsize=size)
    return saved(above.figure, path)
