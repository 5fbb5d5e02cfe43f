"""A DataReport as text for the terminal, and as a page of HTML that needs no other file."""

from html import escape

from tfllm.audit.text_tables import aligned

SHOWN = 5  # of the most frequent scripts, languages and kinds
LABELS = 12
STYLE = """<style>
body {font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; color: #222; background: #fff;
 max-width: 64em; margin: 1em auto; padding: 0 1em}
table {border-collapse: collapse; margin: .5em 0 1.5em; font-size: 14px}
th, td {border: 1px solid #ddd; padding: 3px 9px; text-align: right; vertical-align: top}
th:first-child {text-align: left; font-weight: normal} thead th {background: #f3f4f6; font-weight: 600}
.note {color: #555; font-size: 13px}
</style>"""
NOTE = (
    "Counts of all records. Languages are guessed from function words; phone numbers are digits written like one. "
    "Personal data are found by {finder}; without a trained model names and addresses are not."
)


def note(report):
    """What the figures of a report are."""
    return NOTE.format(finder=report.finder)


def tables(report):
    """[(title, head, rows)] of texts."""
    result = []
    for part, columns in report.parts.items():
        cells = {name: _column(column, report.threshold) for name, column in columns.items()}
        rows = [[title, *(cell[title] for cell in cells.values())] for title in next(iter(cells.values()))]
        result.append((f"{part} data", ["", *columns], rows))
    if report.leakage:
        found = report.leakage.values()
        rows = [["test records", *(f"{one.records:,}" for one in found)]]
        rows.append(["equal to a training text", *(_of(one.equal, one.records) for one in found)])
        if report.threshold is not None:
            rows.append([_nearly(report.threshold), *(_of(one.near, one.records) for one in found)])
        rows.append(["rows of test = train", *(_pairs(one.examples) for one in found)])
        result.append(("leakage from training to test", ["", *report.leakage], rows))
    if report.labels:
        names = list(dict.fromkeys(name for counts in report.labels.values() for name in counts))
        rows = [
            [name, *(_of(c.get(name, 0), sum(c.values())) for c in report.labels.values())] for name in names[:LABELS]
        ]
        if more := len(names) - LABELS:
            rows += [[f"{more} more labels", *("" for _ in report.labels)]] if more > 0 else []
        result.append(("labels", ["", *report.labels], rows))
    return result


def _column(one, threshold):
    lengths = one.lengths
    cells = {
        "records": f"{one.records:,}",
        "empty": f"{one.empty:,}",
        "characters": f"{one.characters:,}",
        "words": f"{lengths.total:,}",
        "words of a text": f"{lengths.shortest} to {lengths.longest:,}",
        "mean, median, 95 %": f"{lengths.mean:.1f}, {lengths.median:.0f}, {lengths.percentile_95:.0f}",
        "scripts": _list({name.capitalize(): f"{share:.1%}" for name, share in one.scripts.items()}),
        "languages": _list({name: f"{count / one.records:.1%}" for name, count in one.languages.items()}),
        "equal to an earlier text": _of(one.equal, one.records),
    }
    if threshold is not None:
        cells[_nearly(threshold)] = _of(one.near, one.records)
    cells |= {
        "rows = earlier row": _pairs(one.examples),
        "texts with personal data": _of(one.personal_records, one.records),
        "kinds of personal data": _list(one.personal),
        "texts with hidden characters": _of(one.hidden_records, one.records),
        "kinds of hidden characters": _list(one.hidden),
    }
    return cells


def _nearly(threshold):
    return f"nearly equal (Jaccard {threshold:g})"


def _of(count, total):
    return f"{count:,} ({count / total:.2%})" if total else "0"


def _list(values):
    more = len(values) - SHOWN
    shown = [f"{name} {value}" for name, value in list(values.items())[:SHOWN]]
    return ", ".join(shown + ([f"{more} more"] if more > 0 else [])) or "none"


def _pairs(pairs):
    return ", ".join(f"{a + 1} = {b + 1} ({similarity:.2f})" for a, b, similarity in pairs) or "none"


def text(report):
    return "\n\n".join(aligned([[title, *head[1:]], *rows]) for title, head, rows in tables(report))


def page(report):
    parts = ["<h1>Data report</h1>", f'<p class="note">{escape(note(report))}</p>']
    for title, head, rows in tables(report):
        cells = "".join(f"<th>{escape(name)}</th>" for name in head)
        body = "".join(
            f"<tr><th>{escape(row[0])}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>\n"
            for row in rows
        )
        parts.append(f"<h2>{escape(title.capitalize())}</h2>\n<table><thead><tr>{cells}</tr></thead>\n{body}</table>")
    body = "\n".join(parts)
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Data report</title>\n{STYLE}</head>\n'
            f"<body>\n{body}\n</body></html>\n")  # fmt: skip
