"""`tfllm audit swaps RUN ...`: counterfactual swaps, see tfllm/audit/swaps.py."""

from dataclasses import dataclass

from tfllm.cli import run_folder, sources
from tfllm.cli.audit.check_options import WRITERS, Check, needed, texts, written


@dataclass(frozen=True)
class Options(Check):
    """Texts, and the score that is compared."""

    TASKS = ("classifier", *WRITERS)
    data: str | None = None  # file of texts: one per line, or a table .csv, .tsv, .jsonl, or .gz of these
    column: str = "text"  # column of the texts in a table; a number without a header
    label: str | None = None  # label whose probability is compared; none: for a regression, its number
    judge: str | None = None  # run of a classifier that scores what RUN writes, if RUN is no classifier
    # names, such as en_gender, or files with two words a line, separated by a tab; none: all built-in lists
    lists: tuple[str, ...] | None = None
    seed: int = 1  # of the bootstrap
    json: bool = False  # print JSON

    def check(self):
        from tfllm.audit.swaps import LISTS

        needed("--data", self.data, "the texts")
        for name in self.lists or ():
            if name not in LISTS:
                try:
                    sources.exist("--lists", [name])
                except FileNotFoundError:
                    known = ", ".join(LISTS)
                    raise FileNotFoundError(f"--lists {name}: neither a file nor one of {known}") from None
        if self.judge is not None and (task := run_folder.task_of(run_folder.path(self.judge))) != "classifier":
            raise ValueError(f"--judge {self.judge} must be a run of classifier; it is a run of {task}")

    def check_task(self, task):
        if task != "classifier" and self.judge is None:
            raise ValueError(f"a run of {task} writes text: name a classifier that scores it, --judge RUN")
        if task == "classifier" and self.judge is not None:
            raise ValueError("--judge scores what a model writes; this run is a classifier itself")

    def measured(self, model):
        from tfllm.audit.swaps import LISTS, counterfactuals, label_score, word_pairs

        score = label_score(model if self.judge is None else run_folder.best(self.judge), self.label, "--label")
        whole = score if self.judge is None else lambda asked: score(written(model, asked))
        lists = {name: word_pairs(name) for name in self.lists or LISTS}
        asked = [text for text in texts("--data", self.data, self.column) if text.strip()]
        return counterfactuals(whole, asked, lists, self.seed)

    def shown(self, result):
        from tfllm.audit.swaps import LISTS
        from tfllm.audit.text_tables import aligned

        rows = [("list", "texts", "before", "after", "difference", "95 %", "absolute", "p", "p (Holm)")]
        for name, one in result.items():
            numbers = (f"{one.texts:,}", f"{one.before:.4f}", f"{one.after:.4f}", f"{one.difference:+.4f}")
            rows.append((name, *numbers, "{:+.4f} to {:+.4f}".format(*one.interval), f"{one.absolute:.4f}",
                         f"{one.p_value:.2g}", f"{one.corrected:.2g}"))  # fmt: skip
        without = [name for name in self.lists or LISTS if name not in result]
        note = [f"no text has a word of {', '.join(without)}"] if without else []
        return "\n".join([aligned(rows), *note])
