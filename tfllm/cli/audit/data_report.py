"""`tfllm data-report --train F ...`: sizes, duplicates, leakage, labels, personal data, hidden text of data files."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tfllm.cli import options, sources

USAGE = "tfllm data-report --train F[,F] [--test F[,F]]"
TABLES = (".csv", ".tsv", ".jsonl")


def run(arguments):
    settings, words = options.read(Report, USAGE, arguments)
    options.words([], words)
    settings.act()


def completions():
    return {"": options.values([Report])}


@dataclass(frozen=True)
class Report:
    """Data files to examine."""

    train: tuple[str, ...] | None = None  # a table (.csv, .tsv, .jsonl), or files of aligned lines, or .gz of these
    test: tuple[str, ...] | None = None  # the same of the test data, to look for leakage
    columns: tuple[str, ...] | None = None  # of the tables; names for the files of lines; numbers without a header
    label: str = "label"  # column that has labels, if it is one of the columns
    threshold: float = 0.8  # Jaccard similarity of near duplicates, above 0 to 1
    no_near: bool = False  # do not look for near duplicates (then datasketch is not needed)
    seed: int = 1
    presidio: bool = False  # also find personal data by presidio's recognisers
    spacy_model: str | None = None  # installed spaCy pipeline that finds names and places too, with --presidio
    redact: str | None = None  # folder for copies of the files without personal data
    json: bool = False  # print JSON
    html: str | None = None  # file for the report as a page

    def check(self):
        """Raises ValueError or OSError for options that do not go together and missing files."""
        if not self.train:
            raise ValueError(f"name the training data: {USAGE}")
        if self.spacy_model is not None and not self.presidio:
            raise ValueError("--spacy_model needs --presidio")
        for name in ("train", "test"):
            paths = getattr(self, name) or ()
            sources.exist(f"--{name}", paths)
            if any(map(is_table, paths)):
                if len(paths) > 1:
                    raise ValueError(f"--{name} takes one table, or files of lines; got {', '.join(paths)}")
                if not self.columns:
                    raise ValueError(f"--{name} {paths[0]} is a table: name its columns, --columns text,label")
            elif self.columns and paths and len(self.columns) != len(paths):
                raise ValueError(f"--columns has {len(self.columns)} names for {len(paths)} files of --{name}")

        if self.html is not None:
            sources.expect_folder("--html", self.html)

    def act(self):
        self.check()
        from tfllm import audit
        from tfllm.audit.redacted_files import redacted_copy
        from tfllm.files import written

        files = [*self.train, *(self.test or ())] if self.redact is not None else []
        copies = Counter(redacted_copy(path, self.redact) for path in files)  # may exist already
        if twice := [copy for copy, count in copies.items() if count > 1]:
            raise ValueError(f"--redact: two files would be {twice[0]}; redact them into different folders")
        find = audit.Presidio(self.spacy_model) if self.presidio else audit.personal_data
        train, test = self.read(self.train), self.read(self.test) if self.test else None
        threshold = None if self.no_near else self.threshold
        report = audit.data_report(train, test, self.label, threshold, self.seed, find)
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2) if self.json else report)
        if self.html is not None:
            with written(Path(self.html).expanduser()) as file:
                file.write_text(report.html(), "utf-8")
        for path in files:
            audit.redacted_file(path, self.redact, find)

    def read(self, paths):
        """{column: texts} of a table, or of files of lines that are aligned."""
        from tfllm.data.reading.opening import read_lines
        from tfllm.data.reading.readers import record_columns, rows_of

        if is_table(paths[0]):
            names = [sources.column(name) for name in self.columns]
            rows = rows_of(paths[0], record_columns(dict(zip(self.columns, names, strict=True))))
            return {name: [row[i] for _, row in rows] for i, name in enumerate(self.columns)}
        names = self.columns or ([f"text {i}" for i, _ in enumerate(paths, 1)] if len(paths) > 1 else ["text"])
        return {name: read_lines(path) for name, path in zip(names, paths, strict=True)}


def is_table(path):
    return path.lower().removesuffix(".gz").endswith(TABLES)
