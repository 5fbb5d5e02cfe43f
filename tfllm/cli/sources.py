"""Data options of all tasks: which files or public data set they name, whether these exist, and their records.

Options are checked before TensorFlow is imported. Options of the validation data have the prefix "valid_" and are added
by a `Training`: methods take part="" or part="valid_".
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar, Literal

from tfllm.paths import expanded


class Source:
    """Base of a dataclass whose options name files, or a public data set: `tfds` and its part, `split`."""

    FILES: ClassVar[tuple[str, ...]]  # the options that name files
    NAME_IT: ClassVar[str]  # what to write if nothing is named
    folders: ClassVar[bool] = False  # whether folders and patterns are allowed
    COLUMNS: ClassVar[tuple[str, ...]] = ()  # the options that name columns of the table `data`

    def files_named(self, part=""):
        return any(getattr(self, part + name) not in (None, ()) for name in self.FILES)

    def set_named(self, part=""):
        return getattr(self, "tfds", None) is not None and getattr(self, f"{part}split") is not None

    def named(self, part=""):
        """Whether data is named."""
        return self.files_named(part) or self.set_named(part)

    def table_columns(self):
        """{field of a record: its column} of the table `data`. Raises ValueError if there is no table."""
        raise ValueError(f"expected a table of records; the data options are --{', --'.join(self.FILES)}")

    def check(self, part="", needed=True):
        """Raises ValueError or OSError unless exactly one source of data is named and exists."""
        if self.files_named(part) and self.set_named(part):
            raise ValueError(f"use only one of --{part}{self.FILES[0]}, --tfds")
        if needed and not self.named(part):
            raise ValueError(self.NAME_IT)
        split = next((field for field in fields(self) if field.name == f"{part}split"), None)
        if split and self.tfds is None and split.default is None and getattr(self, split.name) is not None:
            raise ValueError(f"--{split.name} needs --tfds NAME; use that, or --{part}{self.FILES[0]} F")
        for name in self.FILES:
            paths = getattr(self, part + name)
            exist(f"--{part}{name}", [paths] if isinstance(paths, str) else paths or (), self.folders)


def expect_folder(option, path):
    """Raises FileNotFoundError if the folder of a file that will be written does not exist."""
    folder = Path(path).expanduser().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{option} {path}: there is no folder {folder}")


def exist(option, paths, folders=False):
    """Raises OSError unless each path is an existing file; with `folders`, a pattern or a folder of texts is allowed.

    Raises ValueError for an empty name.
    """
    for path in paths:
        if not path:  # "" would be the current folder
            raise ValueError(f"{option} is empty: expected the name of a file")
        try:
            files = expanded(path) if folders else [Path(path).expanduser()]
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{option}: {error}") from None
        if not files[0].exists():
            raise FileNotFoundError(f"{option} {path}: there is no such file")
        if files[0].is_dir():
            raise IsADirectoryError(f"{option} {path}: expected a file, it is a folder")


@dataclass(frozen=True)
class Pairs(Source):
    """Pairs of texts: two files, or a table, or a public data set."""

    FILES, COLUMNS = ("source", "target", "data"), ("columns",)
    NAME_IT = "name the text: --source F --target F, or --data F.tsv, or --tfds NAME"
    source: str | None = None  # file of texts, one per line, or .gz of it
    target: str | None = None  # file of their translations or summaries, line by line
    data: str | None = None  # table .tsv, .csv, .jsonl or .gz of it, instead of two files
    tfds: str | None = None  # name of a public data set in tensorflow-datasets, instead of files
    split: str = "test"  # part of the public data set
    # source,target: names in the table or data set, numbers if there is no header
    columns: tuple[str, ...] | None = None

    def check(self, part="", needed=True):
        source, target, table = (getattr(self, part + name) for name in self.FILES)
        if (source is None) != (target is None):
            raise ValueError(f"--{part}source and --{part}target must be used together, with one file each")
        if sum(name is not None for name in (source, table, self.tfds)) > 1:
            raise ValueError(
                f"use only one of --{part}source with --{part}target, which are files, --{part}data and --tfds; "
                "column names belong to --columns source,target"
            )
        if self.columns is not None and len(self.columns) != 2:
            raise ValueError(f"--columns needs two names, source,target; got {','.join(self.columns)}")
        super().check(part, needed)

    def table_columns(self):
        source, target = self.columns or ("source", "target")
        return {"source": column(source), "target": column(target)}

    def records(self, part=""):
        """A dataset of {"source", "target"}, or None if nothing is named."""
        from tfllm import data

        source, target, table = (getattr(self, part + name) for name in self.FILES)
        if source is not None:
            return data.parallel(source, target)
        if table is not None:
            return data.table(table, self.table_columns())
        return data.tfds(self.tfds, getattr(self, f"{part}split"), self.columns) if self.set_named(part) else None


@dataclass(frozen=True)
class Texts(Source):
    """Documents: files, or a public data set."""

    FILES, folders = ("text",), True
    NAME_IT = "name the text: --text F [F ...], or --tfds NAME"
    text: tuple[str, ...] | None = None  # text files, folders of .txt, patterns such as "books/*.txt", or .gz of them
    documents: Literal["file", "paragraph", "line"] = "file"  # what counts as one document in them
    tfds: str | None = None  # name of a public data set in tensorflow-datasets, instead of files
    split: str = "test"  # part of the public data set
    column: str = "text"  # feature of the public data set

    def records(self, part="", stream=False):
        """A dataset of {"text"}, or None if nothing is named. stream: leave the text in its files."""
        from tfllm import data

        text = getattr(self, f"{part}text")
        if text is not None:
            return data.text(*text, documents=self.documents, stream=stream)
        if not self.set_named(part):
            return None
        return data.tfds(self.tfds, getattr(self, f"{part}split"), {"text": self.column})


@dataclass(frozen=True)
class Labelled(Source):
    """Labelled texts: a table, or a public data set."""

    FILES, COLUMNS = ("data",), ("text", "label", "pair")
    NAME_IT = "name the texts: --data F.csv --text COLUMN --label COLUMN, or --tfds NAME"
    data: str | None = None  # table .csv, .tsv, .jsonl or .gz of it
    text: str | None = None  # column of the texts, a number if there is no header; none: text
    label: str | None = None  # column of the labels; none: label
    pair: str | None = None  # column of second texts; none: single texts
    tfds: str | None = None  # name of a public data set in tensorflow-datasets, "glue/rte", instead of a table
    split: str = "test"  # part of the public data set

    def table_columns(self):
        names = {"text": self.text or "text", "label": self.label or "label", "pair": self.pair}
        return {name: column(of) for name, of in names.items() if of is not None}

    def records(self, part="", kind="single", separator="|", labels=None):
        """A dataset of {"text"[, "pair"], "label"}, or None if nothing is named.

        kind, separator, labels: as in `data.labelled`.
        """
        from tfllm import data

        table, label = getattr(self, f"{part}data"), self.label or "label"
        if table is not None:
            columns = [column(name) for name in (self.text or "text", label, self.pair)]
            return data.labelled(table, *columns, kind, separator, labels)
        if not self.set_named(part):
            return None
        return data.labelled_tfds(self.tfds, getattr(self, f"{part}split"), self.text, label, self.pair)


@dataclass(frozen=True)
class Facts(Source):
    """Questions on facts: files of bAbI."""

    FILES = ("babi",)
    NAME_IT = "name the questions: --babi F[,F]"
    babi: tuple[str, ...] | None = None  # files of the bAbI tasks, or .gz of them

    def records(self, part=""):
        """A dataset of {"facts", "question", "answer"}, or None if nothing is named."""
        from tfllm import data

        files = getattr(self, f"{part}babi")
        return data.babi(*files) if files else None


@dataclass(frozen=True)
class Dialogues(Source):
    FILES = ("dialogues",)
    NAME_IT = "name the dialogues: --dialogues F[,F]"
    dialogues: tuple[str, ...] | None = None  # files of dialogues, .jsonl or in DailyDialog's format, or .gz of them

    def records(self, part=""):
        """A dataset of {"dialogue"}, or None if nothing is named."""
        from tfllm import data

        files = getattr(self, f"{part}dialogues")
        return data.dialogues(*files) if files else None


@dataclass(frozen=True)
class Questions(Source):
    """Questions on texts: files in SQuAD's format, or a public data set."""

    FILES = ("squad",)
    NAME_IT = "name the questions: --squad F[,F] or --tfds NAME"
    squad: tuple[str, ...] | None = None  # files in SQuAD's format, version 1.1 or 2.0, or .gz of them
    tfds: str | None = None  # or the name of a public data set: squad, squad/v2.0
    split: str = "validation"  # part of the public data set

    def records(self, part=""):
        """A dataset of {"context", "question", "answers", ...}, or None if nothing is named."""
        from tfllm import data

        files = getattr(self, f"{part}squad")
        if files:
            return data.squad(*files)
        return data.squad_tfds(self.tfds, getattr(self, f"{part}split")) if self.set_named(part) else None


def column(name):
    """A column's name, or its number."""
    return int(name) if name is not None and name.isdigit() else name
