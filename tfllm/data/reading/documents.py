"""Plain text files -> tf.data.Dataset of documents {"text"}, the training data of language models.

Read into memory at once, or streamed, for text that is larger than memory: then each epoch reads the files again, with
some hundred documents in memory. Every file is read once before the training in both cases, so that errors are found
then, with file and line, and the dataset knows its cardinality.
"""

import itertools
import warnings

import tensorflow as tf

from tfllm.data.generators import from_generator
from tfllm.data.reading.opening import iterate_lines, read_text
from tfllm.paths import expanded

TOGETHER = 256  # documents passed to TensorFlow at a time


def text(*paths, documents="file", stream=False):
    """Text files (or .gz), patterns such as "books/*.txt" and folders -> {"text"}, one record per document.

    documents: "file": each file is one, with line breaks; "paragraph": the lines between blank lines are one, joined by
    line breaks; "line": each line that is not blank is one.
    stream=True leaves the text in its files. Names from a pattern or a folder are sorted.

    Raises OSError if a file is missing, FileNotFoundError for a pattern without matches; ValueError with file and line
    for invalid UTF-8 and broken gzip, and if there is no text at all. A file without text gives a warning.
    """
    if documents not in DOCUMENTS:
        raise ValueError(f"documents must be one of {', '.join(DOCUMENTS)}; got {documents!r}")
    files = [file for path in paths for file in expanded(path)]
    split, texts, counts = DOCUMENTS[documents], [], []
    for file in files:
        counts.append(0)
        for document in split(file):
            counts[-1] += 1
            if not stream:
                texts.append(document)
    for file, count in zip(files, counts, strict=True):
        if not count:
            warnings.warn(f"{file}: skipped, the file has no text", stacklevel=2)
    if not sum(counts):
        raise ValueError(f"expected text in {', '.join(map(str, paths)) or 'one or more files'}; got none")
    if stream:
        return _streamed(lambda: itertools.chain.from_iterable(map(split, files)), sum(counts))
    return tf.data.Dataset.from_tensor_slices({"text": tf.constant(texts, tf.string)})


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
