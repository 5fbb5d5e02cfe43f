"""Texts and labels -> training examples of a classifier, and errors for invalid ones."""

import tensorflow as tf

from tfllm import ragged
from tfllm.data import batches
from tfllm.tasks import user_data
from tfllm.tasks.classification import label_weights
from tfllm.tasks.text_inputs import warn_cut


def flagged(inputs, cut, empty, texts, labels, weights):
    """Inputs, flags of their texts (bool [B]) and label texts [B] -> (the example, flags).

    labels: the Labels of the classifier; weights: their class weights. flags: "bad" labels, truncated ("cut") and
    "empty" texts, each ragged [B, 1] bool.
    """
    targets, good = labels.targets(texts)
    parts = targets, label_weights.of_targets(labels, targets, weights)
    targets, weights = tf.nest.map_structure(tf.RaggedTensor.from_tensor, parts)
    flags = {"bad": ~good, "cut": cut, "empty": empty}
    return (inputs, targets, weights), {name: ragged.column(flag) for name, flag in flags.items()}


def rows(records, example, labels, length, verbose=0):
    """All examples of the records, in memory. example: a function with the result of `flagged`.

    Raises ValueError for an empty text and an unknown label; truncated texts log a warning.
    """
    result, flags = batches.rows(records, user_data.with_sample_weights(example), verbose)
    flags = {name: flag.flat_values.numpy() for name, flag in flags.items()}
    if flags["bad"].any():
        targets(labels, user_data.columns(records, "label")[0])
    refuse_empty(flags["empty"])
    warn_cut(flags["cut"], length)
    return result


def targets(labels, texts):
    """Label texts (bytes) -> targets of `Labels.targets`, in NumPy. Raises ValueError for unknown labels."""
    result, good = labels.targets(tf.constant(texts, tf.string))
    if not good.numpy().all():
        raise ValueError(labels.wrong(texts, good.numpy()))
    return result.numpy()


def refuse_empty(empty):
    """Raise ValueError if one of these flags is set."""
    if empty.any():
        raise ValueError(
            f"{empty.sum()} of {len(empty)} records have an empty text, the first is record {empty.argmax()} (from 0): "
            "remove them with records.filter(...)"
        )
