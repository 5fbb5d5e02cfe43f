"""The options of `tfllm report` that all tasks have; a task adds its data options."""

from dataclasses import dataclass
from pathlib import Path

from tfllm.cli import sources

ENDINGS = {"out": (".html", ".htm"), "json": (".json",), "card": (".md",)}


@dataclass(frozen=True)
class ReportOptions:
    """Base of the dataclass `Reporting` of a task, listed before its Source, whose data is the test data."""

    out: str | None = None  # file for the page, NAME.html; none: report.html in the folder of RUN
    json: str | None = None  # file for the same figures, NAME.json; none: report.json in the folder of RUN
    card: str | None = None  # file for a model card, NAME.md
    license: str | None = None  # of the model, for the card: "Apache-2.0"
    skip: tuple[str, ...] = ()  # sections to leave out: curve,examples,explanations,bias,data,sizes,speed
    group: str | None = None  # column of the table that names a group for each record, to compare groups
    minimal_pairs: str | None = None  # CSV file in CrowS-Pairs' form, for lm and pretrain
    gender_agreement: bool = False  # also test whether a translator from English to German keeps the gender of a person
    bias_label: str | None = None  # label whose probability bias is measured on; none: the last one
    method: str | None = None  # of explanations, as for tfllm explain; none: one that suits the task
    most: int | None = 2000  # test records, at most, evenly spread
    explained: int = 20  # texts for the faithfulness of explanations
    repeats: int = 5  # of the measurement of speed
    seed: int = 1  # of what is drawn

    def check(self):
        """Raises ValueError or OSError for options that do not go together, and for missing files."""
        for name, endings in ENDINGS.items():
            path = getattr(self, name)
            if path is not None and Path(path).suffix not in endings:
                raise ValueError(f"--{name} must end with {endings[0]}; got {path}")
        if self.minimal_pairs is not None:
            sources.exist("--minimal_pairs", [self.minimal_pairs])
        if isinstance(self, sources.Source):
            super().check(needed=False)
        if self.group is not None and getattr(self, "data", None) is None:
            raise ValueError("--group names a column of the table of test data: use it with --data F.csv")
        if self.group is not None:
            self.table_columns()  # raises ValueError without a table

    def test(self, **options):
        """(test records or None, the group of each or None). options: of the Source's `records`."""
        if not isinstance(self, sources.Source) or not self.named():
            return None, None
        if self.group is None:
            return self.records(**options), None
        from tfllm import data

        names = {**self.table_columns(), "group": sources.column(self.group)}
        records = data.table(self.data, names)
        groups = [row["group"].decode("utf-8", "replace") for row in records.as_numpy_iterator()]
        return records.map(lambda row: {name: text for name, text in row.items() if name != "group"}), groups
