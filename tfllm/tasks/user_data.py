"""User data: texts and records in any usual form -> columns of strings, read in one pass.

Accepted are lists and arrays of texts (texts.py), and datasets of strings, tuples or dicts, single or batched.
Everything else raises an error with the index of the record, counted from 0.
"""

import itertools
import logging
import types

import keras
import numpy as np
import tensorflow as tf

from tfllm.endless import counted
from tfllm.ragged import rows_of
from tfllm.tasks.texts import encoded, from_pydataset, is_one, items, refuse_files, shown

WEIGHT = "sample_weight"  # the field with the weight of a record in the loss, a float
CHUNK = 1024  # records read at a time
TEXT_FIELDS = ("text", "source", "target", "facts", "context", "question", "dialogue")

log = logging.getLogger("tfllm")


def is_keras_data(x, with_targets=False):
    """Whether Keras can read x: arrays and tensors of numbers, and datasets or generators of batches.

    with_targets: a dataset must then have tuples, (inputs, targets) or (inputs, targets, weights).
    """
    if isinstance(x, tf.data.Dataset):
        parts = tf.nest.flatten(x.element_spec)
        numbers = all(getattr(part, "dtype", None) != tf.string for part in parts)
        return numbers and (isinstance(x.element_spec, tuple) or not with_targets)
    if isinstance(x, (keras.utils.PyDataset, types.GeneratorType)):
        return True
    if type(x).__module__.startswith("torch."):
        return True
    return is_numeric(x)


def is_numeric(x):
    """Whether x is an array or tensor of numbers with two axes or more, such as token ids, or a nest of these."""
    if isinstance(x, (list, tuple, dict)):
        return len(x) > 0 and all(map(is_numeric, x.values() if isinstance(x, dict) else x))
    if tf.is_tensor(x):
        return x.dtype != tf.string and x.shape.rank not in (0, 1)
    kind = getattr(getattr(x, "dtype", None), "kind", "")
    return kind != "" and kind in "biufc" and getattr(x, "ndim", 0) > 1


def expect_targets(x, y):
    """Raise ValueError for token ids without targets, TypeError for token ids with texts as targets."""
    if is_numeric(x) and y is None:
        raise ValueError("token ids need targets: pass (inputs, targets), the output of `example`, or texts")
    if is_numeric(x) and is_texts(y):
        raise TypeError("x has token ids but y has texts: pass both as texts, or both as the output of `example`")


def is_texts(x):
    """Whether some part of x is text, which `call` cannot read: it takes token ids."""
    parts = tf.nest.flatten(x)
    return any(isinstance(part, (str, bytes)) or _is_of_texts(getattr(part, "dtype", None)) for part in parts)


def _is_of_texts(dtype):
    """For the dtype of a tensor, a symbolic Keras tensor, an array or a pandas Series."""
    return getattr(dtype, "name", dtype) == "string" or getattr(dtype, "kind", "") in ("U", "S", "O")


def materialize(x):
    """A generator of texts -> a list, a PyDataset of texts -> a dataset; other data are returned unchanged."""
    if not isinstance(x, types.GeneratorType):
        return from_pydataset(x)
    begin = list(itertools.islice(x, 1))
    if begin and is_numeric(begin[0]):
        return (item for part in (begin, x) for item in part)
    return [*begin, *counted(x)]


def one_text(x, what="text"):
    """One text -> bytes. Raises TypeError for other types, ValueError for a lone surrogate."""
    return encoded(x, f"the {what}")


def texts(x, what="text"):
    """Texts, or a dataset of them -> a list of bytes."""
    result = list(counted(iter_texts(x, what), known=hasattr(x, "__len__")))
    refuse_files(result, what)
    return result


def iter_texts(x, what="text"):
    """As `texts`, but lazily."""
    x = from_pydataset(x)
    if isinstance(x, tf.data.Dataset):
        parts = from_dataset((what,), x).batch(CHUNK).as_numpy_iterator()
        return (text for part in parts for text in part[what].tolist())
    return items(x, what)


