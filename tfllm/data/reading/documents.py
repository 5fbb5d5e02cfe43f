"""Plain text files -> tf.data.Dataset of documents {"text"}: what a language model is trained on.

Read into memory at once, or streamed, for text that is larger than memory: then each epoch reads the files anew, and
no more than some hundred documents are in memory. Either way every file is read once before the training, so that
faults are found there and named by file and line, and the dataset knows its cardinality.
"""

import itertools
import warnings

import tensorflow as tf

from tfllm.data.generators import from_generator
from tfllm.data.reading.opening import iterate_lines, read_text
from tfllm.paths import expanded

TOGETHER = 256  # documents handed to TensorFlow at a time


def text(*paths, documents="file", stream=False):
    """Text files (or .gz), patterns such as "books/*.txt" and folders -> {"text"}, one record a document.

    documents: "file", each file is one, line breaks included; "paragraph", the lines between blank ones are one,
    joined by line breaks; "line", each line that is not blank is one.
    stream=True leaves the text in its files. Names that a pattern or a folder gives are sorted.

    Raises OSError where a file is missing, FileNotFoundError for a pattern that fits none; ValueError with file and
    line for invalid UTF-8 and broken gzip, and where there is no text at all. A file without text gives a warning.
    """
    if documents not in DOCUMENTS:
        raise ValueError(f"documents must be one of {', '.join(DOCUMENTS)}; got {documents!r}")
    files = [file for path in paths for file in expanded(path)]
    cut, kept, counts = DOCUMENTS[documents], [], []
    for file in files:
        counts.append(0)
        for document in cut(file):
            counts[-1] += 1
            if not stream:
                kept.append(document)
    for file, count in zip(files, counts, strict=True):
        if not count:
            warnings.warn(f"{file}: skipped, there is no text in it", stacklevel=2)
    if not sum(counts):
        raise ValueError(f"expected text in {', '.join(map(str, paths)) or 'one or more files'}; found none")
    if stream:
        return _streamed(lambda: itertools.chain.from_iterable(map(cut, files)), sum(counts))
    return tf.data.Dataset.from_tensor_slices({"text": tf.constant(kept, tf.string)})


def _streamed(iterate, count):
    def groups():
        documents = iterate()
        while group := list(itertools.islice(documents, TOGETHER)):
            yield [document.encode() for document in group]

    dataset = from_generator(groups, tf.TensorSpec([None], tf.string))
    dataset = dataset.unbatch().map(lambda document: {"text": document})
    return dataset.apply(tf.data.experimental.assert_cardinality(count))


def _whole(path):
    text = read_text(path)
    return iter([text] if text.strip() else [])


def _lines(path):
    return (line for line in iterate_lines(path) if line.strip())


def _paragraphs(path):
    for blank, lines in itertools.groupby(iterate_lines(path), key=lambda line: not line.strip()):
        if not blank:
            yield "\n".join(lines)


DOCUMENTS = {"file": _whole, "paragraph": _paragraphs, "line": _lines}
