"""`tfllm audit memorisation RUN ...`: repeated training text, see tfllm/audit/memorisation.py."""

from dataclasses import asdict, dataclass
from statistics import median

from tfllm.cli.audit.check_options import Check, share
from tfllm.cli.sources import Texts

SHOWN = 3  # of the longest overlaps


@dataclass(frozen=True)
class Options(Texts, Check):
    """The training text, and how much is generated."""

    TASKS = ("lm",)
    split: str = "train"  # part of the public data set
    prefix: int = 50  # tokens of a training text that the model is given
    suffix: int = 50  # tokens that it must then write exactly
    samples: int = 20  # texts to write, whose longest overlap with the training text is measured
    max_new_tokens: int = 100  # tokens of each
    temperature: float = 1.0  # of these texts
    seed: int = 1  # of these texts
    json: bool = False  # print JSON

    def check(self, part="", needed=True):
        Texts.check(self, part, needed)
        if not self.temperature > 0:
            raise ValueError(f"--temperature must be above 0; got {self.temperature}")

    def measured(self, model):
        from tfllm.audit import extraction, overlaps

        training = [record["text"].decode("utf-8", "replace") for record in self.records().as_numpy_iterator()]
        found = extraction(model, training, self.prefix, self.suffix)
        options = {"max_new_tokens": self.max_new_tokens, "temperature": self.temperature, "seed": self.seed}
        return found, overlaps(model.generate([""] * self.samples, verbose=0, **options), training)

    def shown(self, result):
        found, runs = result
        sizes = [one.words for one in runs]
        lines = [f"texts continued exactly after {self.prefix} tokens, for {self.suffix}: {found}",
                 f"longest overlap of {len(runs)} written texts with the training text, in words: "
                 f"median {median(sizes):g}, longest {max(sizes)}"]  # fmt: skip
        longest = sorted(runs, key=lambda one: -one.words)[:SHOWN]
        return "\n".join([*lines, *(f"  {one.words}: {one.run}" for one in longest if one.words)])

    def plain(self, result):
        return {"extraction": share(result[0]), "overlaps": [asdict(one) for one in result[1]]}
