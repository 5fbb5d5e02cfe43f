"""Public data sets of tensorflow-datasets, by name -> records in the same form as from files.

The records are streamed, since such a set may be large; the first use needs a network connection. Not included: nested
features (lists; squad_files.py handles those of questions), images, audio. Faults of the set, such as empty texts, are
not removed: see `clean`.
"""

import difflib

import tensorflow as tf

from tfllm.data.reading.readers import record_columns


def tfds(name, split, columns=None, data_dir=None):
    """A split of a tensorflow-datasets builder, e.g. "ted_hrlr_translate/pt_to_en" -> {record name: text}.

    split: in the syntax of tensorflow-datasets ("train", "test[:10%]"). columns: as in `table`, with the names of
    features; by default the builder's supervised pair, input as "source", output as "target". Class labels become
    their names (the empty text if a label is withheld), other numbers their digits. The data is stored in data_dir, by
    default ~/tensorflow_datasets.

    Raises ValueError for an unknown builder, feature or kind of feature.
    """
    builder = builder_of(name, data_dir)
    features = builder.info.features
    columns = record_columns(builder.info.supervised_keys if columns is None else columns)
    to_text = {record: _to_text(name, features, column) for record, column in columns.items()}

    def record_of(example):
        return {record: to_text[record](example[column]) for record, column in columns.items()}

    builder.download_and_prepare()
    return builder.as_dataset(split=split, shuffle_files=False).map(record_of, tf.data.AUTOTUNE)


def builder_of(name, data_dir=None):
    """The builder of this name. Raises ValueError, with similar names, if tensorflow-datasets has none."""
    import tensorflow_datasets  # takes half a second: import it only here

    try:
        return tensorflow_datasets.builder(name, data_dir=data_dir)
    except tensorflow_datasets.core.registered.DatasetNotFoundError as error:
        known = tensorflow_datasets.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(name.partition("/")[0], known)
        raise ValueError(f"tensorflow-datasets has no {name!r}; it has {', '.join(close or known)}") from error


def _to_text(name, features, column):
    """The function that turns a feature's scalar tensor into a string tensor."""
    if column not in features:
        raise ValueError(f"{name}: expected a feature {column!r}; it has {list(features)}")
    feature = features[column]
    if feature.shape == () and feature.dtype in (str, tf.string):
        return tf.identity
    if feature.shape == () and getattr(feature, "num_classes", None):
        names = tf.constant(["", *map(feature.int2str, range(feature.num_classes))])
        return lambda label: names[label + 1]  # -1 if the label is withheld
    if feature.shape == () and tf.as_dtype(feature.dtype).is_integer:
        return tf.strings.as_string
    if feature.shape == () and tf.as_dtype(feature.dtype).is_floating:
        return lambda number: tf.strings.as_string(number, shortest=True)
    raise ValueError(f"{name}: expected a text, a class label or a number in {column!r}; got {feature}")
