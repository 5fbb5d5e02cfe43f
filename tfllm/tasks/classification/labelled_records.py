"""Texts and their labels in any usual form -> a tf.data.Dataset of records of strings."""

import numbers

import numpy as np
import tensorflow as tf

from tfllm.tasks import user_data
from tfllm.tasks.texts import encoded, is_missing, is_one, remedy, shown

FIELDS = ("text", "pair", "label")


def are_pairs(x):
    """Whether x is a list of pairs of texts."""
    return isinstance(x, (list, tuple)) and len(x) > 0 and all(
        isinstance(row, (tuple, list)) and len(row) == 2 and all(map(is_one, row)) for row in x
    )  # fmt: skip


def records_of(x, y=None, separator="|", sample_weight=None, known=None):
    """-> a dataset of {"text", "label"} or {"text", "pair", "label"} (of the fields that exist), with weights if any.

    x: a dataset of records (other fields are dropped), of (text, label), or of ((text, pair), label), with or without a
    weight at the end, single or batched; or a list of texts, or of pairs of texts, with labels `y`. A label is a text
    or a number, which becomes its digits (1, 1.0 and "1" are one label); for several labels a list of these.
    If a dataset has `class_names`, as of Keras' text_dataset_from_directory, numbers become these names; known: the
    existing labels, if any: with other class names, numbers remain digits.
    Raises ValueError for missing labels and for unequal numbers of texts and labels.
    """
    x = user_data.from_pydataset(x)
    if isinstance(x, tf.data.Dataset):
        names = fields_of(x.element_spec)
        if y is not None:
            raise ValueError("a dataset contains its labels: leave the second argument out")
        result = user_data.read(
            names, x, None, sample_weight, "a classifier", allows_sample_weight=True, numbers=("label",)
        )
        if "label" not in names or result.element_spec["label"].dtype == tf.string:
            return result
        classes = getattr(x, "class_names", None) or ()
        return digits(result, classes if known is None or set(classes) <= set(known) else ())
    columns = user_data.named_columns(FIELDS, x) if isinstance(x, dict) else {"text": x}
    if are_pairs(x):
        columns = dict(zip(FIELDS, zip(*x, strict=True), strict=False))
    y = columns.pop("label", None) if y is None else y
    columns = {name: user_data.texts(part, name) for name, part in columns.items()}
    if y is None:
        raise ValueError("the labels are missing: pass a second list, one label for each text")
    columns["label"] = labels(y, separator)
    sizes = [len(column) for column in columns.values()]
    if len(set(sizes)) != 1 or not sizes[0]:
        raise ValueError(f"expected one text or more, each with a label; got {sizes[0]} texts and {sizes[-1]} labels")
    return user_data.read(tuple(columns), columns, None, sample_weight)


def with_fields(records, fields):
    """Records with these fields and their weights only. Raises ValueError for a missing field."""
    if missing := [name for name in fields if name not in records.element_spec]:
        raise ValueError(
            f"this classifier needs records with {list(fields)}; these have {list(records.element_spec)}: "
            f"{missing[0]!r} is missing"
        )
    names = [name for name in (*fields, user_data.WEIGHT) if name in records.element_spec]
    return records.map(lambda record: {name: record[name] for name in names})


def to_classify(fields, texts, pairs=None):
    """Texts in any form, and second texts if any -> two lists of bytes, the second None for single texts.

    fields: the text fields of the classifier, "text" and perhaps "pair".
    """
    texts = user_data.from_pydataset(texts)
    if isinstance(texts, (tf.data.Dataset, dict)):
        fields_of(getattr(texts, "element_spec", texts))
        records = user_data.read(fields, texts, pairs, who="this classifier")
        return (*user_data.columns(records, *fields), None)[:2]
    if len(fields) == 2 and pairs is None and are_pairs(texts):
        texts, pairs = zip(*texts, strict=True)
    texts, pairs = user_data.texts(texts), None if pairs is None else user_data.texts(pairs, "pair")
    if pairs is not None and len(texts) != len(pairs):
        raise ValueError(
            f"expected one second text for each text; got {len(texts)} texts and {len(pairs)} second texts"
        )
    return texts, pairs


def fields_of(spec):
    """The names in `FIELDS` that the records of a dataset have."""
    if isinstance(spec, dict):
        if "text" not in spec:
            raise ValueError(f'expected records with "text"; these have {list(spec)}')
        return tuple(name for name in FIELDS if name in spec)
    parts = spec if isinstance(spec, tuple) else (spec,)
    first = list(parts[0]) if isinstance(parts[0], dict) else FIELDS[: len(tf.nest.flatten(parts[0]))]
    if len(parts) > 2 and len(first) == 1 and getattr(parts[2], "dtype", None) == tf.string:
        return FIELDS  # (text, pair, label)
    return tuple(name for name in FIELDS if name in first or (name == "label" and len(parts) > 1))


def digits(records, classes=()):
    """Records with numbers as labels -> records with strings: digits, or class names."""
    result = dict(zip(records.element_spec, user_data.columns(records, *records.element_spec), strict=True))
    if classes:
        if wrong := [number for number in result["label"] if number not in range(len(classes))]:
            raise ValueError(
                f"the dataset has the label {wrong[0]!r:.60}, but only {len(classes)} class_names, counted from 0"
            )
        result["label"] = [classes[int(number)] for number in result["label"]]
    result["label"] = labels(result["label"])
    weight = result.pop(user_data.WEIGHT, None)
    return user_data.read(tuple(result), result, None, weight)


def labels(y, separator="|"):
    """Labels in a list, an array, a tensor, a Series or a generator -> a list of bytes."""
    if is_one(y) or isinstance(y, (dict, set, frozenset)) or not hasattr(y, "__iter__"):
        raise TypeError(f"expected a list of labels, one for each text; got {shown(y)}")
    y = y.numpy() if tf.is_tensor(y) else y
    shape = getattr(y, "shape", (None,))
    if len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
        raise ValueError(
            f"expected one label for each text; got a {type(y).__name__} of shape {tuple(shape)}: pass names, such as "
            "[names[i] for i in y.argmax(axis=1)] of one-hot labels, or a list of names for each text"
        )
    y = np.asarray(y).ravel() if len(shape) == 2 else y  # a column, or a table that has one
    return [label_text(label, separator, f"label of record {number}") for number, label in enumerate(y)]


def label_text(label, separator, where):
    """A label -> bytes. A list of labels is joined by the separator. Raises ValueError if a label contains it."""
    if isinstance(label, (list, tuple, set, frozenset)):
        parts = [label_text(one, separator, where) for one in label]
        if wrong := [part for part in parts if separator.encode() in part]:
            raise ValueError(f"{where}: the separator {separator!r} occurs in {wrong[0].decode()!r}: choose another")
        return separator.encode().join(parts)
    if is_missing(label):
        raise ValueError(f"expected a text or a number as {where}; got {shown(label)}: {remedy(label, where)}")
    if isinstance(label, (bool, np.bool_)):
        return str(label).encode()
    if isinstance(label, numbers.Real) and np.isfinite(float(label)):
        return str(int(label) if float(label).is_integer() else label).encode()
    if not is_one(label):
        raise TypeError(
            f"a label must be a text, a number or a list of texts; got {shown(label)} as {where}: "
            f"{remedy(label, where)}"
        )
    return encoded(label, where)
