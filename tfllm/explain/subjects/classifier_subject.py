"""Why a classifier chose a label, or one label instead of another, or why a regression returned its number."""

import numpy as np
import tensorflow as tf

from tfllm.explain.subjects import encoded_texts
from tfllm.explain.subjects.encoded_subject import EncodedSubject
from tfllm.explain.subjects.subject import finite


class ClassifierSubject(EncodedSubject):
    """score "log-odds": ln p / (1 - p) of the label; "probability"; "logit". For a regression always its number."""

    @classmethod
    def of(cls, task, texts, target=None, score="log-odds"):
        """texts: one or two (str). target: a label; (label, other label): the difference of their logits; None: the
        predicted label. Raises ValueError for an unknown label.
        """
        kinds, one_number = task.kinds, task.kind == "regression"
        if one_number and target is not None:
            raise ValueError(f"a regression has no labels: do not set target; got {target!r}")
        parts = encoded_texts.encoded(task, texts)
        names = target if isinstance(target, (tuple, list)) else [target]
        if wrong := [name for name in names if name is not None and name not in kinds.names]:
            raise ValueError(f"there is no label {wrong[0]!r}; the labels are {', '.join(kinds.names)}")
        if not 1 <= len(names) <= 2:
            raise ValueError(f"a target is one label or two; got {len(names)} labels")
        index = [0] if one_number else [0 if name is None else kinds.names.index(name) for name in names]
        subject = cls(task, targets=("",), choice={"label": np.array(index)}, score=score, **parts)
        logits = finite(subject.logits())
        if target is None and not one_number:
            index = [int(np.argmax(logits))]
            subject.choice["label"] = np.array(index)
        title = "the number" if one_number else " and not ".join(kinds.names[i] for i in index)
        lines = {"prediction": float(logits[0]) if one_number else kinds.names[int(np.argmax(logits))]}
        return subject.changed(targets=(title,), details=lines)

    def logits(self):
        """[C], divided by the temperature."""
        inputs = {name: tf.constant(part[None]) for name, part in self.inputs.items()}
        return logits_of(self.task, inputs).numpy()[0]

    @staticmethod
    def numbers(task, inputs, choice, score):
        logits = logits_of(task, inputs)
        values = tf.gather(logits, choice["label"], axis=1)  # [B, 1 or 2]
        chosen = values[:, :1]
        if task.kind == "regression":
            return chosen
        other = tf.where(tf.size(choice["label"]) > 1, values[:, -1:], 0.0)
        against = tf.size(choice["label"]) > 1
        if score == "logit":
            return chosen - other
        if task.kind == "multi":
            return tf.where(against, chosen - other, tf.sigmoid(chosen) if score == "probability" else chosen)
        if score == "probability":
            p = tf.gather(tf.nn.softmax(logits), choice["label"], axis=1)
            return p[:, :1] - tf.where(against, p[:, -1:], 0.0)
        hidden = tf.one_hot(choice["label"][0], tf.shape(logits)[1]) * -1e9
        rest = tf.reduce_logsumexp(logits + hidden, axis=1, keepdims=True)
        return tf.where(against, chosen - other, chosen - rest)


def logits_of(task, inputs):
    """{name: int [B, T]} -> float32 [B, C], divided by the temperature."""
    return tf.cast(task(encoded_texts.nested(inputs), training=False), tf.float32) / task.temperature
