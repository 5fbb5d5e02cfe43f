"""The gate for what users hand over: texts and records in any usual form -> columns of strings, read in one pass.

Read are lists and arrays of texts (texts.py), and datasets of strings, of tuples, or of dicts, single or batched. All
else is refused with the number of its record, counted from 0.
"""

import itertools
import logging
import types

import keras
import numpy as np
import tensorflow as tf

from tfllm.endless import counted
from tfllm.ragged import rows_of
from tfllm.tasks.batch_sequences import opened
from tfllm.tasks.texts import encoded, is_one, items, refuse_files, shown

WEIGHT = "sample_weight"  # the field of a record that is its weight in the loss, a float
GROUP = 1024  # records that are read together
READ = ("text", "source", "target", "facts", "context", "question", "dialogue")  # fields that are more than a letter

log = logging.getLogger("tfllm")


# Which way data goes


def is_ready(x, with_targets=False):
    """Whether x is ready for Keras: arrays and tensors of numbers, and what gives these in batches.

    with_targets: of a dataset only tuples are, (inputs, targets) or (inputs, targets, weights).
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
    """An array or tensor of numbers with two axes or more, as token ids are; or a nest of nothing else."""
    if isinstance(x, (list, tuple, dict)):
        return len(x) > 0 and all(map(is_numeric, x.values() if isinstance(x, dict) else x))
    if tf.is_tensor(x):
        return x.dtype != tf.string and x.shape.rank not in (0, 1)
    kind = getattr(getattr(x, "dtype", None), "kind", "")
    return kind != "" and kind in "biufc" and getattr(x, "ndim", 0) > 1


def expect_targets(x, y):
    """ValueError where token ids come without targets, TypeError where these are texts."""
    if is_numeric(x) and y is None:
        raise ValueError("token ids need targets beside them: give (inputs, targets) as `example` makes them, or texts")
    if is_numeric(x) and is_texts(y):
        raise TypeError("x has token ids and y texts: give both as texts, or both as numbers as `example` makes them")


def is_texts(x):
    """Whether some part of x is a text: what `call`, which takes token ids, cannot read."""
    parts = tf.nest.flatten(x)
    return any(isinstance(part, (str, bytes)) or _is_of_texts(getattr(part, "dtype", None)) for part in parts)


def _is_of_texts(dtype):
    """Of a tensor, of Keras' symbolic one, of an array, of a pandas Series."""
    return getattr(dtype, "name", dtype) == "string" or getattr(dtype, "kind", "") in ("U", "S", "O")


def held(x):
    """A generator of texts as a list, a PyDataset of texts as a dataset; those for Keras, and all else, as they are."""
    if not isinstance(x, types.GeneratorType):
        return opened(x)
    begin = list(itertools.islice(x, 1))
    if begin and is_numeric(begin[0]):
        return (item for part in (begin, x) for item in part)
    return [*begin, *counted(x)]


# Texts


def one(x, what="text"):
    """One text -> bytes. TypeError for anything else, ValueError for half a character."""
    return encoded(x, f"the {what}")


def texts(x, what="text"):
    """Texts, or a dataset of them -> a list of bytes."""
    found = list(counted(each(x, what), known=hasattr(x, "__len__")))
    refuse_files(found, what)
    return found


def each(x, what="text"):
    """As `texts`, one after the other."""
    x = opened(x)
    if isinstance(x, tf.data.Dataset):
        parts = of_dataset((what,), x).batch(GROUP).as_numpy_iterator()
        return (text for part in parts for text in part[what].tolist())
    return items(x, what)


# Records


def read(fields, x, y=None, sample_weight=None, who="this method", **options):
    """-> a dataset of {field: string []}, with WEIGHT where there are weights.

    x: columns of texts, the last one as y; or a tuple or dict of columns; or a dataset. who: the task, for messages.
    options: of `of_dataset`.
    """
    x = opened(x)
    if isinstance(x, tf.data.Dataset):
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"a dataset has {', '.join(fields)} in it, and weights if any, in a tuple or a dict: leave the other "
                "arguments out"
            )
        return of_dataset(fields, x, who, **options)
    parts = apart(fields, x)
    if y is not None:
        left = [name for name in fields if name not in parts]
        if not left:
            raise ValueError(f"{who} needs {' and '.join(fields)}: leave the second argument out")
        parts[left[0]] = y
    parts = {name: texts(parts[name], name) for name in fields if name in parts}
    sizes = [len(column) for column in parts.values()]
    if len(parts) != len(fields) or len(set(sizes)) != 1:
        raise ValueError(f"{who} needs {' and '.join(fields)}, equally many strings; got {sizes} strings")
    parts = {name: tf.constant(column, tf.string) for name, column in parts.items()}
    if sample_weight is not None:
        parts[WEIGHT] = tf.constant(weights(sample_weight, sizes[0]))
    return tf.data.Dataset.from_tensor_slices(parts)


def apart(fields, x):
    """What stands in the first argument: one column, or a tuple or a dict of columns -> {field: column}."""
    if isinstance(x, dict):
        return {name: x[name] for name in fields if name in x}
    if isinstance(x, tuple) and 1 < len(x) <= len(fields) and not all(map(is_one, x)):
        return dict(zip(fields, x, strict=False))
    return {fields[0]: x}


def weights(x, size):
    """Numbers, one for each of so many records -> float32 [size]."""
    found = np.asarray(x)
    found = found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
    if found.shape != (size,) or found.dtype.kind not in "biuf" or not (np.isfinite(found) & (found >= 0)).all():
        raise ValueError(
            f"sample_weight is a number of 0 or more for each of {size} records; got shape {found.shape}, {shown(x)}"
        )
    return found.astype("float32")


