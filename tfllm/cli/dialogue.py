"""What the verbs can be told about a dialogue generator, and what they do with it."""

from dataclasses import asdict, dataclass, field

from tfllm.cli import asked, sources
from tfllm.cli.fitting import Fitting
from tfllm.tasks.settings import DialogueGeneratorConfig
from tfllm.tasks.text_generation.decoding import Replying
from tfllm.training import Recipe

TEXT = "--dialogues F[,F]"
ASK = "tfllm chat RUN"


@dataclass(frozen=True)
class Files:
    dialogues: tuple[str, ...] | None = None  # files of dialogues, .jsonl or those of DailyDialog, or .gz of them

    def check(self, part="", needed=True):
        """ValueError or OSError unless files are named, and are there."""
        if needed and not self.dialogues:
            raise ValueError("name the dialogues: --dialogues F[,F]")
        sources.there(self, part, "dialogues")


@dataclass(frozen=True)
class DialogueTraining(Fitting, DialogueGeneratorConfig, Files):
    """Files, tokenizer, model, recipe: the config.yaml of a run."""

    valid_dialogues: tuple[str, ...] | None = None  # files to validate on, likewise
    batch_tokens: int | None = None  # tokens in a batch, padding counted; none: sized for the data, 4096 at most
    shapes: int = 6  # padded lengths, at most; XLA compiles each
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def validated(self):
        """Whether files to validate on are named."""
        return self.valid_dialogues is not None

    def check(self):
        super().check()
        super().check("valid_", needed=False)

    def read(self):
        """(training dialogues, dialogues to validate on or None)"""
        return records(self.dialogues), records(self.valid_dialogues)

    def untrained(self, train):
        from tfllm import DialogueGenerator

        return DialogueGenerator.from_text(train, self)

    def sample(self, task, record):
        history, _, _ = record["dialogue"].rpartition("\n")
        history = history or record["dialogue"]
        return f"{' | '.join(history.splitlines()[-2:])} -> {task.generate(history, verbose=0)}"


@dataclass(frozen=True)
class Evaluation(Files):
    """The perplexity of the replies; and the diversity of the model's own to the same histories."""

    most: int | None = 500  # replies that it is asked for, evenly over all; none: all
    json: bool = False  # for programs
    decoding: Replying = field(default_factory=Replying)

    def scores(self, model):
        return model.score(records(self.dialogues), self.most, verbose=0, **asdict(self.decoding))


@dataclass(frozen=True)
class Generation:
    """A reply for each text, which is a history: "Hello | Hi, who are you?"."""

    separator: str = "|"  # between the turns
    batch_size: int = 32  # texts answered at a time, from standard input that is no terminal
    decoding: Replying = field(default_factory=Replying)

    def check(self, texts):
        asked.expect_separator(self.separator)

    def pieces(self, model, texts, first):
        """What to print."""
        histories = [text.replace(self.separator, "\n") for text in asked.strings(texts)]
        options = {"batch_size": self.batch_size, "verbose": 0, "row": first}
        for reply in model.generate(histories, **options, **asdict(self.decoding)):
            yield reply.replace("\n", " ") + "\n"


@dataclass(frozen=True)
class Exporting:
    decoding: Replying = field(default_factory=Replying)  # fixed in the SavedModel


@dataclass(frozen=True)
class Chatting:
    """A talk in the terminal, or with the lines of standard input."""

    system: str | None = None  # the line that the history begins with
    decoding: Replying = field(default_factory=Replying)


Training = DialogueTraining


def records(files):
    from tfllm import data

    return data.dialogues(*files) if files else None
