"""Labelled texts -> tf.data.Dataset of {"text", "label"} or {"text", "pair", "label"}, all strings.

Single labels are names, several labels are joined by a separator, numbers are their digits.
"""

import math

from tfllm.data.reading.public_sources import tfds
from tfllm.data.reading.readers import record_columns, rows_of, without_empty

END = "\x1f"  # follows each text of a JSON list while it is read
KINDS = ("single", "multi", "regression")
GLUE = {  # the text columns of its tasks; the label column is always "label"
    "cola": ("sentence", None), "sst2": ("sentence", None),
    "mrpc": ("sentence1", "sentence2"), "stsb": ("sentence1", "sentence2"), "qqp": ("question1", "question2"),
    "mnli": ("premise", "hypothesis"), "mnli_matched": ("premise", "hypothesis"),
    "mnli_mismatched": ("premise", "hypothesis"), "qnli": ("question", "sentence"),
    "rte": ("sentence1", "sentence2"), "wnli": ("sentence1", "sentence2"), "ax": ("premise", "hypothesis"),
}  # fmt: skip


def labelled(path, text="text", label="label", pair=None, kind="single", separator="|", labels=None):
    """A .csv, .tsv or .jsonl file (or .gz of it) -> records of its columns `text`, `pair` where named, and `label`.

    Columns are names, or numbers from 0 without a header, as in `table`. White space around labels is dropped.
    kind: "single"; "multi": several labels, possibly none, separated by `separator` in the file and in the record, or a
    list in JSON; "regression": numbers.
    labels: the allowed names, such as those of a trained model; default: all.

    Records without a text, or without a label unless several are allowed, are skipped and counted in a warning.
    Raises OSError if the file is missing; ValueError, with file and line, for a label that is not allowed or not a
    number, and as `table`.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}")
    columns = {"text": text, "label": label} if pair is None else {"text": text, "pair": pair, "label": label}
    columns = record_columns(columns)
    numbered = rows_of(path, columns, lists={label: END} if kind == "multi" else {})
    texts = {name: [row[index] for _, row in numbered] for index, name in enumerate(columns)}
    numbers = [number for number, _ in numbered]
    allowed = None if labels is None else [name.decode() if isinstance(name, bytes) else str(name) for name in labels]
    texts["label"] = [
        _label(cell, kind, separator, allowed, f"{path}:{number}")
        for cell, number in zip(texts["label"], numbers, strict=True)
    ]
    return without_empty(texts, numbers, path, may_be_empty=("label",) if kind == "multi" else ())


def _label(cell, kind, separator, allowed, where):
    """The text of the record's label."""
    if kind == "regression":
        return _number(cell.strip(), where)
    cells = cell.split(END)[:-1] if END in cell else cell.split(separator) if kind == "multi" else [cell]
    names = [name for name in dict.fromkeys(cell.strip() for cell in cells) if name]
    for name in names:
        if allowed is not None and name not in allowed:
            raise ValueError(f"{where}: expected one of the labels {', '.join(allowed)}; got {name!r}")
        if kind == "multi" and separator in name:
            raise ValueError(f"{where}: the separator {separator!r} occurs in the label {name!r}: choose another")
    return separator.join(names)


def _number(cell, where):
    try:
        if not cell or math.isfinite(float(cell)):
            return cell
    except ValueError:
        pass
    raise ValueError(f"{where}: expected a number as label; got {cell!r}")


def labelled_tfds(name, split, text=None, label="label", pair=None, data_dir=None):
    """A split of a public set of tensorflow-datasets, "imdb_reviews", "glue/rte" ... -> records as `labelled`.

    text, pair, label: names of features; default: those of the GLUE task, or the set's supervised pair. Labels are
    their names, numbers (glue/stsb) their digits.
    The test sets of GLUE, and imdb_reviews "unsupervised", have no labels (tensorflow-datasets returns -1). They raise
    a ValueError; for predictions read the texts alone: `tfds(name, split, {"text": "sentence"})`. Raises ValueError as
    `tfds`.
    """
    glue, _, task = name.partition(":")[0].partition("/")
    if text is None and glue == "glue":
        text, pair = GLUE.get(task or "cola", (None, None))
    if text is None:
        records = tfds(name, split, None, data_dir)
        records = records.map(lambda record: {"text": record["source"], "label": record["target"]})
    else:
        columns = {"text": text, "label": label} if pair is None else {"text": text, "pair": pair, "label": label}
        records = tfds(name, split, columns, data_dir)
    withheld = ("", "-1") if glue == "glue" else ("",)
    if any(record["label"].decode() in withheld for record in records.take(1).as_numpy_iterator()):
        raise ValueError(
            f"{name}: the labels of the split {split!r} are withheld (-1). Evaluate on another split; "
            "for predictions read the texts alone with tfds()"
        )
    return records
