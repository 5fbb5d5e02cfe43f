"""Texts and their labels, as users have them -> a tf.data.Dataset of records of strings."""

import numpy as np
import tensorflow as tf

from tfllm.tasks.task import is_text


def is_labelled(x):
    """Whether `records_of` takes it: else it is ready for Keras."""
    if isinstance(x, tf.data.Dataset):
        return isinstance(x.element_spec, dict)
    return is_text(x) or are_pairs(x)


def are_pairs(x):
    """A list of two texts each."""

    def is_pair(row):
        return isinstance(row, (tuple, list)) and len(row) == 2 and is_text(row)

    return isinstance(x, (list, tuple)) and bool(x) and all(map(is_pair, x))


def records_of(x, y=None, separator="|"):
    """-> a dataset of {"text", "label"} or {"text", "pair", "label"}, what is there of them.

    x: such a dataset (other fields are left out), or a list of texts, or one of pairs of texts, beside a list `y` of
    labels: texts, numbers, or where a text has several, lists of texts. Raises ValueError for all else.
    """
    if isinstance(x, tf.data.Dataset):
        return of_dataset(x, y)
    if not is_labelled(x):
        raise ValueError(
            "expected a dataset of records, a list of texts, or a list of pairs of texts; got "
            f"{type(x).__name__} {x!r:.60}"
        )
    if y is None:
        raise ValueError("the labels are missing: give them as a second list, one for each text")
    y = [y] if isinstance(y, (str, bytes)) else list(y)
    columns = {"text": list(x)} if is_text(x) else dict(zip(("text", "pair"), zip(*x, strict=True), strict=True))
    if len(columns["text"]) != len(y) or not y:
        raise ValueError(f"expected one text or more, each with a label; got {len(x)} texts and {len(y)} labels")
    columns["label"] = [label_text(label, separator) for label in y]
    return tf.data.Dataset.from_tensor_slices({name: tf.constant(list(part)) for name, part in columns.items()})


def of_dataset(x, y):
    if y is not None:
        raise ValueError("a dataset of records has its labels in it: leave the second argument out")
    spec = x.element_spec
    if not isinstance(spec, dict) or "text" not in spec:
        raise ValueError(f'expected records with "text"; these have {list(spec) if isinstance(spec, dict) else spec}')
    names = [name for name in ("text", "pair", "label") if name in spec]
    for name in names:
        if getattr(spec[name], "dtype", None) != tf.string or spec[name].shape.rank:
            raise ValueError(
                f"expected a text as {name!r} of each record; it is {spec[name]}. Labels are their names, numbers "
                "their digits: map the dataset with tf.strings.as_string"
            )
    return x.map(lambda record: {name: record[name] for name in names})


def label_text(label, separator):
    if isinstance(label, (list, tuple, set, frozenset)):
        return separator.join(map(str, label))
    if isinstance(label, bytes):
        return label
    if isinstance(label, (str, int, float, np.integer, np.floating)):  # bool is an int
        return str(label)
    raise ValueError(f"a label is a text or a number, or a list of texts; got a {type(label).__name__}: {label!r:.60}")


def column(records, name):
    """The strings of one field, as a list of bytes."""
    parts = records.map(lambda record: record[name]).batch(1024).as_numpy_iterator()
    return [text for part in parts for text in part]
