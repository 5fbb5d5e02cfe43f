"""Sets of code points, written as ranges in hexadecimal: "41-5A 61-7A AA"."""

from functools import cache
from importlib.resources import files

import numpy as np

HIGHEST = 0x110000


@cache
def points(stretches):
    """A string of ranges -> bool [0x110000]: the code points in them."""
    result = np.zeros(HIGHEST, bool)
    for stretch in stretches.split():
        first, _, last = stretch.partition("-")
        result[int(first, 16) : int(last or first, 16) + 1] = True
    return result


def stretches(points):
    """The inverse of `points`."""
    borders = np.flatnonzero(np.diff(np.append(points, False), prepend=False)).reshape(-1, 2)
    return " ".join(f"{first:X}" if first + 1 == end else f"{first:X}-{end - 1:X}" for first, end in borders.tolist())


def table(package, name):
    """{category: its ranges} of a file in a package, whose lines are a range and a category: "41-5A L"."""
    result = {}
    for line in files(package).joinpath(name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            stretch, category = line.split()
            result.setdefault(category, []).append(stretch)
    return {category: " ".join(parts) for category, parts in result.items()}
