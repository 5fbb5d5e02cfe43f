"""Class weights in the loss: those of a classifier, and those of one `fit`.

labels: the Labels (labels.py) of the classifier.
"""

import numbers

import numpy as np
import tensorflow as tf

from tfllm.tasks import user_data
from tfllm.tasks.classification.labels import shown

BALANCED = "balanced"


def checked(labels, class_weights):
    """{label: number above 0}, "balanced" or None. Raises ValueError for missing or unknown labels."""
    if class_weights is None:
        return None
    if labels.kind == "regression":
        raise ValueError("a regression has no classes: leave class_weights out")
    if isinstance(class_weights, str) and class_weights == BALANCED:
        return BALANCED
    if not isinstance(class_weights, dict) or set(class_weights) != set(labels.names):
        raise ValueError(
            f"class_weights must be {BALANCED!r} or a number for each of {list(labels.names)}; got {class_weights!r}"
        )
    if wrong := [name for name, weight in class_weights.items() if not weight > 0]:
        raise ValueError(f"a class weight must be above 0; {wrong[0]!r} has {class_weights[wrong[0]]!r}")
    return {name: float(class_weights[name]) for name in labels.names}


def balanced(labels, texts):
    """{label: weight} that gives every label the same total weight in these texts (strings).

    single: N / (C n), n of N texts being of the class; multi: (N - n) / n, so that presence and absence of a label have
    the same total weight. Raises ValueError if no text has a label, or all texts have one of "multi".
    """
    targets = np.concatenate([labels.targets(tf.constant(part))[0].numpy() for part in pieces(texts)])
    single = labels.kind == "single"
    counts = np.bincount(targets[:, 0], minlength=labels.size) if single else targets.sum(axis=0)
    weights = len(targets) / (labels.size * np.maximum(counts, 1)) if single else len(targets) / counts.clip(1) - 1
    for name, count, weight in zip(labels.names, counts, weights, strict=True):
        if not count or weight <= 0:
            raise ValueError(
                f"'balanced' needs records with and without every label: {name!r} is in {int(count)} of "
                f"{len(targets)} records. Pass class_weights as a dict"
            )
    return {name: float(weight) for name, weight in zip(labels.names, weights, strict=True)}


def pieces(texts, size=4096):
    texts = list(texts)
    return [texts[i : i + size] for i in range(0, len(texts), size)]


def settled(labels, class_weights, records):
    """class_weights, with "balanced" replaced by the numbers for these records."""
    return balanced(labels, user_data.columns(records, "label")[0]) if class_weights == BALANCED else class_weights


def of_targets(labels, targets, class_weights):
    """targets of `Labels.targets` -> loss weights of their shape.

    class_weights: {label: weight} of a class, or of a label of "multi" where it is 1; None: all weights are 1.
    """
    if not isinstance(class_weights, dict):
        return tf.ones_like(targets, tf.float32)
    weights = tf.constant([class_weights[name] for name in labels.names], tf.float32)  # [C]
    return tf.gather(weights, targets) if labels.kind == "single" else tf.where(targets > 0, weights, 1.0)


def weighted(labels, class_weight, records):
    """Records with the `class_weight` of one `TextClassifier.fit` multiplied into their sample weights."""
    if class_weight is None:
        return records
    if labels.kind != "single":
        raise ValueError(
            f"class_weight needs single labels; these are {labels.kind}: use TextClassifier(class_weights=)"
        )
    weights = tf.constant(by_class(labels, settled(labels, class_weight, records)))

    def weigh(record):
        number = tf.argmax(tf.constant(labels.names) == record["label"])
        return record | {user_data.WEIGHT: record.get(user_data.WEIGHT, 1.0) * weights[number]}

    return records.map(weigh)


def by_class(labels, class_weight):
    """{label, or its number: weight} -> float32 [C]; 1 for other labels. Raises ValueError for invalid entries."""
    result = np.ones(labels.size, "float32")
    for name, weight in class_weight.items() if isinstance(class_weight, dict) else [(class_weight, None)]:
        known = str(name) in labels.names or (isinstance(name, (int, np.integer)) and 0 <= name < labels.size)
        if not known or not isinstance(weight, numbers.Real) or not 0 <= weight < np.inf:
            raise ValueError(
                f"class_weight must be {BALANCED!r} or have a number of 0 or more for labels of {shown(labels.names)}; "
                f"got {class_weight!r:.200}"
            )
        result[labels.names.index(str(name)) if str(name) in labels.names else name] = weight
    return result
