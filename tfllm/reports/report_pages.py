"""A report as one page of HTML: no other file, no request; for light and dark screens, narrow ones, and paper."""

from html import escape

from tfllm.reports.report_parts import Table

LONGEST = 600  # characters of a text in an example
STYLE = """
:root {color-scheme: light dark; --ink: #1f2430; --soft: #5b6475; --line: #d9dde5; --paper: #fff; --panel: #f6f7f9;
 --first: #2166ac; --second: #c2560c; --third: #4d8a3d; --bar: #2166ac}
@media screen and (prefers-color-scheme: dark) {:root {--ink: #e3e6ec; --soft: #9aa3b2; --line: #3a4150;
 --paper: #14171d; --panel: #1d2129; --first: #6aa9e0; --second: #f0985a; --third: #8cc57c; --bar: #6aa9e0}}
* {box-sizing: border-box}
body {font: 15px/1.55 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; color: var(--ink);
 background: var(--paper); margin: 0 auto; max-width: 60em; padding: 1.5em 1.2em 4em}
h1 {font-size: 1.6em; margin: 0; overflow-wrap: anywhere} h2 {font-size: 1.2em; margin: 2.2em 0 .5em;
 border-bottom: 2px solid var(--line); padding-bottom: .2em} h3 {font-size: 1em; margin: 1.2em 0 .3em}
p {margin: .4em 0} .note {color: var(--soft); font-size: 13px} .reason {color: var(--soft); font-style: italic}
nav {font-size: 13px; margin: .8em 0} nav a {color: var(--first); margin-right: .9em; white-space: nowrap}
.cards {display: grid; grid-template-columns: repeat(auto-fit, minmax(11em, 1fr)); gap: .8em; margin: 1em 0}
.card {background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .6em .8em}
.card b {display: block; font-size: 1.5em; line-height: 1.25} .card span {color: var(--soft); font-size: 12.5px}
.scroll {overflow-x: auto} table {border-collapse: collapse; font-size: 13.5px; margin: .2em 0 .8em}
th, td {border-bottom: 1px solid var(--line); padding: 3px 12px 3px 0; text-align: left; vertical-align: top}
thead th {color: var(--soft); font-weight: 600} tbody th {font-weight: normal} td {font-variant-numeric: tabular-nums}
.figures td {white-space: nowrap} .figures tbody th {min-width: 9em}
.example {border: 1px solid var(--line); border-radius: 8px; padding: .5em .8em; margin: .6em 0; break-inside: avoid}
.example dl {display: grid; grid-template-columns: max-content 1fr; gap: .1em .8em; margin: 0}
.example dt {color: var(--soft); font-size: 13px} .example dd {margin: 0; white-space: pre-wrap;
 overflow-wrap: anywhere}
.curve {width: 100%; max-width: 44em; height: auto; display: block} .curve text {font-size: 11px; fill: var(--soft)}
.curve .grid {stroke: var(--line)} .curve .best {stroke: var(--soft); stroke-dasharray: 4 4}
.bar {display: inline-block; position: relative; width: 9em; height: .8em; background: var(--panel);
 border: 1px solid var(--line); border-radius: 3px}
.bar i {position: absolute; top: 0; bottom: 0; background: var(--bar); opacity: .35}
 .bar u {position: absolute; top: -2px; bottom: -2px; width: 2px; background: var(--bar)}
.sig {font: 11px ui-monospace, monospace; color: var(--soft); overflow-wrap: anywhere}
body .tfllm-why {background: none; color: inherit; padding: 0; max-width: none} body .tfllm-why .details,
body .tfllm-why .part {color: var(--soft)} body .tfllm-why td {border-color: var(--line)}
body .tfllm-why th {border: 0}
@media (max-width: 36em) {body {padding: 1em .8em 3em; font-size: 14.5px} .example dl {grid-template-columns: 1fr}
 .example dd {margin-bottom: .3em} table.figures td:nth-child(3), table.figures th:nth-child(3) {display: none}
 .figures td {white-space: normal} .curve {min-width: 30em}}
@media print {body {font-size: 10.5pt; max-width: none; padding: 0} nav {display: none}
 h2, h3, h2 ~ .note {break-after: avoid}
 tr, svg, .scroll {break-inside: avoid} .scroll {overflow: visible} * {print-color-adjust: exact;
 -webkit-print-color-adjust: exact}}
"""


