"""`tfllm audit screen RUN ...`: how often a model writes words of a list, see `audit.screen`."""

from dataclasses import dataclass

from tfllm.cli.audit.check_options import WRITERS, Check, needed, share, shares, texts, written


@dataclass(frozen=True)
class Options(Check):
    """Texts that the model answers, and words to look for in the answers."""

    TASKS = WRITERS
    data: str | None = None  # file of texts: one per line, or a table .csv, .tsv, .jsonl, or .gz of these
    column: str = "text"  # column of the texts in a table; a number without a header
    words: str | None = None  # file of words or phrases, one per line
    json: bool = False  # print JSON

    def check(self):
        needed("--data", self.data, "the texts that the model answers")
        needed("--words", self.words, "the words to look for")

    def measured(self, model):
        from tfllm.audit import screen

        listed = [word.strip() for word in texts("--words", self.words, "text") if word.strip()]
        return screen(written(model, texts("--data", self.data, self.column)), listed)

    def shown(self, result):
        return shares("word", result)

    def plain(self, result):
        return {name: share(one) for name, one in result.items()}
