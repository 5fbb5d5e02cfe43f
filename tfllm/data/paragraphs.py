"""The built-in labelled corpus: paragraphs of Python's own manual, labelled with the topic they stand in.

Real prose, about a thousand paragraphs, that needs no network; eight topics of like size, two of them near each other
("types" and "specialnames" are both about the data model). Which text it is depends on the version of Python.
"""

import hashlib

import tensorflow as tf

from tfllm.data.topics import documents

TOPICS = (
    "compound", "debugger", "formatstrings", "specialnames", "string-methods", "types", "typesmapping", "typesseq"
)  # fmt: skip
WORDS = 8  # of a paragraph, at least
TENTHS = {"test": (0,), "valid": (1,), "train": tuple(range(2, 10))}


def python_paragraphs(split="train"):
    """A tf.data.Dataset of {"text", "label"}: "train", "valid" or "test", about 80, 10 and 10 % of the paragraphs.

    Dealt out by a hash of the text, so that no paragraph is in two splits. ValueError for an unknown split.
    """
    if split not in TENTHS:
        raise ValueError(f"python_paragraphs() has the splits {', '.join(sorted(TENTHS))}; it was asked for {split!r}")
    result = [record for record in _paragraphs() if _tenth(record[0]) in TENTHS[split]]
    texts, labels = zip(*sorted(result, key=lambda record: _hash(record[0])), strict=True)  # topics mixed
    return tf.data.Dataset.from_tensor_slices({"text": tf.constant(texts), "label": tf.constant(labels)})


def _paragraphs():
    whole = documents()
    for topic in TOPICS:
        for paragraph in whole[topic].split("\n\n"):
            words = paragraph.split()
            if len(words) >= WORDS:
                yield " ".join(words), topic


def _hash(text):
    return hashlib.sha256(text.encode()).digest()


def _tenth(text):
    return _hash(text)[0] * 10 // 256