def page(facts, sections):
    title = f"{facts.name or facts.task}: report"
    links = " ".join(f'<a href="#{name}">{escape(one.title)}</a>' for name, one in sections.items())
    body = "\n".join(section(one) for one in sections.values())
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style></head>
<body>
<h1>{escape(title)}</h1>
<p class="note">{escape(subtitle(facts))}</p>
<nav>{links}</nav>
<div class="cards">{cards(facts, sections)}</div>
{body}
<p class="note">Intervals are 95 % intervals: by Wilson for shares, else by the percentile bootstrap; those of speed are
the range of the repeats. They describe the sample of test records, not the variation between trainings.
{escape(versions)}.</p>
</body></html>
"""


def subtitle(facts):
    trained = ""
    if facts.epochs:
        minutes = f"{facts.seconds / 60:.1f} minutes" if facts.seconds >= 60 else f"{facts.seconds:.0f} seconds"
        best = f", the best of them {facts.best_epoch}" if facts.best_epoch else ""
        trained = f"; trained for {facts.epochs} epochs{best}, {facts.updates:,} updates, {minutes}"
    return f"{facts.task} on a {facts.model}{trained}. {facts.date}."


def cards(facts, sections):
    """The most important figures, large."""
    parts = []
    for name in ("scores", "speed"):
        for one in sections[name].figures[: 2 if name == "scores" else 1]:
            note = f"{one.shown_interval}; {one.size:,} {one.unit}" if one.interval else f"{one.size:,} {one.unit}"
            parts.append((one.shown, one.name, note))
    parts.append((f"{facts.weights:,}", "weights", ""))
    return "".join(f'<div class="card"><span>{escape(name)}</span><b>{escape(value)}</b><span>{escape(note)}</span>'
                   "</div>" for value, name, note in parts)  # fmt: skip


def section(one):
    parts = [f'<h2 id="{one.name}">{escape(one.title)}</h2>']
    if one.reason:
        parts.append(f'<p class="reason">Not available: {escape(one.reason)}.</p>')
    parts += [f'<p class="note">{escape(note)}</p>' for note in one.notes]
    if one.figures:
        parts.append(figures(one.figures))
    parts += [table(part) for part in one.tables]
    return "\n".join([*parts, one.html])


def figures(found):
    rows = []
    for one in found:
        sign = f'<div class="sig">{escape(one.signature)}</div>' if one.signature else ""
        ends = f"{escape(one.shown_interval)} <span class='note'>{escape(one.how)}</span>" if one.interval else one.how
        rows.append(f"<tr><th>{escape(one.name)}{sign}</th><td><b>{escape(one.shown)}</b></td><td>{bar(one)}</td>"
                    f"<td>{ends}</td><td>{one.size:,} {escape(one.unit)}</td></tr>")  # fmt: skip
    head = "<tr><th></th><th>value</th><th></th><th>95 % interval</th><th>sample</th></tr>"
    return (
        f'<div class="scroll"><table class="figures"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def bar(one):
    """A share with its interval as a picture."""
    if not one.share or one.interval is None or one.interval[0] != one.interval[0]:
        return ""
    low, high = (100 * end for end in one.interval)
    return (f'<span class="bar" aria-hidden="true"><i style="left:{low:.1f}%;width:{high - low:.1f}%"></i>'
            f'<u style="left:{100 * one.value:.1f}%"></u></span>')  # fmt: skip


def table(one: Table):
    head = "".join(f"<th>{escape(name)}</th>" for name in one.head)
    rows = "".join("<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for tag, cell in
                   zip(["th", *["td"] * len(row)], row, strict=False)) + "</tr>" for row in one.rows)  # fmt: skip
    return (f'<h3>{escape(one.title.capitalize())}</h3><div class="scroll"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>")  # fmt: skip


def examples(groups):
    """{"best": [{"given", "expected", "answer", "score"}]} -> HTML."""
    parts = []
    for name, rows in groups.items():
        parts.append(f"<h3>{escape(name.capitalize())}</h3>" if rows else "")
        for row in rows:
            lines = {**row["given"], "expected": row["expected"], "answer": row["answer"], "score": row["score"]}
            cells = "".join(f"<dt>{escape(key)}</dt><dd>{escape(short(value))}</dd>"
                            for key, value in lines.items() if value)  # fmt: skip
            parts.append(f'<div class="example"><dl>{cells}</dl></div>')
    return "".join(parts)


def short(text):
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text):,} characters)"
