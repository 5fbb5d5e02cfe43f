"""Draw the pictures of README and the site: `python docs/pictures.py` writes docs/pictures/.

life_of_a_sentence.svg  text -> tokens -> model -> beam search -> text, for training, Python and serving alike
efficiency.svg          speed, quality and size of a translator and its students, from efficiency.json
packages.svg            who imports whom, read from the table in tests/test_imports.py
curve, attention, confusion .png  figures of the committed notebooks, as they were computed there

`python docs/pictures.py RUN/report.html` photographs a report of `tfllm report` with Chromium, which must be installed:
report.png on a desk, report_phone.png on a phone.
"""

import ast
import base64
import io
import json
import math
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURES, EFFICIENCY = ROOT / "docs" / "pictures", ROOT / "docs" / "efficiency.json"
FIGURES = {  # picture: the notebook, the line that draws it
    "curve.png": ("01_translate_dates", "cross-entropy per token"),
    "attention.png": ("01_translate_dates", 'save("attention.png")'),
    "confusion.png": ("07_sentiment", 'plot("confusion.png")'),
}
FLOORS = (  # the packages from top to bottom, each with its x
    {"cli": 720},
    {"reports": 720},
    {"audit": 720},
    {"extraction": 560, "explain": 880},
    {"tasks": 720},
    {"vectors": 85, "training": 265, "interop": 470},
    {"models": 470, "serving": 1015},
    {"text": 85, "layers": 265, "generation": 560, "data": 715, "evaluation": 870, "export": 1015},
)
PHOTOGRAPHS = {"report.png": (900, 1130), "report_phone.png": (390, 1130)}  # width and height in pixels
COLORS = {"teacher": "#1d4ed8", "student": "#b45309", "distilled": "#15803d"}  # of models in efficiency.svg
FONT = "font-family='Helvetica, Arial, sans-serif'"
BLUE, GREEN, ORANGE, GREY, INK = "#dbe9f6", "#dff0dc", "#fdebd3", "#f3f4f6", "#1f2937"


def text(x, y, words, size=14, anchor="middle", color=INK, weight="normal"):
    return (
        f"<text x='{x}' y='{y}' {FONT} font-size='{size}' text-anchor='{anchor}' fill='{color}' "
        f"font-weight='{weight}'>{escape(words)}</text>"
    )


def box(x, y, width, height, title, lines=(), fill=BLUE):
    """A rounded box with a title and lines below it, centred at (x, y)."""
    left, top = x - width / 2, y - height / 2
    parts = [f"<rect x='{left}' y='{top}' width='{width}' height='{height}' rx='8' fill='{fill}' stroke='#64748b'/>"]
    first = y + 5 - 9 * len(lines)
    parts.append(text(x, first, title, 14, weight="bold"))
    parts += [text(x, first + 18 * (i + 1), line, 12) for i, line in enumerate(lines)]
    return "\n".join(parts)


def arrow(x1, y1, x2, y2, color="#475569", width=1.6):
    return (
        f"<path d='M{x1} {y1} L{x2} {y2}' stroke='{color}' stroke-width='{width}' fill='none' marker-end='url(#head)'/>"
    )


