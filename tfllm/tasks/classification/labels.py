"""The labels of a classifier: from their text to targets and weights, and from logits to an answer.

Three kinds. single: each text has one of C classes. multi: each has any number of C labels, joined in its record by a
separator. regression: each has a number. All but `learned` and `faults` is core TensorFlow, for tf.data and serving.
"""

import numbers
from collections import Counter

import numpy as np
import tensorflow as tf

from tfllm.losses import ClassCrossEntropy, LabelCrossEntropy, SquaredError
from tfllm.metrics import ClassAccuracy, LabelAccuracy, TokenMean

KINDS = ("single", "multi", "regression")
BALANCED = "balanced"
SEPARATOR = "|"  # between the labels of one text, as in data.labelled
NUMBER = r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"


class Labels:
    """names [C], in the order of the logits; none of them in a regression.

    Raises ValueError for an unknown kind, for too few names, for names that are not text, empty or given twice, and
    for one that has the separator in it.
    """

    def __init__(self, names=(), kind="single", separator=SEPARATOR):
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}; got {kind!r}")
        if isinstance(names, (str, bytes)):
            raise ValueError(f"labels are a list of names; got one text: {names!r}")
        self.names, self.kind, self.separator = tuple(names or ()), kind, separator
        self.size = 1 if kind == "regression" else len(self.names)
        if wrong := [name for name in self.names if not isinstance(name, str) or not name]:
            raise ValueError(f"a label is a text of one character or more; got {wrong[0]!r}")
        if twice := [name for name, count in Counter(self.names).items() if count > 1]:
            raise ValueError(f"each label is named once; {twice[0]!r} is there {self.names.count(twice[0])} times")
        if kind == "regression" and self.names:
            raise ValueError(f"a regression has numbers and no labels; got {list(self.names)}")
        least = {"single": 2, "multi": 1, "regression": 0}[kind]
        if len(self.names) < least:
            raise ValueError(f"{kind} labels: expected {least} or more to choose from; got {list(self.names)}")
        if kind == "multi" and (within := [name for name in self.names if separator in name]):
            raise ValueError(f"the separator {separator!r} is part of the label {within[0]!r}: choose another")

    @classmethod
    def learned(cls, texts, kind="single", separator=SEPARATOR):
        """The labels that occur, sorted; by their value, where all are whole numbers. texts: str or bytes."""
        texts = [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts]
        if kind == "regression":
            return cls((), kind, separator)
        if kind == "multi":
            texts = [part for text in texts for part in (part.strip() for part in text.split(separator)) if part]
        numbers = all(name.lstrip("-").isdecimal() for name in set(texts))
        names = sorted(set(texts), key=(lambda name: (int(name), name)) if numbers else None)
        if kind == "single" and len(names) == 1:
            raise ValueError(f"every record has the label {names[0]!r}: a classifier needs two labels or more")
        return cls(names, kind, separator)

    def targets(self, texts):
        """strings [B] -> (targets [B, 1] int32, or [B, C] float32, or [B, 1] float32; good [B] bool).

        Not good is a text that is no label, or no number; its target means nothing.
        """
        if self.kind == "regression":
            good = tf.strings.regex_full_match(texts, NUMBER)
            return tf.strings.to_number(tf.where(good, tf.strings.strip(texts), "0"))[:, None], good
        names = tf.constant(self.names)
        if self.kind == "single":
            hit = texts[:, None] == names  # [B, C]
            return tf.argmax(hit, axis=1, output_type=tf.int32)[:, None], tf.reduce_any(hit, axis=1)
        parts = tf.strings.strip(tf.strings.split(texts, self.separator).to_tensor(""))  # [B, most]
        hit = parts[..., None] == names  # [B, most, C]
        good = tf.reduce_all(tf.reduce_any(hit, axis=2) | (parts == ""), axis=1)
        return tf.cast(tf.reduce_any(hit, axis=1), tf.float32), good

    def weights(self, targets, class_weights=None):
        """targets as above -> loss weights of their shape. class_weights [C]: of a class; of a label where it is 1."""
        if class_weights is None:
            return tf.ones_like(targets, tf.float32)
        if self.kind == "single":
            return tf.gather(class_weights, targets)
        return tf.where(targets > 0, class_weights, 1.0)

    def balanced(self, texts):
        """{label: weight} by which every label weighs alike in these texts (strings).

        single: N / (C n), n of N texts being of the class; multi: (N - n) / n, so that a label's presence weighs as
        much as its absence. ValueError where a label has no text, or a label of "multi" all of them.
        """
        targets = np.concatenate([self.targets(tf.constant(part))[0].numpy() for part in pieces(texts)])
        single = self.kind == "single"
        counts = np.bincount(targets[:, 0], minlength=self.size) if single else targets.sum(axis=0)
        weights = len(targets) / (self.size * np.maximum(counts, 1)) if single else len(targets) / counts.clip(1) - 1
        for name, count, weight in zip(self.names, counts, weights, strict=True):
            if not count or weight <= 0:
                raise ValueError(
                    f"'balanced' needs every label to be there and to be missing: {name!r} is in {int(count)} of "
                    f"{len(targets)} records. Give class_weights as a dict"
                )
        return {name: float(weight) for name, weight in zip(self.names, weights, strict=True)}

    def checked_weights(self, class_weights):
        """{label: number above 0}, "balanced" or None. ValueError for labels left out or unknown, and all else."""
        if class_weights is None:
            return None
        if self.kind == "regression":
            raise ValueError("a regression has no classes to weigh: leave class_weights out")
        if isinstance(class_weights, str) and class_weights == BALANCED:
            return BALANCED
        if not isinstance(class_weights, dict) or set(class_weights) != set(self.names):
            raise ValueError(
                f"class_weights are {BALANCED!r} or a number for each of {list(self.names)}; got {class_weights!r}"
            )
        if wrong := [name for name, weight in class_weights.items() if not weight > 0]:
            raise ValueError(f"a class weight is a number above 0; {wrong[0]!r} has {class_weights[wrong[0]]!r}")
        return {name: float(class_weights[name]) for name in self.names}

    def by_class(self, class_weight):
        """{label, or its number: weight} -> float32 [C]; 1 for those left out. ValueError for all else."""
        found = np.ones(self.size, "float32")
        for name, weight in class_weight.items() if isinstance(class_weight, dict) else [(class_weight, None)]:
            known = str(name) in self.names or (isinstance(name, (int, np.integer)) and 0 <= name < self.size)
            if not known or not isinstance(weight, numbers.Real) or not 0 <= weight < np.inf:
                raise ValueError(
                    f"class_weight is {BALANCED!r} or has a number of 0 or more for some of {shown(self.names)}; got "
                    f"{class_weight!r:.200}"
                )
            found[self.names.index(str(name)) if str(name) in self.names else name] = weight
        return found

    def objective(self):
        """The loss, and the metrics by weight."""
        kinds = {"single": ClassCrossEntropy, "multi": LabelCrossEntropy, "regression": SquaredError}
        loss = kinds[self.kind]()
        accuracy = {"single": [ClassAccuracy], "multi": [LabelAccuracy], "regression": []}[self.kind]
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), *(kind() for kind in accuracy)]}

    def answer(self, logits, blank):
        """logits [B, C], divided by the temperature; blank [B], whether there was no text -> a dict of

        label          string [B]. single: the likeliest class; multi: the labels above one half, joined by the
                       separator; regression: the number as text
        score          [B]: the highest probability; of a regression the number
        labels         string [B, C], the names in the order of `probabilities`;  probabilities  [B, C]. Of a regression
                       there are neither

        Where there was no text, label is "", and score and probabilities are 0.
        """
        if self.kind == "regression":
            score = tf.where(blank, 0.0, logits[:, 0])
            return {"label": tf.where(blank, "", tf.strings.as_string(score)), "score": score}
        names = tf.constant(self.names)
        if self.kind == "single":
            probabilities = tf.nn.softmax(logits)
            label = tf.gather(names, tf.argmax(logits, axis=1))
        else:
            probabilities = tf.sigmoid(logits)
            chosen = tf.ragged.boolean_mask(tf.broadcast_to(names, tf.shape(logits)), logits > 0)
            label = tf.strings.reduce_join(chosen, axis=1, separator=self.separator)
        probabilities = tf.where(blank[:, None], 0.0, probabilities)
        return {
            "label": tf.where(blank, "", label), "score": tf.reduce_max(probabilities, axis=1),
            "labels": tf.broadcast_to(names, tf.shape(logits)), "probabilities": probabilities,
        }  # fmt: skip

    def told(self, found):
        """What `answer` gave, as NumPy -> a list of plain dicts, see `TextClassifier.classify`."""
        rows = []
        for i, (label, score) in enumerate(zip(found["label"], found["score"], strict=True)):
            label = label.decode()
            if self.kind == "multi":
                label = label.split(self.separator) if label else []
            rows.append({"label": label, "score": float(score)})
            if self.kind != "regression":
                chances = map(float, found["probabilities"][i])
                rows[i]["probabilities"] = dict(zip(self.names, chances, strict=True))
        return rows

    def wrong(self, texts, good):
        """What to say of texts (strings) that are not good, in a ValueError."""
        texts = [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts]
        bad = [text for text, is_good in zip(texts, good, strict=True) if not is_good]
        where = f"{len(bad)} of {len(texts)} records, the first {list(good).index(False)} (from 0): {bad[0]!r}"
        if self.kind == "regression":
            return f"expected a number as the label; it is none in {where}"
        return f"expected one of the labels {shown(self.names)}; it is none in {where}"


def pieces(texts, size=4096):
    texts = list(texts)
    return [texts[i : i + size] for i in range(0, len(texts), size)]


def shown(names, most=20):
    listed = ", ".join(map(repr, names[:most]))
    return f"[{listed}]" if len(names) <= most else f"[{listed}, ... {len(names) - most} more]"
