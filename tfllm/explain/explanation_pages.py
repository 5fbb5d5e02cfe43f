"""Explanations as self-contained HTML: coloured tokens in their text, or a table of tokens and targets.

Blue is for the target and orange against it, which people with red-green colour blindness can distinguish.
"""

from html import escape

import numpy as np

FOR, AGAINST = (33, 102, 172), (214, 96, 20)
STYLE = """<style>
.tfllm-why {font: 15px/1.9 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; color: #222; background: #fff;
 max-width: 60em; padding: .6em; print-color-adjust: exact; -webkit-print-color-adjust: exact}
.tfllm-why p {margin: .3em 0} .tfllm-why .details {font-size: 13px; line-height: 1.5; color: #555}
.tfllm-why span.t {border-radius: 3px; padding: 1px 1px} .tfllm-why .part {color: #777; font-size: 12px}
.tfllm-why .text {white-space: pre-wrap} .tfllm-why .scroll {overflow-x: auto}
.tfllm-why table {border-collapse: collapse; font-size: 13px; line-height: 1.4}
.tfllm-why th {font-weight: normal; padding: 2px 5px; text-align: right; white-space: pre}
.tfllm-why td {padding: 2px 5px; text-align: right; min-width: 2.6em; border: 1px solid #eee}
</style>"""


def page(explanations):
    """A complete document of several explanations."""
    sections = "\n".join(section(one) for one in explanations)
    title = escape(", ".join(dict.fromkeys(one.method for one in explanations)))
    return (f'<!doctype html>\n<html><head><meta charset="utf-8"><title>Explanation: {title}</title></head>\n'
            f"<body>\n{sections}\n</body></html>")  # fmt: skip


def section(one):
    """One explanation, for a page or a notebook."""
    lines = "".join(f'<p class="details">{escape(line)}</p>' for line in head(one))
    body = coloured(one) if len(one.targets) == 1 else table(one)
    return f'{STYLE}<div class="tfllm-why">{lines}{body}{steps(one)}</div>'


def head(one):
    """Lines about what was explained and how well."""
    what = f"{len(one.targets)} tokens"
    if len(one.targets) == 1:
        what = shown(one.targets[0][:1]) + one.targets[0][1:] if one.targets[0] else shown("")
    number = f": {one.score} {one.value[0]:.4f}" if len(one.targets) == 1 else f", {one.score}"
    lines = [f"{one.method}, for {what}{number}"]
    if one.base is not None:
        base = f"without the tokens {one.base[0]:.4f}; " if len(one.targets) == 1 else ""
        lines[0] += f"; {base}completeness error {one.error:.2%}"
    if one.faithfulness is not None:
        lines.append(f"faithfulness: {one.faithfulness}")
    if note := one.details.get("note"):
        lines.append(note)
    return lines


def coloured(one):
    """The texts with coloured tokens; the text between tokens is unchanged."""
    most, parts = np.abs(one.matrix).max(initial=0.0), []
    for part, text in one.texts.items():
        tokens = [(token, score) for token, score in zip(one.tokens, one.matrix[0], strict=True) if token.part == part]
        pieces, done = [], 0
        for token, score in sorted(tokens, key=lambda pair: (pair[0].start, pair[0].end)):
            start = max(token.start, done)
            pieces.append(escape(text[done:start]))
            if token.end > start:
                title = f"{token.text} {score:+.4f}"
                pieces.append(f'<span class="t" style="background:{colour(score, most)}" '
                              f'title="{escape(title)}">{escape(text[start : token.end])}</span>')  # fmt: skip
            done = max(done, token.end)
        pieces.append(escape(text[done:]))
        name = f'<span class="part">{escape(part)} </span>' if len(one.texts) > 1 else ""
        parts.append(f'<p class="text">{name}{"".join(pieces)}</p>')
    return "".join(parts)


def table(one):
    """Targets down, tokens across; each cell has its colour, and its score when pointed at."""
    lines = ["border-left:2px solid #222;" if n in edges(one) else "" for n in range(len(one.tokens))]
    heads = "".join(f'<th style="{line}">{escape(shown(token.text))}</th>'
                    for token, line in zip(one.tokens, lines, strict=True))  # fmt: skip
    rows = []
    for target, row in zip(one.targets, one.matrix, strict=True):
        most = np.abs(row).max(initial=0.0)
        cells = "".join(f'<td style="{line}background:{colour(score, most)}" title="{score:+.4f}">{score:.2f}</td>'
                        for score, line in zip(row, lines, strict=True))  # fmt: skip
        rows.append(f"<tr><th>{escape(shown(target))}</th>{cells}</tr>")
    return f'<div class="scroll"><table><tr><th></th>{heads}</tr>{"".join(rows)}</table></div>'


def edges(one):
    """The numbers of the tokens that are the first of their part, but for the first part."""
    return [n for n in range(1, len(one.tokens)) if one.tokens[n].part != one.tokens[n - 1].part]


def steps(one):
    """The details of the steps of a generated text, if available."""
    if not (result := one.details.get("steps")):
        return ""
    rows = []
    for step in result:
        others = ", ".join(f"{shown(text)} {p:.3f}" for text, p in step["alternatives"])
        cells = (shown(step["token"]), f"{step['probability']:.3f}", f"{step['entropy']:.2f}",
                 f"{step['surprise']:.2f}", others)  # fmt: skip
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    names = ("token", "probability", "entropy (bits)", "surprise (bits)", "likeliest tokens")
    heads = "".join(f"<th>{name}</th>" for name in names)
    return f'<div class="scroll"><table><tr>{heads}</tr>{"".join(rows)}</table></div>'


def shown(text):
    return text.replace(" ", "␣").replace("\n", "↵") or "∅"


def colour(score, most):
    strength = min(1.0, abs(score) / most) * 0.75 if most > 0 else 0.0
    red, green, blue = FOR if score > 0 else AGAINST
    return f"rgba({red},{green},{blue},{strength:.3f})"
