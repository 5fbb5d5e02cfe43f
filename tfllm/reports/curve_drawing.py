"""The learning curve of a run as SVG, in the colours of its page; needs no matplotlib."""

from html import escape
from math import isfinite

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 240, 52, 12, 12, 34
COLOURS = ("var(--first)", "var(--second)", "var(--third)")


def curves(history, monitor="val_loss", best_epoch=0):
    """Rows of numbers, one for each epoch -> SVG drawings: the losses, and the monitor if it is another score."""
    groups = [["loss", "val_loss"]] + ([] if monitor.endswith("loss") else [[monitor]])
    lines = [{name: points(history, name) for name in group} for group in groups]
    lines = [{name: line for name, line in group.items() if line} for group in lines]
    return "\n".join(drawing(group, best_epoch) for group in lines if group)


def points(history, name):
    return [(row["epoch"], row[name]) for row in history if isfinite(row.get(name, float("nan")))]


def drawing(lines, best_epoch):
    """{name: [(epoch, value)]} -> one SVG."""
    epochs = [epoch for line in lines.values() for epoch, _ in line]
    values = [value for line in lines.values() for _, value in line]
    ticks = nice(min(values), max(values))
    low, high = min([*ticks, *values]), max([*ticks, *values])
    first, last = min(epochs), max(epochs)

    def x(epoch):
        middle = (WIDTH + LEFT - RIGHT) / 2
        return middle if first == last else LEFT + (WIDTH - LEFT - RIGHT) * (epoch - first) / (last - first)

    def y(value):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / ((high - low) or 1)

    names = ", ".join(lines)
    size, title = f"0 0 {WIDTH} {HEIGHT}", escape(f"{names} by epoch")
    parts = [f'<div class="scroll"><svg viewBox="{size}" class="curve" role="img"><title>{title}</title>']
    for tick in ticks:
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" class="grid"/>'
                     f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.4g}</text>')  # fmt: skip
    for epoch in sorted({first, last, *(round(first + (last - first) * i / 4) for i in range(1, 4))}):
        parts.append(f'<text x="{x(epoch):.1f}" y="{HEIGHT - 16}" text-anchor="middle">{epoch}</text>')
    parts.append(f'<text x="{(WIDTH + LEFT - RIGHT) / 2}" y="{HEIGHT - 2}" text-anchor="middle">epoch</text>')
    if first <= best_epoch <= last:
        parts.append(f'<line x1="{x(best_epoch):.1f}" x2="{x(best_epoch):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
                     'class="best"/>')  # fmt: skip
    legend = []
    for colour, (name, line) in zip(COLOURS, lines.items(), strict=False):
        path = " ".join(f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in line)
        dots = "".join(f'<circle cx="{x(e):.1f}" cy="{y(v):.1f}" r="3" fill="{colour}"><title>epoch {e}: {name} '
                       f"{v:.4g}</title></circle>" for e, v in line)  # fmt: skip
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}')
        legend.append(f'<span style="color:{colour}">●</span> {escape(name)}')
    if first <= best_epoch <= last:
        legend.append(f"┊ best epoch, {best_epoch}")
    return "".join(parts) + f'</svg></div>\n<p class="note">{" &nbsp; ".join(legend)}</p>'


def nice(low, high):
    """About four round numbers from low to high, both included in their range."""
    if not low < high:
        return [low]
    step, unit = (high - low) / 4, 1.0
    while unit > step:
        unit /= 10
    while unit * 10 <= step:
        unit *= 10
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= step)
    begin = low // step
    return [round((begin + i) * step, 12) for i in range(int((high - begin * step) / step) + 2)]
