"""The options that name labelled texts, and reading what they name."""

from dataclasses import dataclass

from tfllm.cli import sources


@dataclass(frozen=True)
class Labelled:
    """One source of labelled texts: a table, or a public set."""

    data: str | None = None  # table .csv, .tsv, .jsonl or .gz of it
    text: str | None = None  # its column of the texts, a number where there is no header; none: text
    label: str | None = None  # its column of the labels, likewise; none: label
    pair: str | None = None  # its column of second texts, likewise; none: there is one text each
    tfds: str | None = None  # public set by its name in tensorflow-datasets, "glue/rte", instead of a table
    split: str = "test"  # the part of the public set

    def check(self, part="", needed=True):
        """ValueError or OSError unless one source of texts is named, and is there. part: "", or "valid_"."""
        table = getattr(self, part + "data")
        if table is not None and self.tfds is not None:
            raise ValueError(f"give one of --{part}data, --tfds")
        if needed and table is None and self.tfds is None:
            raise ValueError("name the texts: --data F.csv --text COLUMN --label COLUMN, or --tfds NAME")
        sources.there(self, part, "data")


def records(settings, part="", kind="single", separator="|", labels=None):
    """A dataset of {"text"[, "pair"], "label"}, or None where nothing is named. part: "", or "valid_".

    kind, separator, labels: as of `data.labelled`.
    """
    from tfllm import data

    table, split = getattr(settings, part + "data"), getattr(settings, part + "split")
    if table is not None:
        columns = [column(name) for name in (settings.text or "text", settings.label or "label", settings.pair)]
        return data.labelled(table, *columns, kind, separator, labels)
    if settings.tfds is None or split is None:
        return None
    return data.labelled_tfds(settings.tfds, split, settings.text, settings.label or "label", settings.pair)


def column(name):
    return int(name) if name is not None and name.isdigit() else name


def held_out(records, share, seed):
    """(records without, records with) a share of them, drawn by the seed. ValueError where one side has none."""
    import numpy as np
    import tensorflow as tf

    columns = records.batch(2**31).get_single_element()
    order = np.random.default_rng(seed).permutation(len(columns["text"]))
    kept = len(order) - round(share * len(order))
    if kept in (0, len(order)):
        raise ValueError(f"--held_out {share} of {len(order)} texts leaves nothing on one side")
    parts = np.sort(order[:kept]), np.sort(order[kept:])
    return tuple(
        tf.data.Dataset.from_tensor_slices({name: tf.gather(texts, part) for name, texts in columns.items()})
        for part in parts
    )
