"""Command-line options for dialogue generation."""

from dataclasses import asdict, dataclass, field

from tfllm.cli.sources import Dialogues
from tfllm.cli.tasks import separated
from tfllm.cli.tasks.exporting import ExportForm
from tfllm.cli.tasks.fitting import TokenFitting
from tfllm.cli.tasks.reporting import ReportOptions
from tfllm.tasks.settings import DialogueGeneratorConfig
from tfllm.tasks.text_generation.decoding import Replying

TEXT = "--dialogues F[,F]"
ASK = "tfllm chat RUN"


@dataclass(frozen=True)
class Training(TokenFitting, DialogueGeneratorConfig, Dialogues):
    """Files, tokenizer, model, recipe: the config.yaml of a run."""

    valid_dialogues: tuple[str, ...] | None = None  # validation files, in the same formats

    def untrained(self, train):
        from tfllm import DialogueGenerator

        return DialogueGenerator.from_text(train, self)

    def sample(self, task, record):
        history, _, _ = record["dialogue"].rpartition("\n")
        history = history or record["dialogue"]
        return f"{' | '.join(history.splitlines()[-2:])} -> {task.generate(history, verbose=0)}"


@dataclass(frozen=True)
class Evaluation(Dialogues):
    """Perplexity of the replies, and diversity of the model's own replies to the same histories."""

    most: int | None = 500  # number of replies to generate, evenly spread over all; none: all
    json: bool = False  # print JSON
    decoding: Replying = field(default_factory=Replying)

    def scores(self, model):
        return model.score(self.records(), self.most, verbose=0, **asdict(self.decoding))


@dataclass(frozen=True)
class Decoded:
    decoding: Replying = field(default_factory=Replying)


@dataclass(frozen=True)
class Exporting(ExportForm, Decoded):
    """The form of the export, and its fixed decoding."""


@dataclass(frozen=True)
class Reporting(ReportOptions, Dialogues):
    """One page about a trained model, with scores on these dialogues."""


@dataclass(frozen=True)
class Generation(Decoded):
    """A reply to each text, which is a history: "Hello | Hi, who are you?"."""

    separator: str = "|"  # separates the turns
    batch_size: int = 32  # texts per batch, if standard input is not a terminal

    def check(self, texts):
        separated.expect_separator(self.separator)

    def pieces(self, model, texts, first):
        """What to print."""
        histories = [text.replace(self.separator, "\n") for text in separated.strings(texts)]
        options = {"batch_size": self.batch_size, "verbose": 0, "row": first}
        for reply in model.generate(histories, **options, **asdict(self.decoding)):
            yield reply.replace("\n", " ") + "\n"


@dataclass(frozen=True)
class Chatting(Decoded):
    """Chat in the terminal, or with the lines of standard input."""

    system: str | None = None  # system line, at the start of the history