def read(fields, x, y=None, sample_weight=None, who="this method", **options):
    """-> a dataset of {field: string []}, with the field WEIGHT if there are weights.

    x: columns of texts, the last of which may be y; or a tuple or dict of columns; or a dataset. who: the name of the
    task, for messages. options: arguments of `from_dataset`.
    """
    x = from_pydataset(x)
    if isinstance(x, tf.data.Dataset):
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"a dataset contains {', '.join(fields)}, and weights if any, as a tuple or a dict: leave the other "
                "arguments out"
            )
        return from_dataset(fields, x, who, **options)
    parts = named_columns(fields, x)
    if y is not None:
        left = [name for name in fields if name not in parts]
        if not left:
            raise ValueError(f"{who} needs {' and '.join(fields)}: leave the second argument out")
        parts[left[0]] = y
    parts = {name: texts(parts[name], name) for name in fields if name in parts}
    sizes = [len(column) for column in parts.values()]
    if len(parts) != len(fields) or len(set(sizes)) != 1:
        raise ValueError(f"{who} needs {' and '.join(fields)}, the same number of strings each; got {sizes} strings")
    parts = {name: tf.constant(column, tf.string) for name, column in parts.items()}
    if sample_weight is not None:
        parts[WEIGHT] = tf.constant(weights(sample_weight, sizes[0]))
    return tf.data.Dataset.from_tensor_slices(parts)


def named_columns(fields, x):
    """The first argument (one column, or a tuple or dict of columns) -> {field: column}."""
    if isinstance(x, dict):
        return {name: x[name] for name in fields if name in x}
    if isinstance(x, tuple) and 1 < len(x) <= len(fields) and not all(map(is_one, x)):
        return dict(zip(fields, x, strict=False))
    return {fields[0]: x}


def weights(x, size):
    """Sample weights for `size` records -> float32 [size]. Raises ValueError for other shapes and values."""
    result = np.asarray(x)
    result = result[:, 0] if result.ndim == 2 and result.shape[1] == 1 else result
    if result.shape != (size,) or result.dtype.kind not in "biuf" or not (np.isfinite(result) & (result >= 0)).all():
        raise ValueError(
            f"sample_weight must be a number of 0 or more for each of {size} records; got shape {result.shape}, "
            f"{shown(x)}"
        )
    return result.astype("float32")


def from_dataset(fields, dataset, who="this method", allows_sample_weight=False, endless=False, numbers=()):
    """A dataset of strings, tuples or dicts, single or batched -> a dataset of {field: string []}.

    weighable: also keep the field WEIGHT if it is there. endless: accept a dataset that never ends. numbers: fields
    that may be numbers, which are kept as numbers. Raises ValueError for missing fields and wrong types.
    """
    if not endless:
        refuse_endless(dataset, who)
    all_names = (*fields, WEIGHT) if allows_sample_weight else fields
    spec = named(all_names, dataset.element_spec)
    if missing := [name for name in fields if name not in spec]:
        raise ValueError(f"{who} needs records with {list(fields)}; these have {list(spec)}: {missing[0]!r} is missing")
    names = [name for name in all_names if name in spec]
    shapes = [getattr(spec[name], "shape", None) for name in names]
    axes = min(1, shapes[0].rank or 0) if shapes[0] is not None else 0  # 1: batches
    for name in names:
        check_field(name, spec[name], axes, name == WEIGHT or name in numbers)
    single = all(shape.rank == 0 for shape in shapes)

    def chosen(*element):
        parts = named(all_names, element[0] if len(element) == 1 else element)
        parts = {name: parts[name] for name in names}
        if WEIGHT in parts:
            parts[WEIGHT] = tf.cast(parts[WEIGHT], tf.float32)
        return parts if single else {name: tf.reshape(part, [-1]) for name, part in parts.items()}

    if isinstance(dataset.element_spec, dict) and single and set(names) == set(dataset.element_spec):
        return dataset
    result = dataset.map(tf.autograph.experimental.do_not_convert(chosen))
    return result if single else result.unbatch()


def named(fields, element):
    """An element of a dataset, or its spec -> {field: part}; a tuple has the fields in order."""
    if isinstance(element, dict):
        return element
    first, *others = element if isinstance(element, tuple) else (element,)
    result = dict(first) if isinstance(first, dict) else {}
    others = others if result else tf.nest.flatten([first, *others])
    return result | dict(zip((name for name in fields if name not in result), others, strict=False))