def svg(width, height, title, parts):
    head = (
        "<marker id='head' viewBox='0 0 10 10' refX='9' refY='5' markerWidth='7' markerHeight='7' orient='auto'>"
        "<path d='M0 0 L10 5 L0 10 z' fill='#475569'/></marker>"
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}' "
        f"role='img'>\n<title>{escape(title)}</title>\n<defs>{head}</defs>\n"
        f"<rect width='{width}' height='{height}' fill='white'/>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def life_of_a_sentence():
    steps = [
        ("text", ["Ein Hund rennt."], GREY, "string"),
        ("tokenizer", ["Ein·Hund·renn·t·."], BLUE, "ids [B, S]"),
        ("encoder", ["attention over", "the source"], GREEN, "memory [B, S, D]"),
        ("decoder", ["one step: logits", "of the next token"], GREEN, "logits [B, V]"),
        ("beam search", ["A·dog·run·s·."], ORANGE, "ids [B, L]"),
        ("detokenizer", ["joins the tokens"], BLUE, "string"),
        ("text", ["A dog runs."], GREY, ""),
    ]
    width, gap, y = 132, 24, 130
    centre = [30 + width / 2 + i * (width + gap) for i in range(len(steps))]
    total = int(centre[-1] + width / 2 + 30)
    parts = [
        f"<rect x='{centre[1] - width / 2 - 12}' y='62' width='{centre[5] - centre[1] + width + 24}' height='150' "
        "rx='10' fill='none' stroke='#94a3b8' stroke-dasharray='6 4'/>",
        text(
            (centre[1] + centre[5]) / 2, 50, "one task: a keras.Model, a .keras file, a SavedModel", 15, weight="bold"
        ),
    ]
    for x, (title, lines, fill, _) in zip(centre, steps, strict=True):
        parts.append(box(x, y, width, 78, title, lines, fill))
    for i, (_, _, _, shape) in enumerate(steps[:-1]):
        parts.append(arrow(centre[i] + width / 2 + 2, y, centre[i + 1] - width / 2 - 2, y))
        if shape:
            parts.append(text((centre[i] + centre[i + 1]) / 2, y + 64, shape, 12, color="#475569"))
    back = y - 48
    parts.append(
        f"<path d='M{centre[4]} {y - 39} L{centre[4]} {back} L{centre[3]} {back} L{centre[3]} {y - 41}' "
        "stroke='#475569' stroke-width='1.6' fill='none' marker-end='url(#head)'/>"
    )
    parts.append(text((centre[3] + centre[4]) / 2, back - 5, "until the end token", 12, color="#475569"))
    for x, who, what in (
        (30, "training", "strings to ids to the loss of each target token"),
        (total / 2 - 95, "Python, command line", "generate(text)"),
        (total - 345, "TensorFlow Serving", "serving_default(text)"),
    ):
        parts.append(text(x, 250, f"{who}: ", 13, "start", weight="bold").replace(
            "</text>", f"<tspan font-weight='normal'>{what}</tspan></text>"
        ))  # fmt: skip
    return svg(total, 275, "The life of a sentence", parts)


def imports():
    """{package: packages that it may import}, from the table that the tests hold."""
    tree = ast.parse((ROOT / "tests/test_imports.py").read_text("utf-8"))
    (table,) = [node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "MAY_IMPORT"]
    found = {}
    for key, value in zip(table.keys, table.values, strict=True):
        names = set() if isinstance(value, (ast.Name, ast.Call)) else set(ast.literal_eval(value))
        found[key.value] = {name.split(".")[0] for name in names} - {key.value}
    return found


def packages():
    """The import graph of the packages, in floors: each package stands above all that it imports."""
    table = {name: wanted for name, wanted in imports().items() if (ROOT / "tfllm" / name / "__init__.py").is_file()}
    table = {name: wanted & table.keys() for name, wanted in table.items()}
    table["cli"] = {
        name for name in ("tasks", "training", "extraction", "reports", "serving")
    }  # may import all: these alone drawn
    said = {
        "text": "tokenizers", "layers": "keras.ops only", "generation": "search, sampling", "data": "readers, batches",
        "evaluation": "scores", "export": "SavedModel", "serving": "HTTP", "training": "recipes, runs",
        "models": "Keras models",
        "vectors": "word vectors", "interop": "Hugging Face files", "tasks": "text to answer", "cli": "command line",
        "extraction": "keywords", "explain": "explanations, maps",
        "audit": "data, bias, memory", "reports": "pages, model cards",
    }  # fmt: skip
    width, height, space = 136, 52, 105
    at = {name: (x, 50 + space * floor) for floor, row in enumerate(FLOORS) for name, x in row.items()}
    assert at.keys() == table.keys(), f"FLOORS has other packages than tfllm: {at.keys() ^ table.keys()}"
    drawn = {(name, one) for name, wanted in table.items() for one in wanted}
    direct = {  # an arrow that a longer way of arrows says already is left out
        (a, b) for a, b in drawn if not any((a, middle) in drawn and (middle, b) in reach(drawn) for middle in table)
    }
    parts = []
    for a, b in sorted(direct):
        (x1, y1), (x2, y2) = at[a], at[b]
        parts.append(arrow(x1, y1 + height / 2, x2, y2 - height / 2 - 1, "#94a3b8", 1.3))
    colors = {"tasks": ORANGE, "cli": ORANGE, "layers": GREEN, "models": GREEN}
    for name, (x, y) in at.items():
        parts.append(box(x, y, width, height, name, [said.get(name, "")], colors.get(name, BLUE)))
    return svg(1090, 50 + space * len(FLOORS) - 50, "Packages of tfllm: an arrow means 'imports'", parts)


def reach(arrows):
    """All (a, b) where b is reached from a by one arrow or several."""
    found = set(arrows)
    while more := {(a, d) for a, b in found for c, d in arrows if b == c} - found:
        found |= more
    return found


