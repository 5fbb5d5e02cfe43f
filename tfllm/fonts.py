"""Common parts of all plots: a canvas without pyplot, fonts for every script, atomic files.

Plots use matplotlib's font, and after it the installed fonts with Chinese characters.
"""

import logging
import unicodedata
import warnings
from contextlib import contextmanager
from pathlib import Path

from tfllm.files import written

log = logging.getLogger("tfllm")
FONT = "DejaVu Sans"  # matplotlib's own; the others have Chinese, Japanese, Korean, if installed
WIDE_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
              "Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans GB", "Arial Unicode MS")  # fmt: skip
LONGEST = 32  # letters of a label; the middle of longer labels is omitted


def families():
    """Font names for matplotlib's `family`."""
    from matplotlib.font_manager import get_font_names

    return [FONT, *(font for font in WIDE_FONTS if font in set(get_font_names()))]


def labels(size: float = 8) -> dict:
    """Text style for labels that come from data, in points: every script, and a literal "$"."""
    return {"fontsize": size, "family": families(), "parse_math": False}


def short(text: str, longest: int = LONGEST) -> str:
    """A label on one line of at most `longest` letters, with … for the omitted middle."""
    text, half = text.translate({9: "␉", 10: "␊", 13: "␍"}), (longest - 1) // 2
    return text if len(text) <= longest else f"{text[: longest - 1 - half]}…{text[-half:]}"


def figure(width: float, height: float):
    """A matplotlib Figure in inches, without pyplot. Raises ImportError, with what to install, without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("a plot needs matplotlib: pip install 'tfllm[plot]'") from None
    return FigureCanvasAgg(Figure(figsize=(width, height), dpi=120, layout="constrained")).figure


def heatmap(values, columns, rows, across: str, down: str, shades: str, bar: str, limits=(0, 1)):
    """The axes of a new figure: values [R, C] within the limits as squares, rotated labels, a colour bar.

    across, down: the titles of columns and rows; shades: a colour map; bar: the title of the colour bar. The figure is
    as large as squares and labels need, up to about 16 inches.
    """
    if not (len(columns) and len(rows)):
        raise ValueError(f"there is nothing to draw: there is no {across if not len(columns) else down}")
    columns, rows = [short(label) for label in columns], [short(label) for label in rows]
    side = min(0.34, 16 / max(len(columns), len(rows), 1))  # inches per square
    size = min(8.0, 50 * side)  # points per letter
    left, below = (max(map(wide, part), default=0) * size / 130 for part in (rows, columns))
    width, height = side * max(len(columns), 6), side * max(len(rows), 6)
    axes = figure(width + left + 1.6, height + 0.75 * below + 1.0).add_subplot()
    image = axes.imshow(values, cmap=shades, vmin=limits[0], vmax=limits[1])
    turned = {"rotation": 45 if side > 0.2 else 90, "ha": "right", "va": "center", "rotation_mode": "anchor"}
    fit = max(map(wide, columns), default=0) <= 3  # single characters are easier to read upright
    axes.set_xticks(range(len(columns)), columns, **({} if fit and side > 0.3 else turned), **labels(size))
    axes.set_yticks(range(len(rows)), rows, **labels(size))
    axes.set(xlabel=across, ylabel=down)
    axes.figure.colorbar(image, ax=axes, label=bar, shrink=0.8, aspect=30)
    return axes


def wide(text: str) -> int:
    """The width of a text in narrow letters: Chinese characters count as two."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)


def saved(figure, path) -> Path:
    """Write the PNG; log a warning about letters that no font has."""
    with warn_of_missing_letters(path), written(path) as temporary:
        figure.savefig(temporary, format=temporary.suffix[1:] or "png")
    return Path(path)


@contextmanager
def warn_of_missing_letters(path):
    """Context manager around drawing text: one warning for all letters that no font has."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", "Glyph .* missing")
        yield
    if caught:
        log.warning("%s: no installed font has some of the letters; Noto Sans CJK SC has Chinese ones", path)
