"""What the verbs can be told about a translator, and what they do with it."""

from dataclasses import asdict, dataclass, field

from tfllm.cli import pairs
from tfllm.evaluation.translation_scores import TOKENIZERS, checked_tokenizer
from tfllm.tasks.settings import TranslatorConfig
from tfllm.tasks.text_generation.decoding import Decoding

TEXT = "--source F --target F"
ASK = "tfllm generate RUN 'text'"


@dataclass(frozen=True)
class Translation(TranslatorConfig, pairs.PairTraining):
    """Text, tokenizer, model, recipe: the config.yaml of a run."""

    task, measure = "Translator", ("bleu", "BLEU")
    bleu_every: int | None = None  # epochs between BLEU scores of the validation text (greedy), "val_bleu"
    tokenize: TOKENIZERS | None = None  # of BLEU, by sacrebleu's names; none: by the script of the references

    @property
    def scoring(self):
        checked_tokenizer(self.tokenize)
        return {"tokenize": self.tokenize}


@dataclass(frozen=True)
class Evaluation(pairs.Pairs):
    """BLEU and chrF, with signatures and intervals."""

    tokenize: TOKENIZERS | None = None  # of BLEU, by sacrebleu's names; none: by the script of the references
    json: bool = False  # for programs
    decoding: Decoding = field(default_factory=Decoding)

    def scores(self, model):
        return model.score(pairs.records(self), verbose=0, tokenize=self.tokenize, **asdict(self.decoding))


@dataclass(frozen=True)
class Generation:
    """Translations, a line each: line breaks inside one become blanks."""

    batch_size: int = 32  # texts answered at a time, from standard input that is no terminal
    decoding: Decoding = field(default_factory=Decoding)

    def pieces(self, model, texts, first):
        """What to print."""
        for answer in model.generate(texts, verbose=0, row=first, **asdict(self.decoding)):
            yield answer.replace("\n", " ") + "\n"


@dataclass(frozen=True)
class Exporting:
    decoding: Decoding = field(default_factory=Decoding)


Training = Translation
