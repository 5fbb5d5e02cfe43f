"""The labels of a classifier: label texts -> targets, and logits -> an answer.

There are three kinds. single: each text has one of C classes. multi: each text has any number of C labels, joined in
its record by a separator. regression: each text has a number. Everything except `learned` and messages is core
TensorFlow, for tf.data and serving.
"""

from collections import Counter

import tensorflow as tf

from tfllm.losses import ClassCrossEntropy, LabelCrossEntropy, SquaredError
from tfllm.metrics import ClassAccuracy, LabelAccuracy, TokenMean

KINDS = ("single", "multi", "regression")
SEPARATOR = "|"  # between the labels of one text, as in data.labelled
NUMBER = r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"


class Labels:
    """names [C], in the order of the logits; empty for a regression.

    Raises ValueError for an unknown kind, too few names, names that are empty, repeated or no text, and names that
    contain the separator.
    """

    def __init__(self, names=(), kind="single", separator=SEPARATOR):
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}; got {kind!r}")
        if isinstance(names, (str, bytes)):
            raise ValueError(f"labels must be a list of names; got one text: {names!r}")
        self.names, self.kind, self.separator = tuple(names or ()), kind, separator
        self.size = 1 if kind == "regression" else len(self.names)
        if wrong := [name for name in self.names if not isinstance(name, str) or not name]:
            raise ValueError(f"a label must be a text of one character or more; got {wrong[0]!r}")
        if twice := [name for name, count in Counter(self.names).items() if count > 1]:
            raise ValueError(f"labels must be unique; {twice[0]!r} occurs {self.names.count(twice[0])} times")
        if kind == "regression" and self.names:
            raise ValueError(f"a regression has no labels; got {list(self.names)}")
        least = {"single": 2, "multi": 1, "regression": 0}[kind]
        if len(self.names) < least:
            raise ValueError(f"{kind} labels: expected {least} or more; got {list(self.names)}")
        if kind == "multi" and (within := [name for name in self.names if separator in name]):
            raise ValueError(f"the separator {separator!r} occurs in the label {within[0]!r}: choose another")

    @classmethod
    def learned(cls, texts, kind="single", separator=SEPARATOR):
        """The labels that occur in the texts (str or bytes), sorted; by value if all are whole numbers."""
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

        good is False for an unknown label, or a text that is no number; its target is meaningless.
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

    def objective(self):
        """The loss and the weighted metrics."""
        kinds = {"single": ClassCrossEntropy, "multi": LabelCrossEntropy, "regression": SquaredError}
        loss = kinds[self.kind]()
        accuracy = {"single": [ClassAccuracy], "multi": [LabelAccuracy], "regression": []}[self.kind]
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), *(kind() for kind in accuracy)]}

    def answer(self, logits, blank):
        """logits [B, C], divided by the temperature; blank [B], True for an empty text -> a dict of

        label          string [B]. single: the most probable class; multi: the labels with a probability above one half,
                       joined by the separator; regression: the number as text
        score          [B]: the highest probability; for a regression the number
        labels         string [B, C], the names in the order of `probabilities`;  probabilities  [B, C]. A regression
        has
                       neither

        For an empty text, label is "", and score and probabilities are 0.
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

    def as_dicts(self, result):
        """The result of `answer` in NumPy -> a list of plain dicts, see `TextClassifier.classify`."""
        rows = []
        for i, (label, score) in enumerate(zip(result["label"], result["score"], strict=True)):
            label = label.decode()
            if self.kind == "multi":
                label = label.split(self.separator) if label else []
            rows.append({"label": label, "score": float(score)})
            if self.kind != "regression":
                chances = map(float, result["probabilities"][i])
                rows[i]["probabilities"] = dict(zip(self.names, chances, strict=True))
        return rows

    def wrong(self, texts, good):
        """The error message for texts (strings) that are not good."""
        texts = [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts]
        bad = [text for text, is_good in zip(texts, good, strict=True) if not is_good]
        where = f"{len(bad)} of {len(texts)} records, the first {list(good).index(False)} (from 0): {bad[0]!r}"
        if self.kind == "regression":
            return f"expected a number as the label; got another text in {where}"
        return f"expected one of the labels {shown(self.names)}; got another in {where}"


def shown(names, most=20):
    listed = ", ".join(map(repr, names[:most]))
    return f"[{listed}]" if len(names) <= most else f"[{listed}, ... {len(names) - most} more]"
