"""The built-in labelled corpus: paragraphs of Python's manual, labelled with their topic.

About a thousand paragraphs of real prose, without a download; eight topics of similar size, two of them related
("types" and "specialnames" are both about the data model). The text depends on the version of Python.
"""

import hashlib

import tensorflow as tf

from tfllm.data.topics import documents

TOPICS = (
    "compound", "debugger", "formatstrings", "specialnames", "string-methods", "types", "typesmapping", "typesseq"
)  # fmt: skip
WORDS = 8  # minimum length of a paragraph
TENTHS = {"test": (0,), "valid": (1,), "train": tuple(range(2, 10))}


def python_paragraphs(split="train"):
    """A tf.data.Dataset of {"text", "label"}: "train", "valid" or "test", about 80, 10 and 10 % of the paragraphs.

    A hash of the text decides, so that no paragraph is in two splits. Raises ValueError for an unknown split.
    """
    if split not in TENTHS:
        raise ValueError(f"split must be one of {', '.join(sorted(TENTHS))}; got {split!r}")
    result = [record for record in _paragraphs() if _tenth(record[0]) in TENTHS[split]]
    texts, labels = zip(*sorted(result, key=lambda record: _hash(record[0])), strict=True)  # mixes the topics
    return tf.data.Dataset.from_tensor_slices({"text": tf.constant(texts), "label": tf.constant(labels)})


def _paragraphs():
    topics = documents()
    for topic in TOPICS:
        for paragraph in topics[topic].split("\n\n"):
            words = paragraph.split()
            if len(words) >= WORDS:
                yield " ".join(words), topic


def _hash(text):
    return hashlib.sha256(text.encode()).digest()


def _tenth(text):
    return _hash(text)[0] * 10 // 256
