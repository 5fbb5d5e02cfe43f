"""How much each label of a classifier weighs in the loss: in all of its trainings, and in one of them.

labels: the Labels (labels.py) that are weighed.
"""

import numbers

import numpy as np
import tensorflow as tf

from tfllm.tasks import records as gate
from tfllm.tasks.classification.labels import shown

BALANCED = "balanced"


def checked(labels, class_weights):
    """{label: number above 0}, "balanced" or None. ValueError for labels left out or unknown, and all else."""
    if class_weights is None:
        return None
    if labels.kind == "regression":
        raise ValueError("a regression has no classes to weigh: leave class_weights out")
    if isinstance(class_weights, str) and class_weights == BALANCED:
        return BALANCED
    if not isinstance(class_weights, dict) or set(class_weights) != set(labels.names):
        raise ValueError(
            f"class_weights are {BALANCED!r} or a number for each of {list(labels.names)}; got {class_weights!r}"
        )
    if wrong := [name for name, weight in class_weights.items() if not weight > 0]:
        raise ValueError(f"a class weight is a number above 0; {wrong[0]!r} has {class_weights[wrong[0]]!r}")
    return {name: float(class_weights[name]) for name in labels.names}


def balanced(labels, texts):
    """{label: weight} by which every label weighs alike in these texts (strings).

    single: N / (C n), n of N texts being of the class; multi: (N - n) / n, so that a label's presence weighs as
    much as its absence. ValueError where a label has no text, or a label of "multi" all of them.
    """
    targets = np.concatenate([labels.targets(tf.constant(part))[0].numpy() for part in pieces(texts)])
    single = labels.kind == "single"
    counts = np.bincount(targets[:, 0], minlength=labels.size) if single else targets.sum(axis=0)
    weights = len(targets) / (labels.size * np.maximum(counts, 1)) if single else len(targets) / counts.clip(1) - 1
    for name, count, weight in zip(labels.names, counts, weights, strict=True):
        if not count or weight <= 0:
            raise ValueError(
                f"'balanced' needs every label to be there and to be missing: {name!r} is in {int(count)} of "
                f"{len(targets)} records. Give class_weights as a dict"
            )
    return {name: float(weight) for name, weight in zip(labels.names, weights, strict=True)}


def pieces(texts, size=4096):
    texts = list(texts)
    return [texts[i : i + size] for i in range(0, len(texts), size)]


def settled(labels, class_weights, records):
    """class_weights, in which "balanced" has become numbers, by these records."""
    return balanced(labels, gate.columns(records, "label")[0]) if class_weights == BALANCED else class_weights


def of_targets(labels, targets, class_weights):
    """targets as `Labels.targets` gives them -> loss weights of their shape.

    class_weights: {label: weight} of a class, and in "multi" of a label where it is 1; anything else: all weigh 1.
    """
    if not isinstance(class_weights, dict):
        return tf.ones_like(targets, tf.float32)
    weights = tf.constant([class_weights[name] for name in labels.names], tf.float32)  # [C]
    return tf.gather(weights, targets) if labels.kind == "single" else tf.where(targets > 0, weights, 1.0)


def weighted(labels, class_weight, records):
    """Records with the `class_weight` of one training, as `TextClassifier.fit` takes it, in their sample weights."""
    if class_weight is None:
        return records
    if labels.kind != "single":
        raise ValueError(f"class_weight is of single labels; these are {labels.kind}: TextClassifier(class_weights=)")
    weights = tf.constant(by_class(labels, settled(labels, class_weight, records)))

    def weigh(record):
        number = tf.argmax(tf.constant(labels.names) == record["label"])
        return record | {gate.WEIGHT: record.get(gate.WEIGHT, 1.0) * weights[number]}

    return records.map(weigh)


def by_class(labels, class_weight):
    """{label, or its number: weight} -> float32 [C]; 1 for those left out. ValueError for all else."""
    found = np.ones(labels.size, "float32")
    for name, weight in class_weight.items() if isinstance(class_weight, dict) else [(class_weight, None)]:
        known = str(name) in labels.names or (isinstance(name, (int, np.integer)) and 0 <= name < labels.size)
        if not known or not isinstance(weight, numbers.Real) or not 0 <= weight < np.inf:
            raise ValueError(
                f"class_weight is {BALANCED!r} or has a number of 0 or more for some of {shown(labels.names)}; got "
                f"{class_weight!r:.200}"
            )
        found[labels.names.index(str(name)) if str(name) in labels.names else name] = weight
    return found