def figure(notebook, line):
    """The PNG that the cell with this line drew in a committed notebook."""
    cells = json.loads((ROOT / "notebooks" / f"{notebook}.ipynb").read_text("utf-8"))["cells"]
    (cell,) = [cell for cell in cells if line in "".join(cell["source"]) and cell.get("outputs")]
    (drawn,) = [out["data"]["image/png"] for out in cell["outputs"] if "image/png" in out.get("data", {})]
    return base64.b64decode(drawn)


def photograph(page, width, height):
    """A PNG of the head of a page of this width, as Chromium shows it, with 200 colours."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        frame, png = Path(folder) / "frame.html", Path(folder) / "page.png"
        # a window cannot be as narrow as a phone; a frame can
        frame.write_text(f"<body style='margin:0'><iframe src='{Path(page).resolve().as_uri()}' width='{width}' "
                         f"height='{height}' style='border:0' scrolling='no'></iframe>", "utf-8")  # fmt: skip
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={png}"]
        size = f"--window-size={max(width, 600)},{height}"
        subprocess.run(["chromium", *options, size, frame.as_uri()], check=True, capture_output=True)
        picture, result = Image.open(png).convert("RGB").crop((0, 0, width, height)), io.BytesIO()
    picture.quantize(200, dither=Image.Dither.NONE).save(result, "PNG", optimize=True)
    return result.getvalue()


def efficiency(rows, width=900, height=520):
    """Sentences per CPU second (logarithmic) against BLEU; the area of a circle is the size in megabytes."""
    speeds, scores = [row["sentences"] for row in rows], [row["bleu"] for row in rows]
    low, high = math.log10(min(speeds)) - 0.1, math.log10(max(speeds)) + 0.25
    bottom, top = math.floor(min(scores)) - 1, math.ceil(max(scores)) + 1

    def x(speed):
        return round(70 + (width - 100) * (math.log10(speed) - low) / (high - low), 1)

    def y(score):
        return round(height - 60 - (height - 110) * (score - bottom) / (top - bottom), 1)

    parts = [f"<rect width='{width}' height='{height}' fill='white'/>"]
    parts.append(
        text(70, 25, "Filled: SavedModel; rings: CTranslate2. Dark: float, light: int8. Area: megabytes.", 13, "start")
    )
    for score in range(bottom, top + 1, 2):
        parts.append(
            f"<path d='M70 {y(score)}H{width - 30}' stroke='#e2e8f0'/>" + text(60, y(score) + 5, str(score), 12, "end")
        )
    for speed in (20, 50, 100, 200, 500, 1000, 2000, 5000):
        if low <= math.log10(speed) <= high:
            line = f"<path d='M{x(speed)} 50V{height - 60}' stroke='#e2e8f0'/>"
            parts.append(line + text(x(speed), height - 40, str(speed), 12))
    parts.append(text(width / 2, height - 12, "sentences per CPU second, text to text"))
    parts.append(text(20, 45, "BLEU", anchor="start"))
    for row in rows:
        color = COLORS[row["model"]]
        look = f"fill='{color}'" if row["engine"] == "tfllm" else f"fill='none' stroke='{color}' stroke-width='3'"
        radius = round(3 * row["megabytes"] ** 0.5, 1)
        opacity = 0.85 if row["weights"] == "float" else 0.45
        place = f"cx='{x(row['sentences'])}' cy='{y(row['bleu'])}'"
        parts.append(f"<circle {place} r='{radius}' {look} opacity='{opacity}'/>")
        right, above = (radius + 3, 4) if row["weights"] == "float" else (-10, -radius - 4)  # so that labels are apart
        label = f"beam {row['beam']}"
        parts.append(text(x(row["sentences"]) + right, y(row["bleu"]) + above, label, 10, "start"))
    for i, (name, color) in enumerate(COLORS.items()):
        parts.append(text(width - 40, 75 + 18 * i, name, 14, "end", color, "bold"))
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}'>"
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def main():
    if pages := sys.argv[1:]:
        for name, size in PHOTOGRAPHS.items():
            (PICTURES / name).write_bytes(photograph(pages[0], *size))
        return
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / "life_of_a_sentence.svg").write_text(life_of_a_sentence(), "utf-8")
    (PICTURES / "packages.svg").write_text(packages(), "utf-8")
    (PICTURES / "efficiency.svg").write_text(efficiency(json.loads(EFFICIENCY.read_text("utf-8"))), "utf-8")
    for name, where in FIGURES.items():
        (PICTURES / name).write_bytes(figure(*where))


if __name__ == "__main__":
    main()
