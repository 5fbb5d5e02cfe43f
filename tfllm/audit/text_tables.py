"""Tables as text for the terminal."""


def aligned(rows: list[list[str]]) -> str:
    """Rows of equally many cells -> lines whose columns are aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(map(str.rstrip, lines))
