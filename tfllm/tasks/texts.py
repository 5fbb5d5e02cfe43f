"""What counts as one text and as many texts, and the error messages for everything else.

One text is str or bytes, or a string tensor or array without an axis. Many texts are a list, a tuple, a NumPy array, a
string tensor, a pandas Series or a generator. Records are counted from 0. A keras.utils.PyDataset of texts is read
once, in order, without its shuffling in `on_epoch_end`; `fit` shuffles.
"""

import logging
import os
import re

import keras
import numpy as np
import tensorflow as tf

PATH = re.compile(r"[^\s]+\.[A-Za-z]\w{0,6}|(~|\.{0,2})[/\\][^\s]+")
FILE = re.compile(r"[^\s]+\.(txt|text|csv|tsv|jsonl?|gz|xml|html?|md|tok|src|tgt|[a-z]{2})")  # train.de matches
log = logging.getLogger("tfllm")

READERS = {
    "source": "parallel(source_path, target_path) or table(path)", "context": "squad(path)", "facts": "babi(path)",
    "dialogue": "dialogues(path)", "label": "labelled(path)", "text": "text(path), or labelled(path) of a classifier",
}  # fmt: skip


def is_one(x):
    """Whether x is one text: str, bytes, or a string tensor or array without an axis."""
    if isinstance(x, (str, bytes)):
        return True
    if isinstance(x, np.ndarray):
        return x.ndim == 0 and x.dtype.kind in "US"
    return tf.is_tensor(x) and x.dtype == tf.string and x.shape.rank == 0


def items(x, what="text"):
    """A list, tuple, array, tensor, Series or generator of texts -> bytes, lazily. Raises TypeError for other types."""
    refuse_single(x, what)
    if len(getattr(x, "shape", (None,))) != 1:
        raise TypeError(
            f"expected a list of texts as {what}; got a {type(x).__name__} of shape {tuple(x.shape)}: select one "
            f"column, such as table[{what!r}] or array[:, 0]"
        )
    if isinstance(x, (dict, set, frozenset, bytearray, memoryview, type)) or not hasattr(x, "__iter__"):
        raise TypeError(f"expected a list of texts as {what}; got {shown(x)}: write [text, ...]")
    for number, item in enumerate(x.numpy() if tf.is_tensor(x) else x):
        yield encoded(item, f"{what} of record {number}")


def encoded(item, where):
    """A text -> bytes. where: how a message names the text. Raises TypeError for other types, ValueError for a lone
    surrogate.
    """
    if isinstance(item, str):
        try:
            return item.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{where} contains a lone surrogate, {error.object[error.start]!a}, which is no character: "
                "use text.encode('utf-8', 'replace').decode()"
            ) from None
    if isinstance(item, bytes):
        return bytes(item)
    if is_one(item):
        return encoded(item.numpy() if tf.is_tensor(item) else item.item(), where)
    raise TypeError(f"expected a text (str or bytes) as {where}; got {shown(item)}: {remedy(item, where)}")


def decoded(column):
    """A list of bytes -> a list of str; invalid UTF-8 is replaced."""
    return [text.decode("utf-8", "replace") for text in column]


def shown(x):
    return "None" if x is None else f"{type(x).__name__} {' '.join(repr(x).split()):.60}"


def remedy(item, where):
    """The advice for an item that is not text. where: begins with the name of the field."""
    field = where.split()[0]
    if item is None or is_missing(item):
        return "leave out missing values"
    if isinstance(item, dict):
        return f"use [record[{field!r}] for record in records], or a dataset of records"
    if isinstance(item, (list, tuple)) and field == "dialogue":
        return "make one text of a dialogue with tfllm.data.dialogue(turns)"
    if isinstance(item, tuple) and field in ("source", "facts") and len(item) > 1 and all(map(is_one, item)):
        return "pass columns instead of rows, zip(*rows)"
    if isinstance(item, (list, tuple)) and item and all(map(is_one, item)):
        return "join the words to one text, ' '.join(words)"
    if isinstance(item, os.PathLike):
        return "read the file first, see tfllm.data"
    if isinstance(item, (bytearray, memoryview)):
        return "convert it with bytes(...)"
    if isinstance(item, (list, tuple, np.ndarray)) or tf.is_tensor(item):
        return "tokenizer.decode converts token ids to texts"
    return "convert it with str(...) if that is the intended text"


