"""keras.utils.PyDataset: one whose batches contain text is read once, in order, into a dataset of records.

Left out: shuffling in `on_epoch_end`; `fit` shuffles.
"""

import keras
import numpy as np
import tensorflow as tf

from tfllm.tasks.texts import is_one, items


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