def check_field(name, spec, axes, number):
    """Raise ValueError if a field of the records is not text. axes: 0 for single records, 1 for batches."""
    good = isinstance(spec, tf.TensorSpec) and (
        spec.shape.rank in (None, axes) or (spec.shape.rank == axes + 1 and spec.shape[-1] == 1)
    )
    if not good or not (spec.dtype == tf.string or number):
        kind = "a number or a text" if number else "a text"
        raise ValueError(
            f"expected {kind} as {name!r} of each record, or a batch of them; got {spec}. Map the dataset first, "
            "with tf.strings.as_string for numbers, tf.argmax for one-hot labels, tf.strings.reduce_join for tokens"
        )


def refuse_endless(dataset, who="this method"):
    """Raise ValueError for a dataset with infinite cardinality."""
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            f"the dataset never ends, and {who} reads all of it: leave .repeat() out (`epochs` repeats it), or .take(n)"
            "; a LanguageModel is trained on an endless one by fit(..., stream=True, steps_per_epoch=n)"
        )


def check_texts(records, fields):
    """Raise ValueError if all texts of a field are empty; warn if none has two characters.

    Reads up to the first text with two characters; of an endless dataset only the first records.
    """
    records = records.take(CHUNK) if records.cardinality() == tf.data.INFINITE_CARDINALITY else records
    for name in [name for name in fields if name in TEXT_FIELDS]:
        most = 0
        texts = records.map(lambda record, name=name: record[name]).batch(64)
        for part in counted(texts, 64, known=records.cardinality() >= 0):
            part = tf.strings.regex_replace(part, r"[\s\p{Z}]", "")
            most = max(most, int(tf.reduce_max(tf.strings.length(part, unit="UTF8_CHAR"))))
            if most > 1:
                break
        else:
            count = int(records.reduce(0, lambda count, _: count + 1))
            if count and not most:
                raise ValueError(f"nothing to learn from: all {count} texts of {name} are empty")
            if count > 1 and name == fields[0]:
                log.warning("all %d texts of %s have one character: is it one string instead of a list of strings?",
                            count, name)  # fmt: skip


def columns(records, *names):
    """The named fields of all records, read in one pass -> one list of bytes for each.

    One pass keeps the fields of a shuffled dataset aligned.
    """
    parts = records.map(lambda record: {name: record[name] for name in names}).batch(CHUNK)
    parts = list(counted(parts.as_numpy_iterator(), CHUNK, known=records.cardinality() >= 0))
    return [[item for part in parts for item in part[name].tolist()] for name in names]


def strings(records, *names):
    """As `columns`, but lists of str; invalid UTF-8 is replaced."""
    return [[text.decode("utf-8", "replace") for text in column] for column in columns(records, *names)]


def in_memory(records):
    """The records as a dataset in memory, so that the order is the same in every pass."""
    names = list(records.element_spec)
    kinds = [records.element_spec[name].dtype for name in names]
    result = (tf.constant(part, kind) for part, kind in zip(columns(records, *names), kinds, strict=True))
    return tf.data.Dataset.from_tensor_slices(dict(zip(names, result, strict=True)))


def split(records, share):
    """Split off the last `share` of the records for validation, as Keras does -> (train, validation)."""
    if not 0 < share < 1:
        raise ValueError(f"validation_split must be between 0 and 1; got {share}")
    records = in_memory(records)
    size = int(records.cardinality())
    train = round(size * (1 - share))
    if not 0 < train < size:
        raise ValueError(
            f"validation_split={share} of {size} records leaves {train} to train on and {size - train} to validate on: "
            "give more records, another share, or validation_data"
        )
    return records.take(train), records.skip(train)


def with_sample_weights(function):
    """Wrap a function of records so that the weights of its examples are multiplied by WEIGHT, if records have it.

    The function returns (inputs, targets, weights), one row for each record, or (that tuple, flags).
    """

    def weigh(record):
        result = function(record)
        if WEIGHT not in record:
            return result
        (inputs, targets, weights), *flags = [result] if len(result) == 3 else result
        example = inputs, targets, tf.nest.map_structure(lambda part: scaled_rows(part, record[WEIGHT]), weights)
        return (example, *flags) if flags else example

    return weigh


def scaled_rows(part, weights):
    """Multiply each row of a ragged tensor [B, None] by a weight [B]."""
    return part.with_flat_values(part.flat_values * tf.gather(weights, rows_of(part)))
