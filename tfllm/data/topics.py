"""The built-in text corpus: the topics of Python's manual, part of every Python (`pydoc_data.topics`).

English prose about the language, with its grammar and examples: 0.36 million characters in Python 3.11. The text
depends on the version of Python; the licence is Python's.
Long topics repeat short ones ("compound" contains "if", "for", "try" ...), so a split by topics alone would test on
training text: a paragraph that occurs in several topics is kept in the longest of them only, and a topic with less than
half of its text left is dropped.
"""

import functools
import hashlib

import tensorflow as tf

SHARES = {"valid": 0.1, "test": 0.1, "train": 1.0}  # maximum share of the characters


def python_topics(split="train"):
    """A tf.data.Dataset of the documents of a split, records {"text", "topic"}: "train", "valid" or "test".

    About 80, 10 and 10 % of the characters. No topic and no paragraph is in two splits; a hash of its name assigns each
    topic. Raises ValueError for an unknown split.
    """
    if split not in SHARES:
        raise ValueError(f"split must be one of {', '.join(sorted(SHARES))}; got {split!r}")
    documents = _dealt()[split]
    columns = {"text": [text for _, text in documents], "topic": [name for name, _ in documents]}
    return tf.data.Dataset.from_tensor_slices({name: tf.constant(column) for name, column in columns.items()})


@functools.cache
def _dealt():
    """{split: [(topic, text)]}: each topic goes to the first split that has space left for all of it."""
    mixed = sorted(documents().items(), key=lambda item: hashlib.sha256(item[0].encode()).digest())
    total = sum(len(text) for _, text in mixed)
    remaining, result = {split: share * total for split, share in SHARES.items()}, {split: [] for split in SHARES}
    for name, text in mixed:
        split = next(split for split in SHARES if len(text) <= remaining[split])
        result[split].append((name, text))
        remaining[split] -= len(text)
    return result


def documents():
    """{topic: text}, each paragraph once."""
    from pydoc_data.topics import topics

    result, used = {}, set()
    for name, text in sorted(topics.items(), key=lambda item: (-len(item[1]), item[0])):
        paragraphs = [paragraph for paragraph in text.strip("\n").split("\n\n") if paragraph.strip()]
        own = list(dict.fromkeys(paragraph for paragraph in paragraphs if paragraph.strip() not in used))
        unique = "\n\n".join(own) + "\n"
        if 2 * len(unique) > len(text):
            result[name] = unique
            used |= {paragraph.strip() for paragraph in own}
    return result
