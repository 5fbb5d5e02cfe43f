"""The sizes of dialogue generators, and the strings that they learn from."""

from tfllm.data.reading.dialogues import SYSTEM
from tfllm.models.configs import LSTMLanguageModelConfig, Seq2SeqRNNConfig
from tfllm.tasks.settings import DialogueGeneratorConfig

SPEAKERS = ("A", "B")
ALL = "all"


SIZES = {
    "tiny": DialogueGeneratorConfig(),
    "lstm": DialogueGeneratorConfig(model=LSTMLanguageModelConfig()),
    "seq2seq": DialogueGeneratorConfig(model=Seq2SeqRNNConfig(pe_target=64, attention="luong")),
}


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