def of_dataset(fields, dataset, who="this method", weighable=False, endless=False, numbers=()):
    """A dataset of strings, tuples or dicts, single or batched -> one of {field: string []}.

    weighable: WEIGHT is taken too, where it is there. endless: whether a dataset without an end will do. numbers:
    fields that may be numbers, and stay them.
    """
    if not endless:
        refuse_endless(dataset, who)
    all_names = (*fields, WEIGHT) if weighable else fields
    spec = named(all_names, dataset.element_spec)
    if missing := [name for name in fields if name not in spec]:
        raise ValueError(
            f"{who} needs records with {list(fields)}; these have {list(spec)}, so that {missing[0]!r} is missing"
        )
    names = [name for name in all_names if name in spec]
    shapes = [getattr(spec[name], "shape", None) for name in names]
    axes = min(1, shapes[0].rank or 0) if shapes[0] is not None else 0  # 1: batches
    for name in names:
        expect(name, spec[name], axes, name == WEIGHT or name in numbers)
    single = all(shape.rank == 0 for shape in shapes)

    def chosen(*element):
        parts = named(all_names, element[0] if len(element) == 1 else element)
        parts = {name: parts[name] for name in names}
        if WEIGHT in parts:
            parts[WEIGHT] = tf.cast(parts[WEIGHT], tf.float32)
        return parts if single else {name: tf.reshape(part, [-1]) for name, part in parts.items()}

    if isinstance(dataset.element_spec, dict) and single and set(names) == set(dataset.element_spec):
        return dataset
    found = dataset.map(tf.autograph.experimental.do_not_convert(chosen))
    return found if single else found.unbatch()


def named(fields, element):
    """An element of a dataset, or its spec -> {field: part}: a tuple has the fields in their order."""
    if isinstance(element, dict):
        return element
    first, *others = element if isinstance(element, tuple) else (element,)
    found = dict(first) if isinstance(first, dict) else {}
    others = others if found else tf.nest.flatten([first, *others])
    return found | dict(zip((name for name in fields if name not in found), others, strict=False))


def expect(name, spec, axes, number):
    """ValueError where a field of the records is no text. axes: 0 of single records, 1 of batches."""
    good = isinstance(spec, tf.TensorSpec) and (
        spec.shape.rank in (None, axes) or (spec.shape.rank == axes + 1 and spec.shape[-1] == 1)
    )
    if not good or not (spec.dtype == tf.string or number):
        kind = "a number or a text" if number else "a text"
        raise ValueError(
            f"expected {kind} as {name!r} of each record, or a batch of them; it is {spec}. Map the dataset first, "
            "with tf.strings.as_string of numbers, tf.argmax of one-hot labels, tf.strings.reduce_join of tokens"
        )


def refuse_endless(dataset, who="this method"):
    """ValueError for a dataset that is known to have no end."""
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            f"the dataset never ends, and {who} reads all of it: leave .repeat() out (`epochs` repeats it), or .take(n)"
            "; a LanguageModel is trained on an endless one by fit(..., stream=True, steps_per_epoch=n)"
        )


def expect_words(records, fields):
    """ValueError where all texts of a field are empty; a warning where none has two characters.

    Read until the first that has; of an endless dataset the first of all.
    """
    records = records.take(GROUP) if records.cardinality() == tf.data.INFINITE_CARDINALITY else records
    for name in [name for name in fields if name in READ]:
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
                raise ValueError(f"there is nothing to learn from: all {count} texts are empty as {name}")
            if count > 1 and name == fields[0]:
                log.warning("all %d texts have one character as %s: is it a text that was read letter by letter?",
                            count, name)  # fmt: skip


def columns(records, *names):
    """Fields of records, read in one pass, so that a shuffled dataset keeps them together -> a list of each, bytes."""
    parts = records.map(lambda record: {name: record[name] for name in names}).batch(GROUP)
    parts = list(counted(parts.as_numpy_iterator(), GROUP, known=records.cardinality() >= 0))
    return [[item for part in parts for item in part[name].tolist()] for name in names]


def strings(records, *names):
    """As `columns`, lists of str: invalid UTF-8 is replaced."""
    return [[text.decode("utf-8", "replace") for text in column] for column in columns(records, *names)]


def in_memory(records):
    """Records in an order that does not change from pass to pass."""
    names = list(records.element_spec)
    kinds = [records.element_spec[name].dtype for name in names]
    found = (tf.constant(part, kind) for part, kind in zip(columns(records, *names), kinds, strict=True))
    return tf.data.Dataset.from_tensor_slices(dict(zip(names, found, strict=True)))


def split(records, share):
    """The last `share` of the records for validation, as Keras does: (train, validation). The order is fixed once."""
    if not 0 < share < 1:
        raise ValueError(f"validation_split is a share between 0 and 1; got {share}")
    records = in_memory(records)
    size = int(records.cardinality())
    train = round(size * (1 - share))
    if not 0 < train < size:
        raise ValueError(
            f"validation_split={share} of {size} records leaves {train} to train on and {size - train} to validate on: "
            "give more records, another share, or validation_data"
        )
    return records.take(train), records.skip(train)


def weighed(function):
    """A function of records -> one like it, whose examples are weighed by WEIGHT, where records have it.

    It gives (inputs, targets, weights), a row for each record, or (these, flags).
    """

    def weigh(record):
        found = function(record)
        if WEIGHT not in record:
            return found
        (inputs, targets, weights), *flags = [found] if len(found) == 3 else found
        example = inputs, targets, tf.nest.map_structure(lambda part: heavier(part, record[WEIGHT]), weights)
        return (example, *flags) if flags else example

    return weigh


def heavier(part, weights):
    """Ragged [B, None], a factor for each row [B] -> ragged [B, None]."""
    return part.with_flat_values(part.flat_values * tf.gather(weights, rows_of(part)))
