"""`tfllm audit minimal-pairs RUN ...`: stereotypes of language models, see tfllm/audit/pair_likelihoods.py."""

from dataclasses import dataclass

from tfllm.cli.audit.check_options import Check, needed, share, shares


@dataclass(frozen=True)
class Options(Check):
    """Pairs of sentences."""

    TASKS = ("lm", "pretrain")
    pairs: str | None = None  # .csv with the columns sent_more, sent_less, bias_type, as CrowS-Pairs
    json: bool = False  # print JSON

    def check(self):
        needed("--pairs", self.pairs, "the pairs of sentences")

    def measured(self, model):
        from tfllm.audit import minimal_pairs, read_minimal_pairs

        return minimal_pairs(model, read_minimal_pairs(self.pairs))

    def shown(self, result):
        return shares("stereotype is more likely", result)

    def plain(self, result):
        return {name: share(one) for name, one in result.items()}
