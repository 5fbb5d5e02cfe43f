"""`tfllm audit gender RUN`: gender in translations from English to German, see tfllm/audit/gender_agreement.py."""

from dataclasses import dataclass

from tfllm.cli import sources
from tfllm.cli.audit.check_options import Check, share, shares


@dataclass(frozen=True)
class Options(Check):
    """Sentences about one person."""

    TASKS = ("translation",)
    # file of sentence, gender, stereotype, masculine and feminine noun, separated by tabs; none: the 64 built-in ones
    sentences: str | None = None
    json: bool = False  # print JSON

    def check(self):
        sources.exist("--sentences", [self.sentences] if self.sentences is not None else [])

    def measured(self, model):
        from tfllm.audit import agreement_sentences, translated_gender

        return translated_gender(model, agreement_sentences(self.sentences) if self.sentences is not None else None)

    def shown(self, result):
        from tfllm.audit.gender_agreement import MEANINGS

        return shares("gender is right", {MEANINGS[name]: one for name, one in result.items()})

    def plain(self, result):
        return {name: share(one) for name, one in result.items()}
