"""The options that name parallel text, and reading what they name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pairs:
    """One source of pairs: two files, or a table, or a public set."""

    source: str | None = None  # text, a sentence a line, or .gz of it
    target: str | None = None  # its translation, line by line
    data: str | None = None  # table .tsv, .csv, .jsonl or .gz of it, instead of two files
    tfds: str | None = None  # public set by its name in tensorflow-datasets, instead of files
    split: str = "test"  # the part of the public set
    columns: tuple[str, ...] | None = None  # source,target: names in the table or set, numbers where there is no header


def records(settings, part=""):
    """A dataset of {"source", "target"}, or None where nothing is named. part: "", or "valid_" for those options.

    ValueError unless exactly one source of pairs is named whole.
    """
    from tfllm import data

    source, target, table, split = (getattr(settings, part + name) for name in ("source", "target", "data", "split"))
    if (source is None) != (target is None):
        raise ValueError(f"--{part}source and --{part}target go together: one file each")
    if sum(name is not None for name in (source, table, settings.tfds)) > 1:
        raise ValueError(f"give one of --{part}source with --{part}target, --{part}data, --tfds")
    columns = settings.columns
    if columns is not None and len(columns) != 2:
        raise ValueError(f"--columns are two, source,target; got {','.join(columns)}")
    if source is not None:
        return data.parallel(source, target)
    if table is not None:
        return data.table(table, [int(name) if name.isdigit() else name for name in columns or ("source", "target")])
    return data.tfds(settings.tfds, split, columns) if settings.tfds else None


def some(settings):
    """`records` that must be there."""
    found = records(settings)
    if found is None:
        raise ValueError("name the text: --source F --target F, or --data F.tsv, or --tfds NAME")
    return found
