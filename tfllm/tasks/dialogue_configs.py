"""What a dialogue generator is told: its config, how replies are searched for; and the strings it learns from."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tfllm.data.dialogues import SYSTEM
from tfllm.models.big_language_model import BigLanguageModelConfig
from tfllm.models.gpt import GPTConfig
from tfllm.models.lstm_language_model import LSTMLanguageModelConfig
from tfllm.models.seq2seq_rnn import Seq2SeqRNNConfig
from tfllm.models.transformer import TransformerConfig
from tfllm.tasks.decoding import Continuation

SPEAKERS = ("A", "B")
ALL = "all"


@dataclass(frozen=True)
class Replying(Continuation):
    """How a reply is searched for: greedily, where nothing else is said.

    Repetition is of the reply alone: what was said in earlier turns, and that they ended, may be said again.
    """

    of_last_turn: ClassVar[bool] = True
    max_new_tokens: int | None = None  # tokens of a reply, END counted; none: the task's `reply_length`

    def __post_init__(self):
        super().__post_init__()
        if self.prefix or self.max_length != Continuation.max_length:
            raise ValueError("a reply has no prefix, and max_new_tokens for its length, not max_length")


@dataclass(frozen=True)
class DialogueGeneratorConfig:
    """What `DialogueGenerator.from_text` builds."""

    tokenizer: Literal["subwords", "words", "segments", "characters", "bytes"] = "subwords"
    vocab_size: int = 8000  # tokens, at most
    lowercase: bool = False
    speakers: tuple[str, ...] | None = None  # their names, in order; none: those of the data, or A and B
    replies: str = ALL  # what is learned: all replies, or those of the speaker of this name
    history_length: int | None = None  # tokens that a reply may look back at; none: what the model can take, or 256
    reply_length: int = 48  # tokens of a reply, END counted
    label_smoothing: float = 0.0  # epsilon of Vaswani et al. 2017, sec. 5.4
    embeddings: str | None = None  # file of word vectors that the embeddings begin with
    embeddings_trainable: bool | Literal["missing"] = True  # which rows of these are trained; missing: without a vector
    model: GPTConfig | LSTMLanguageModelConfig | BigLanguageModelConfig | Seq2SeqRNNConfig | TransformerConfig = field(
        default_factory=GPTConfig
    )  # the first three read and write one stream of turns; of the others the encoder reads, the decoder replies


SIZES = {
    "tiny": DialogueGeneratorConfig(),
    "lstm": DialogueGeneratorConfig(model=LSTMLanguageModelConfig()),
    "seq2seq": DialogueGeneratorConfig(model=Seq2SeqRNNConfig(pe_target=64, attention="luong")),
}


def strings(records):
    """The dialogues of the records, a list of str (invalid UTF-8 replaced)."""
    groups = records.map(lambda record: record["dialogue"]).batch(1024).as_numpy_iterator()
    return [text.decode("utf-8", "replace") for group in groups for text in group]


def names(texts):
    """The names of speakers in the strings of dialogues, in the order in which they first come."""
    found = {}
    for text in texts:
        for place, line in enumerate(text.split("\n")):
            name, tab, _ = line.partition("\t")
            if tab and (place or name.strip() != SYSTEM):
                found[name.strip()] = True
    return tuple(found)


def lines(texts, speakers):
    """What a tokenizer learns from: each turn, and each mark as often as there are dialogues."""
    for text in texts:
        yield from (f"{name}:" for name in (*speakers, SYSTEM))
        yield from (line.rpartition("\t")[2] for line in text.split("\n") if line.rpartition("\t")[2].strip())
