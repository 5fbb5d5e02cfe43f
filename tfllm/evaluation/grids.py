"""Rows of figures as text, for the str() of reports."""

import unicodedata


def grid(header, rows) -> str:
    """Columns under each other, the first to the left, the others to the right."""
    table = [header, *rows]
    widths = [max(width(row[place]) for row in table) for place in range(len(header))]
    lines = []
    for first, *others in table:
        cells = [first + " " * (widths[0] - width(first))]
        cells += [" " * (size - width(cell)) + cell for cell, size in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def width(text) -> int:
    """Places on a screen: Chinese letters take two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def shown(ends) -> str:
    """An interval."""
    return f"[{ends[0]:.4f}, {ends[1]:.4f}]"
