"""Which tokens make a text similar to another one: the cosine of their embeddings.

A cosine is discontinuous where an embedding is 0, as it may be without tokens, and it is constant along a line, so it
cannot be divided. So the explained score is e(x) · t / |e(text)|, with t the other text's embedding of length 1 and the
norm of the whole text's embedding everywhere: for the whole text it is the cosine, and it is linear in e(x).
"""

import numpy as np
import tensorflow as tf

from tfllm.explain.subjects import encoded_texts
from tfllm.explain.subjects.encoded_subject import EncodedSubject
from tfllm.tasks import text_inputs


class EmbedderSubject(EncodedSubject):
    """score "projection": e(x) · t / |e(text)|; "cosine": e(x) · t / |e(x)|, which faithfulness uses."""

    kinds, measured = ("projection", "cosine"), "cosine"

    @classmethod
    def of(cls, task, texts, target=None, score="projection"):
        """texts: one (str). target: the other text, which is not changed. Raises ValueError if it is missing."""
        if not isinstance(target, str):
            raise ValueError(
                f"an embedding is explained by its similarity to another text: set target='...'; got {target!r}"
            )
        vector = unit(tf.constant(task.embed(target, verbose=0))[None]).numpy()[0]
        parts = encoded_texts.encoded(task, texts)
        whole = embedding(task, {name: tf.constant(part[None]) for name, part in parts["inputs"].items()})
        choice = {"other": np.float32(vector), "length": np.float32(tf.norm(whole))}
        return cls(task, targets=(f"likeness to {target!r}",), choice=choice, score=score, **parts)

    @staticmethod
    def numbers(task, inputs, choice, score):
        vectors = embedding(task, inputs)  # [B, D]
        vectors = unit(vectors) if score == "cosine" else vectors / tf.maximum(choice["length"], 1e-12)
        return tf.linalg.matvec(vectors, choice["other"])[:, None]


def embedding(task, inputs):
    """{name: int [B, T]} -> float32 [B, D], before it is normalised."""
    return tf.cast(text_inputs.vector(task.encoder, task.pool, encoded_texts.nested(inputs), False), tf.float32)


def unit(vectors):
    """[B, D] -> [B, D], scaled to length 1; zero vectors stay zero."""
    return tf.math.l2_normalize(vectors, axis=-1, epsilon=1e-24)
