"""Tables as text, for the str() of reports."""

import unicodedata


def grid(header, rows) -> str:
    """Aligned columns, the first to the left, the others to the right."""
    table = [header, *rows]
    widths = [max(width(row[column]) for row in table) for column in range(len(header))]
    lines = []
    for first, *others in table:
        cells = [first + " " * (widths[0] - width(first))]
        cells += [" " * (size - width(cell)) + cell for cell, size in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def width(text) -> int:
    """Width on a screen: Chinese characters count as two, combining marks as zero."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def shown(ends) -> str:
    """An interval as text."""
    return f"[{ends[0]:.4f}, {ends[1]:.4f}]"
