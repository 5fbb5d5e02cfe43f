"""What all drawings share: axes on a canvas of their own, letters of every script, a file that is whole or not there.

Of fonts a drawing asks for matplotlib's own, and behind it for those found here that have Chinese letters.
"""

import logging
import unicodedata
import warnings
from contextlib import contextmanager
from pathlib import Path

from tfllm.files import written

log = logging.getLogger("tfllm")
FONT = "DejaVu Sans"  # matplotlib's own; the others have Chinese, Japanese, Korean, where one is installed
WIDE_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
              "Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans GB", "Arial Unicode MS")  # fmt: skip
LONGEST = 32  # letters of a label, beyond which its middle is left out


def families():
    """The names for matplotlib's `family`."""
    from matplotlib.font_manager import get_font_names

    return [FONT, *(font for font in WIDE_FONTS if font in set(get_font_names()))]


def labels(size: float = 8) -> dict:
    """The style of text that comes from data, in points: letters of every script, "$" as it is."""
    return {"fontsize": size, "family": families(), "parse_math": False}


def short(text: str, longest: int = LONGEST) -> str:
    """A label of at most `longest` letters, … for what is left out of its middle; on one line."""
    text, half = text.translate({9: "␉", 10: "␊", 13: "␍"}), (longest - 1) // 2
    return text if len(text) <= longest else f"{text[: longest - 1 - half]}…{text[-half:]}"


def figure(width: float, height: float):
    """A matplotlib Figure in inches, without pyplot. ImportError, which says what to install, without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("a plot needs matplotlib: pip install 'tfllm[plot]'") from None
    return FigureCanvasAgg(Figure(figsize=(width, height), dpi=120, layout="constrained")).figure


def heatmap(values, columns, rows, across: str, down: str, shades: str, bar: str, limits=(0, 1)):
    """The axes of a new figure: values [R, C] within the limits as squares, turned labels, a colour bar.

    across, down: what the labels of columns and rows are; shades: a colour map; bar: what a colour means. As large as
    squares and labels need, up to some 16 inches.
    """
    if not (len(columns) and len(rows)):
        raise ValueError(f"there is nothing to draw: no {across if not len(columns) else down} at all")
    columns, rows = [short(label) for label in columns], [short(label) for label in rows]
    side = min(0.34, 16 / max(len(columns), len(rows), 1))  # inches, of a square
    size = min(8.0, 50 * side)  # points, of a letter
    left, below = (max(map(wide, part), default=0) * size / 130 for part in (rows, columns))
    width, height = side * max(len(columns), 6), side * max(len(rows), 6)
    axes = figure(width + left + 1.6, height + 0.75 * below + 1.0).add_subplot()
    image = axes.imshow(values, cmap=shades, vmin=limits[0], vmax=limits[1])
    turned = {"rotation": 45 if side > 0.2 else 90, "ha": "right", "va": "center", "rotation_mode": "anchor"}
    fit = max(map(wide, columns), default=0) <= 3  # single characters are best read upright
    axes.set_xticks(range(len(columns)), columns, **({} if fit and side > 0.3 else turned), **labels(size))
    axes.set_yticks(range(len(rows)), rows, **labels(size))
    axes.set(xlabel=across, ylabel=down)
    axes.figure.colorbar(image, ax=axes, label=bar, shrink=0.8, aspect=30)
    return axes


def wide(text: str) -> int:
    """Its width in narrow letters: Chinese ones take two."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)


def saved(figure, path) -> Path:
    """Writes the PNG; letters that no font has are told in a warning."""
    with letters_told(path), written(path) as beside:
        figure.savefig(beside, format=beside.suffix[1:] or "png")
    return Path(path)


@contextmanager
def letters_told(path):
    """A block that draws text: one warning for all letters that no font has."""
    with warnings.catch_warnings(record=True) as told:
        warnings.filterwarnings("always", "Glyph .* missing")
        yield
    if told:
        log.warning("%s: some letters are in no font found here; Noto Sans CJK SC has the Chinese ones", path)
