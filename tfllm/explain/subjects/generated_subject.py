"""Why a model generated a token, or one token instead of another: the base of all generating tasks.

Each number belongs to one step: the token generated there, given the source and the tokens before it. The difference of
two logits is a contrastive explanation (Yin & Neubig 2022); the other token is the foil.

Axes:  K steps  V vocabulary
"""

import numpy as np
import tensorflow as tf

from tfllm.explain.subjects.subject import Subject

NONE = -1  # used as id if there is no foil


class GeneratedSubject(Subject):
    """Abstract. score "log-odds": ln p / (1 - p) of each token; with a foil ln p - ln p(foil). "probability": p, or the
    difference of both; "logit": ln p, or the same difference as "log-odds".

    A subclass defines `logits`, `tables` and `of`. choice: "ids" and "foils" [K].
    """

    @staticmethod
    def logits(task, inputs):
        """inputs {name: int [B, T]} -> logits [B, T, V] of the next token at each position of the generated text."""
        raise NotImplementedError

    @classmethod
    def numbers(cls, task, inputs, choice, score):
        return numbers_of(cls.log_probabilities(task, inputs), choice, score)

    @classmethod
    def log_probabilities(cls, task, inputs):
        """-> float32 [B, K, V]."""
        logits = tf.gather(cls.logits(task, inputs), inputs["at"], axis=1, batch_dims=1)
        return tf.nn.log_softmax(tf.cast(logits, tf.float32))

    def steps(self, names, top_k=5):
        """The predictions of the model at each step: a list of {"token", "probability", "entropy", "surprise",
        "alternatives"}. Entropy and surprise are in bits; alternatives: (token, probability) of the most probable
        tokens.

        names: ids -> tokens.
        """
        inputs = {name: tf.constant(part[None]) for name, part in {**self.inputs, "at": np.int32(self.at)}.items()}
        log_p = self.log_probabilities(self.task, inputs)[0].numpy().astype("float64")  # [K, V]
        p, rows = np.exp(log_p), []
        for k, (token, token_id) in enumerate(zip(self.targets, self.choice["ids"], strict=True)):
            best = np.argsort(-log_p[k], kind="stable")[:top_k]
            rows.append({
                "token": token, "probability": float(p[k, token_id]),
                "surprise": float(-log_p[k, token_id] / np.log(2)),
                "entropy": float(-np.sum(p[k] * np.where(p[k] > 0, log_p[k], 0.0)) / np.log(2)),
                "alternatives": list(zip(names(best), p[k, best].tolist(), strict=True)),
            })  # fmt: skip
        return rows


def numbers_of(log_p, choice, score):
    """log_p [B, K, V] -> [B, K]."""
    count = tf.shape(log_p)[:2]

    def of(ids):
        return tf.gather(log_p, tf.broadcast_to(ids[None], count), batch_dims=2)

    chosen, against = of(choice["ids"]), choice["foils"][None] >= 0
    foil = of(tf.maximum(choice["foils"], 0))
    if score == "probability":
        return tf.exp(chosen) - tf.where(against, tf.exp(foil), 0.0)
    if score == "logit":
        return chosen - tf.where(against, foil, 0.0)
    hidden = tf.one_hot(tf.broadcast_to(choice["ids"][None], count), tf.shape(log_p)[2]) * -1e9
    return chosen - tf.where(against, foil, tf.reduce_logsumexp(log_p + hidden, axis=2))


def chosen_steps(step, tokens):
    """None: all; a number; or a word: the first step with this token -> indices of steps.

    Raises ValueError otherwise.
    """
    if step is None:
        return list(range(len(tokens)))
    if isinstance(step, str):
        same = [k for k, token in enumerate(tokens) if token.strip() == step.strip(" ␣")]
        if not same:
            raise ValueError(f"no step generates {step!r}; the tokens are {', '.join(map(repr, tokens))}")
        return same[:1]
    if not -len(tokens) <= step < len(tokens):
        raise ValueError(f"there are {len(tokens)} steps, from 0; got {step!r}")
    return [step % len(tokens)]


def foil_ids(instead, tokenizer, before, token, steps):
    """The id of the foil at each of the steps, NONE without a foil. before: the generated text before the step.

    A foil replaces the token: it begins with a space if the token does, and is its first token if it has several.
    Raises ValueError for a foil without tokens, and for a foil without a single step.
    """
    if instead is None:
        return np.full(len(steps), NONE)
    if len(steps) != 1:
        raise ValueError("instead needs one step: set step=...")
    foil = " " + instead if token.startswith(" ") and not instead.startswith(" ") else instead
    ids, known = tokenizer.encode([before + foil, before]).to_list()
    ids = ids[len(known) :] if ids[: len(known)] == known else tokenizer.encode([foil])[0].numpy().tolist()
    if not ids:
        raise ValueError(f"instead has no token: {instead!r}")
    return np.array(ids[:1])
