"""`tfllm audit subgroups RUN ...`: scores of a classifier in groups of records, see tfllm/audit/subgroups.py."""

from dataclasses import dataclass

from tfllm.cli import sources
from tfllm.cli.audit.check_options import Check, needed
from tfllm.cli.audit.data_report import is_table
from tfllm.cli.screen import log


@dataclass(frozen=True)
class Options(Check):
    """A table of labelled texts with a group for each."""

    TASKS = ("classifier",)
    data: str | None = None  # table .csv, .tsv, .jsonl, or .gz of it
    text: str = "text"  # column of the texts; a number without a header
    label: str = "label"  # column of the labels
    group: str = "group"  # column of the groups
    positive: str | None = None  # the label that counts as positive
    seed: int = 1  # of the bootstrap
    json: bool = False  # print JSON

    def check(self):
        needed("--data", self.data, "the table of texts, labels and groups")
        if not is_table(self.data):
            raise ValueError(f"--data {self.data}: expected a table .csv, .tsv, .jsonl, or .gz of it")
        if self.positive is None:
            raise ValueError("name the label that counts as positive: --positive LABEL")

    def measured(self, model):
        from tfllm.audit.subgroups import subgroup_metrics
        from tfllm.audit.swaps import label_score

        label_score(model, self.positive, "--positive")  # raises ValueError for an unknown label
        multi = model.kind == "multi"
        asked, labels, groups = zip(*self.rows(multi), strict=True)
        right = [self.positive in label.split(model.kinds.separator) if multi else label == self.positive
                 for label in labels]  # fmt: skip
        if not any(right):
            raise ValueError(f"--data {self.data}: no record has the label {self.positive!r} in column {self.label}")
        answers = model.classify(list(asked), verbose=0)
        found = [self.positive in one["label"] if multi else one["label"] == self.positive for one in answers]
        scores = [one["probabilities"][self.positive] for one in answers]
        return subgroup_metrics(right, found, groups, scores, seed=self.seed)

    def rows(self, multi):
        """[(text, label, group)] of the records that have all three, or no label where any number is right."""
        from tfllm.data.reading.readers import record_columns, rows_of

        names = {name: sources.column(getattr(self, name)) for name in ("text", "label", "group")}
        rows = [row for _, row in rows_of(self.data, record_columns(names))]
        whole = [row for row in rows if row[0].strip() and (multi or row[1].strip()) and row[2].strip()]
        if not whole:
            raise ValueError(f"--data {self.data}: no record has {', '.join(names)}")
        if left_out := len(rows) - len(whole):
            log.warning("%s: skipped %d of %d records without %s", self.data, left_out, len(rows), ", ".join(names))
        return whole

    def shown(self, result):
        return str(result)

    def plain(self, result):
        def named(scores):
            return {name: dict(zip(("value", "low", "high"), one, strict=True)) for name, one in scores.items()}

        groups = {name: {"records": result.sizes[name], **named(one)} for name, one in result.groups.items()}
        return {"groups": groups, "gaps": named(result.gaps)}