def is_missing(item):
    """Whether item is NaN, NaT, pandas' NA or a masked NumPy value."""
    if isinstance(item, (float, np.floating)):
        return bool(np.isnan(item))
    if isinstance(item, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(item))
    return item is np.ma.masked or type(item).__name__ in ("NAType", "NaTType")


def refuse_single(x, what):
    """Raise TypeError for a path, or for one text, if a list of texts is expected."""
    name = os.fspath(x) if isinstance(x, os.PathLike) else x
    if isinstance(name, (str, bytes)):
        text = os.fsdecode(name) if isinstance(name, bytes) else name
        if name is not x or is_file(text) or PATH.fullmatch(text):
            raise TypeError(f"expected a list of texts as {what}; got the path {shown_path(text)}: {advice(what)}")
    if is_one(x):
        raise TypeError(f"expected a list of texts as {what}; got one text: use [{x!r:.60}]")


def refuse_files(result, what):
    """Raise TypeError if there are few texts and each one names an existing file."""
    if 0 < len(result) <= 8 and all(map(is_file, result)):
        raise TypeError(f"expected texts as {what}; got the path {shown_path(result[0])}: {advice(what)}")


def warn_names(texts):
    """Log a warning if there are few texts to learn from and all of them look like names of missing files."""
    if isinstance(texts, tf.data.Dataset):
        texts = list(texts.take(9).as_numpy_iterator())
    if not isinstance(texts, list):
        return
    names = [text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text) for text in texts[:9]]
    if 0 < len(names) <= 8 and all(map(FILE.fullmatch, names)):
        log.warning(
            "the training text is %s, which looks like a file name, but there is no such file; pass texts, not "
            "file names; tfllm.data reads files", shown_path(names[0]),
        )  # fmt: skip


def is_file(text):
    """Whether a text names an existing file."""
    try:
        return 0 < len(text) < 1000 and os.path.isfile(text)
    except ValueError:  # a null byte
        return False


def shown_path(text):
    return repr(os.fsdecode(text))


def advice(what):
    same = {"target": "source", "question": "context", "pair": "text"}
    return f"read the file first, with tfllm.data.{READERS.get(same.get(what, what), READERS['text'])}"


def from_pydataset(x):
    """A PyDataset of texts -> a tf.data.Dataset of its records; other data are returned unchanged.

    Raises ValueError for a PyDataset without an end.
    """
    if not isinstance(x, keras.utils.PyDataset):
        return x
    first = x[0]
    if not any(map(_is_text, tf.nest.flatten(first))):
        return x
    if x.num_batches is None:
        raise ValueError(f"the {type(x).__name__} never ends, but all of its texts are read: define its __len__")
    batches = [first, *(x[number] for number in range(1, x.num_batches))]
    return tf.data.Dataset.from_tensor_slices(_joined(batches))


def _joined(parts):
    """Batches of one structure (dicts and tuples of columns) -> that structure with whole columns."""
    if isinstance(parts[0], dict):
        return {name: _joined([part[name] for part in parts]) for name in parts[0]}
    if isinstance(parts[0], tuple) and not all(map(is_one, parts[0])):
        columns = [_joined(column) for column in zip(*parts, strict=True)]
        return columns[0] if len(columns) == 1 else tuple(columns)
    if any(map(_is_text, tf.nest.flatten(parts[0]))):
        return tf.constant([text for part in parts for text in items(part)], tf.string)
    return np.concatenate([np.asarray(part) for part in parts])


def _is_text(part):
    dtype = getattr(part, "dtype", None)
    return isinstance(part, (str, bytes)) or dtype == tf.string or getattr(dtype, "kind", "") in ("U", "S", "O")
