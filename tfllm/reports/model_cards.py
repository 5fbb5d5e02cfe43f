"""A model card in Markdown: what a model is, what it was trained on, how good it is, and what it is not for.

After Mitchell et al. 2019, "Model cards for model reporting", in the form that Hugging Face's hub reads: a head of
YAML, then sections. Scores are those of a report, or those recorded in the training.
"""

from tfllm.reports.known_facts import RunFacts, bytes_shown, size_rows
from tfllm.reports.report_parts import Section

UNKNOWN = "unknown"
USES = {
    "Translator": "translates texts of the kind that it was trained on",
    "Summarizer": "writes short summaries of texts of the kind that it was trained on",
    "TextClassifier": "gives texts one of its labels",
    "LanguageModel": "continues texts in the manner of its training text",
    "QuestionAnswering": "answers questions by a part of a given text",
    "FactAnswering": "answers questions about given facts",
    "DialogueGenerator": "replies to a dialogue in the manner of its training dialogues",
    "MaskedLanguageModel": "fills masked words, and is a start for other models",
    "Denoiser": "fills gaps, and is a start for other models",
}
LIMITS = {
    "Translator": "It can leave out or invent content; nothing checks that a translation is right.",
    "Summarizer": "It can state what the text does not say.",
    "TextClassifier": "It gives one of its labels to every text, also to texts that fit none of them.",
    "LanguageModel": "What it writes can be false, offensive, or a part of its training text.",
    "QuestionAnswering": "It finds likely parts of the text; it does not know whether the text is right.",
    "FactAnswering": "It knows the given facts only, and words of its vocabulary.",
    "DialogueGenerator": "What it says can be false, offensive, or a part of its training dialogues.",
}


def model_card(facts: RunFacts, sections: dict[str, Section] | None = None, license: str | None = None) -> str:
    """The card. sections: of a report, for scores with intervals, and bias; license: a name or SPDX identifier."""
    sections = sections or {}
    title = facts.name or facts.task
    lines = ["---", f"license: {license or UNKNOWN}", "library_name: tfllm", "tags:", f"- {facts.task}", "---", ""]
    use, version = USES.get(facts.task, "has a task of its own"), facts.versions.get("tfllm", "")
    lines += [f"# {title}", "", f"A `{facts.task}` on a `{facts.model}`, made with tfllm {version}; it {use}.", ""]
    lines += ["## Model", "", *table(["", "size"], sizes(facts))]
    lines += ["## Training", "", *training(facts)]
    lines += ["## Scores", "", *scores(facts, sections.get("scores"))]
    if (speed := sections.get("speed")) and speed.figures:
        lines += ["## Speed", "", *figures(speed)]
    lines += ["## Bias", "", *bias(sections.get("bias"))]
    lines += ["## Limits", "", *limits(facts)]
    lines += ["## Licence", "", license or "Not stated: fill in the licence of the model, and that of its data.", ""]
    return "\n".join(lines)


def sizes(facts):
    rows = size_rows(facts)
    rows += [["labels", ", ".join(facts.labels[:20]) + (" ..." if len(facts.labels) > 20 else "")]] * bool(facts.labels)
    if model := next((facts.files[name] for name in ("best.keras", "last.keras") if name in facts.files), None):
        rows.append(["file", bytes_shown(model)])
    return rows


def training(facts):
    if not facts.epochs:
        return ["Not known: the model did not come from a run of `tfllm train`.", ""]
    best = f", the best of them {facts.best_epoch}" if facts.best_epoch else ""
    lines = [f"{facts.epochs} epochs{best}; {facts.updates:,} updates; {facts.seconds / 60:.1f} minutes.", ""]
    if facts.data:
        lines += table(["data", "size"], [[name, text] for name, text in facts.data.items()])
    return lines


def scores(facts, section):
    if section is not None and section.figures:
        return figures(section)
    rows = [[name, f"{value:.4g}"] for name, value in facts.recorded.items()]
    if not rows:
        return ["Not measured.", ""]
    epoch = facts.best_epoch or facts.epochs
    note = (f"Recorded in the training, epoch {epoch}; `val_` on the validation data, which chose this epoch. Without "
            "intervals: `tfllm report RUN` measures them on test data.")  # fmt: skip
    return [note, "", *table(["score", "value"], rows)]


def bias(section):
    if section is None or not section.figures:
        why = f": {section.reason}" if section is not None and section.reason else ""
        return [f"Not measured{why}.", ""]
    tables = [line for one in section.tables for line in (f"{one.title[:1].upper()}{one.title[1:]}:", "",
                                                         *table(one.head, one.rows))]  # fmt: skip
    return figures(section) + tables + [line for note in section.notes for line in (note, "")]


def limits(facts):
    lines = [LIMITS[facts.task]] if facts.task in LIMITS else []
    if facts.limit:
        lines.append(f"It reads at most {facts.limit:,} tokens of a text; the rest has no effect.")
    lines.append("It is meant for texts of the language and kind of its training data; others were not tested.")
    lines.append(
        "Scores describe the test data alone. Do not use it for decisions about people without tests of your own."
    )
    return [f"- {line}" for line in lines] + [""]


def figures(section):
    rows = []
    for one in section.figures:
        signature = f"; `{one.signature}`" if one.signature else ""
        ends = f"{one.shown_interval} ({one.how}{signature})" if one.interval else one.how
        rows.append([one.name, one.shown, ends, f"{one.size:,} {one.unit}"])
    return table(["score", "value", "95 % interval", "sample"], rows)


def table(head, rows):
    """A Markdown table and an empty line."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in lines] + [
        ""
    ]
