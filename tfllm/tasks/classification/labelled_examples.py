"""Texts and their labels, read -> what a classifier learns from, and what is wrong with them."""

import tensorflow as tf

from tfllm import ragged
from tfllm.data import batches
from tfllm.tasks import records as gate
from tfllm.tasks.classification import label_weights
from tfllm.tasks.text_inputs import warn_cut


def flagged(inputs, cut, empty, texts, labels, weights):
    """Inputs, flags of their texts (bool [B]) and the texts of their labels [B] -> (the example, flags).

    labels: the Labels among which they are; weights: their class weights. flags: "bad" labels, "cut" texts and "empty"
    ones, each ragged [B, 1] bool.
    """
    targets, good = labels.targets(texts)
    parts = targets, label_weights.of_targets(labels, targets, weights)
    targets, weights = tf.nest.map_structure(tf.RaggedTensor.from_tensor, parts)
    flags = {"bad": ~good, "cut": cut, "empty": empty}
    return (inputs, targets, weights), {name: ragged.column(flag) for name, flag in flags.items()}


def rows(records, example, labels, length, verbose=0):
    """All examples of the records, in memory. example: a function that gives what `flagged` does.

    ValueError for an empty text and for a label that is none; a warning for what is cut.
    """
    found, flags = batches.rows(records, gate.weighed(example), verbose)
    flags = {name: flag.flat_values.numpy() for name, flag in flags.items()}
    if flags["bad"].any():
        targets(labels, gate.columns(records, "label")[0])
    refuse_empty(flags["empty"])
    warn_cut(flags["cut"], length)
    return found


def targets(labels, texts):
    """Texts of labels (bytes) -> their targets, as of Labels, in NumPy. ValueError for what is none of them."""
    found, good = labels.targets(tf.constant(texts, tf.string))
    if not good.numpy().all():
        raise ValueError(labels.wrong(texts, good.numpy()))
    return found.numpy()


def refuse_empty(empty):
    """ValueError where one of these flags is set."""
    if empty.any():
        raise ValueError(
            f"{empty.sum()} of {len(empty)} records have an empty text, the first is number {empty.argmax()} (from 0): "
            "leave them out, records.filter(...)"
        )
