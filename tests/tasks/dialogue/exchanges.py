"""Six dialogues to memorise, in words that a word tokenizer reproduces exactly."""

import keras
import numpy as np

from tests.reference import dialogues as reference
from tfllm.tasks import DialogueGenerator, DialogueGeneratorConfig

DIALOGUES = [
    "Hello .\nHi , who are you ?\nI am a cat .\nNice .",
    "what ?\nI do not know .",
    "system\tbe kind\nyou are bad !\nI am sorry .",
    "system\tbe rude\nyou are bad !\nSo are you .",
    "四 月 ？\n是 的 。",
    "Bill\tone\nBill\ttwo\nAnn\tthree four",
]
SPEAKERS = ("Ann", "Bill")
LONG = "Hello .\n" + "one two three four " * 9 + "\nwhat ?"


def untrained(model, **options):
    keras.utils.set_random_seed(1)
    options = {"tokenizer": "words", "speakers": SPEAKERS, "reply_length": 8} | options
    return DialogueGenerator.from_text(DIALOGUES, DialogueGeneratorConfig(model=model, **options))


def trained(model, steps):
    """On all dialogues in each step."""
    task = untrained(model)
    task.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    task.fit(task.batches(DIALOGUES, batch_size=16, shapes=1).dataset.cache().repeat(steps), verbose=0)
    return task


def by_loops(task, text):
    """As reference.read, with its first arguments: (encode, end, speakers, capacity, first id)."""

    def encode(text):
        return task.tokenizer.encode([text]).to_list()[0]

    return (encode, task.tokenizer.end, task.speakers, task.history_length, task.form.first), reference.read(
        text, list(task.speakers)
    )


def log_probability(logits, targets):
    """logits [T, V], ids [T] -> the sum of their log-probabilities."""
    logits = np.asarray(logits, np.float64)
    logits = logits - logits.max(axis=1, keepdims=True)
    chances = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return chances[np.arange(len(targets)), targets].sum()
