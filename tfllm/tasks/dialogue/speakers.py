"""Named configs of dialogue generators, and the strings that their tokenizers learn from."""

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
    """The speaker names in dialogue strings, in the order of their first turns."""
    result = {}
    for text in texts:
        for position, line in enumerate(text.split("\n")):
            name, tab, _ = line.partition("\t")
            if tab and (position or name.strip() != SYSTEM):
                result[name.strip()] = True
    return tuple(result)


def lines(texts, speakers):
    """The training text of a tokenizer: each turn, and each speaker's tag once per dialogue."""
    for text in texts:
        yield from (f"{name}:" for name in (*speakers, SYSTEM))
        yield from (line.rpartition("\t")[2] for line in text.split("\n") if line.rpartition("\t")[2].strip())
