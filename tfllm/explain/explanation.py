"""The result of `task.explain`: a score for each token of a text, to print, plot, save and compute with."""

import json
import re
from bisect import bisect_right
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from tfllm.explain import explanation_pages, explanation_plots
from tfllm.explain.explanation_pages import shown
from tfllm.explain.methods.division import Division
from tfllm.files import written

WORD = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff]+|[\u3040-\u30ff\u3400-\u9fff]|[^\w\s]")


@dataclass(frozen=True, eq=False)
class Explanation:
    """How K numbers of an answer depend on the N tokens of a text.

    method       the name of the method;  score  what the numbers are: "log-odds", "probability", ...
    texts        {part: the original text}
    tokens       N Tokens: text, start, end, part; without special tokens
    targets      K names of the numbers: a label; or the tokens of a generated text
    matrix       [K, N];  scores  the same as [N] if there is one number. Above 0: the token speaks for the target
    value, base  [K], the numbers of the text and of one without the tokens; base None if scores need not be complete
    faithfulness see faithfulness.py; None for several numbers, and if it was not requested
    details      further results of the method or the task
    """

    method: str
    score: str
    texts: dict
    tokens: tuple
    targets: tuple
    matrix: np.ndarray
    value: np.ndarray
    base: np.ndarray | None = None
    faithfulness: object = None
    details: dict = field(default_factory=dict)

    @property
    def scores(self):
        return self.matrix[0] if len(self.targets) == 1 else self.matrix

    @property
    def error(self):
        """The greatest |Σ scores - (value - base)| / |value - base|; None if scores need not be complete."""
        if self.base is None:
            return None
        return float(Division(self.matrix, self.value, self.base).error.max(initial=0.0))

    def top(self, count=5):
        """[(token, score)] of the tokens with the highest scores, summed over all numbers, best first."""
        total = self.matrix.sum(axis=0)
        return [(self.tokens[n].text, float(total[n])) for n in np.argsort(-total, kind="stable")[:count]]

    def words(self):
        """The same for whole words instead of tokens: the scores of the tokens of a word are added.

        A word is a run of letters and digits; a Chinese character, a kana or a punctuation mark is a word. A token of
        several words counts for the first of them.
        """
        groups, found = {}, {part: [match.span() for match in WORD.finditer(text)] for part, text in self.texts.items()}
        ends = {part: [end for _, end in spans] for part, spans in found.items()}
        for n, token in enumerate(self.tokens):
            first = bisect_right(ends[token.part], token.start)
            after = found[token.part][first : first + 1]  # the only word that may contain it
            span = after[0] if after and after[0][0] < token.end else (token.start, token.end)
            groups.setdefault((token.part, *span), []).append(n)
        tokens, columns = [], []
        for (part, start, end), members in groups.items():
            start = min([start, *(self.tokens[n].start for n in members if self.tokens[n].text.strip())])
            end = max(end, *(self.tokens[n].end for n in members))
            result = self.texts[part][start:end]
            start, end = start + len(result) - len(result.lstrip()), end - len(result) + len(result.rstrip())
            tokens.append(replace(self.tokens[0], text=self.texts[part][start:end], start=start, end=end, part=part))
            columns.append(self.matrix[:, members].sum(axis=1))
        matrix = np.stack(columns, axis=1) if columns else self.matrix
        return replace(self, tokens=tuple(tokens), matrix=matrix)

    def dict(self):
        """The explanation in JSON types."""
        return {
            "method": self.method, "score": self.score, "texts": dict(self.texts), "targets": list(self.targets),
            "tokens": [asdict(token) for token in self.tokens], "scores": self.matrix.tolist(),
            "value": self.value.tolist(), "base": None if self.base is None else self.base.tolist(),
            "completeness_error": self.error,
            "faithfulness": None if self.faithfulness is None else self.faithfulness.as_dict(),
            "details": self.details,
        }  # fmt: skip

    def html(self):
        """A self-contained page: the text with coloured tokens, or a table of tokens and targets."""
        return explanation_pages.page([self])

    def _repr_html_(self):
        return explanation_pages.section(self)

    def png(self, path):
        """Write a plot, bars or a heat map of several targets; returns its path.

        Raises ImportError without matplotlib.
        """
        return explanation_plots.save(self, path)

    def save(self, path):
        """Write NAME.html, NAME.png or NAME.json; returns the path. Raises ValueError for another ending."""
        path = Path(path)
        if path.suffix == ".png":
            return self.png(path)
        texts = {".html": self.html, ".json": lambda: json.dumps(self.dict(), ensure_ascii=False, indent=2)}
        if path.suffix not in texts:
            raise ValueError(f"an explanation is saved as .html, .png or .json; got {path.name!r}")
        with written(path) as beside:
            beside.write_text(texts[path.suffix]() + "\n", encoding="utf-8")
        return path

    def __str__(self):
        if len(self.targets) == 1:
            rows = [f"{score:+9.4f}  {shown(one.text)}" for one, score in zip(self.tokens, self.scores, strict=True)]
        else:
            rows = [f"{shown(target)}: " + ", ".join(f"{shown(self.tokens[n].text)} {row[n]:+.3f}"
                                                    for n in np.argsort(-row, kind="stable")[:3])
                    for target, row in zip(self.targets, self.matrix, strict=True)]  # fmt: skip
        return "\n".join([*explanation_pages.head(self), *rows])
