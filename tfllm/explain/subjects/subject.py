"""A text as a model reads it, the numbers to explain, and how both change when tokens are removed.

Axes:  K numbers to explain  N tokens  P perturbations of the text  T tokens of an input of the model, including special
tokens  D width of an embedding
"""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

import numpy as np
import tensorflow as tf

from tfllm.explain.methods.embedding_rows import embedded, rows_of
from tfllm.tasks.compiled import compiled
from tfllm.tasks.text_generation.decoding import plain_errors

REMOVALS = ("delete", "unknown", "mask", "pad")
ROWS = 256  # perturbations per batch


@dataclass(frozen=True)
class Token:
    """Characters start .. end - 1 (code points) of the text `part`."""

    text: str
    start: int
    end: int
    part: str = "text"


@dataclass(frozen=True, eq=False)
class Subject:
    """Abstract. One text of a task, and K numbers of the answer. A subclass defines `numbers` and `tables`.

    texts      {part: the original text}
    tokens     N Tokens, without special tokens
    targets    K names of the numbers
    inputs     {name: int array [T]}: the inputs of the model, without padding
    groups     tuples of names of parallel inputs, token ids first
    positions  N pairs: the input that has the id of a token, and its position there
    at         [K] positions in the ids of the last group whose output gives a number; they move when tokens are deleted
    choice     {name: array of ints or floats}: which numbers
    score      what a number is: "log-odds", "probability", "logit"
    """

    task: object
    texts: dict
    tokens: tuple
    targets: tuple
    inputs: dict
    groups: tuple
    positions: tuple
    choice: dict
    score: str = "log-odds"
    removal: str = "delete"
    at: np.ndarray | None = None
    details: dict = field(default_factory=dict)  # added to the details of the Explanation

    kinds: ClassVar[tuple[str, ...]] = ("log-odds", "probability", "logit")  # kinds of scores, the default first
    measured: ClassVar = "probability"  # the score that faithfulness uses
    deletes: ClassVar = True  # whether tokens can be deleted: not if a target is a position

    def __post_init__(self):
        if self.score not in self.kinds:
            raise ValueError(f"score must be one of {self.kinds}; got {self.score!r}")
        if self.removal not in REMOVALS:
            raise ValueError(f"removal must be one of {REMOVALS}; got {self.removal!r}")

    @staticmethod
    def numbers(task, inputs, choice, score):
        """inputs {name: int [B, T]} (and "at" [B, K]), choice -> float32 [B, K]. Traced: use core operations only."""
        raise NotImplementedError

    @staticmethod
    def tables(task):
        """{name of ids: the embedding layers that look them up}."""
        raise NotImplementedError

    @property
    def size(self):
        return len(self.tokens)

    def changed(self, **fields):
        """The same subject with other fields."""
        return replace(self, **fields)

    # Removing tokens

    def values(self, keep, removal=None):
        """keep [P, N] bool, the tokens to keep -> float64 [P, K]."""
        keep, parts = np.asarray(keep, bool), []
        for i in range(0, len(keep), ROWS):
            parts.append(self.run(self.perturbed(keep[i : i + ROWS], removal or self.removal)))
        return np.concatenate(parts) if parts else np.zeros((0, len(self.targets)))

    def perturbed(self, keep, removal):
        """keep [P, N] -> {name: int32 [P, T]}, dense; deleting tokens moves the rest to the left.

        removal: "delete"; or "unknown", "mask", "pad": the token that replaces each. Raises ValueError for a token that
        the tokenizer does not have, and for "delete" if a target is a position.
        """
        instead, result = self.replacement(removal), {}
        for group in self.groups:
            size = len(self.inputs[group[0]])
            stays = np.ones((len(keep), size), bool)
            for n, (name, position) in enumerate(self.positions):
                if name == group[0]:
                    stays[:, position] = keep[:, n]
            for name in group:
                rows = np.repeat(self.inputs[name][None], len(keep), axis=0)
                if instead is None:
                    rows = self.moved(rows, stays, name == group[0])
                elif name == group[0]:
                    rows = np.where(stays, rows, instead)
                result[name] = rows.astype("int32")
        if self.at is not None:
            last = np.cumsum(stays, axis=1)[:, self.at] - 1 if instead is None else np.repeat(
                self.at[None], len(keep), axis=0)  # fmt: skip
            result["at"] = np.maximum(last, 0).astype("int32")
        return result

    def moved(self, rows, stays, are_ids):
        """rows [P, T] with the kept tokens first, then 0; without any the END that represents an empty text."""
        order = np.argsort(~stays, axis=1, kind="stable")
        rows, counts = np.take_along_axis(rows, order, axis=1), stays.sum(axis=1)
        rows = np.where(np.arange(rows.shape[1]) < counts[:, None], rows, 0)[:, : max(1, counts.max(initial=1))]
        if are_ids:
            rows[counts == 0, 0] = self.tokenizer.end
        else:
            rows[counts == 0, 0] = 1
        return rows

    @property
    def tokenizer(self):
        return getattr(self.task, "tokenizer", None) or self.task.source

    def replacement(self, removal):
        if removal not in REMOVALS:
            raise ValueError(f"removal must be one of {REMOVALS}; got {removal!r}")
        if removal == "delete":
            if not self.deletes:
                raise ValueError(
                    f"the target is a position, so tokens can only be replaced: set removal to one of {REMOVALS[1:]}"
                )
            return None
        result = getattr(self.tokenizer, removal, None)
        if result is None:
            raise ValueError(f"a {type(self.tokenizer).__name__} has no token for {removal!r}: choose another removal")
        return result

    # The model

    def run(self, inputs):
        """Dense inputs [B, T] -> float64 [B, K]."""
        choice = arrays(self.choice)
        function = values_of(self.task, type(self), self.score, specs(inputs, 1), specs(choice))
        with plain_errors():
            return finite(function(tensors(inputs), tensors(choice)).numpy().astype("float64"))

    def layers(self):
        """The embedding layers, each once, and for each bool [N]: the tokens that it looks up."""
        tables, result = self.tables(self.task), []
        for name in dict.fromkeys(name for name, _ in self.positions):
            for layer in tables[name]:
                if all(layer is not known for known, _ in result):
                    result.append((layer, np.zeros(self.size, bool)))
                next(used for known, used in result if known is layer)[:] |= [
                    input_name == name for input_name, _ in self.positions
                ]
        return result

    def vectors(self):
        """For each embedding layer the rows of the N tokens, float32 [N, D]; 0 for tokens that it does not look up."""
        ids = np.array([self.inputs[name][position] for name, position in self.positions], "int32")
        return [np.where(used[:, None], rows_of(layer, ids), 0.0).astype("float32") for layer, used in self.layers()]

    def gradients(self, vectors, weights):
        """vectors: for each embedding layer [B, N, D], instead of the tokens' own; weights [B, K].

        -> (values float64 [B, K], the gradients of Σ_k weights · values by each of the vectors, [B, N, D]).
        """
        rows, tables = len(weights), self.tables(self.task)
        inputs = {name: np.repeat(part[None], rows, axis=0).astype("int32") for name, part in self.inputs.items()}
        number = np.arange(rows) * self.size
        for n, (name, position) in enumerate(self.positions):
            inputs[name][:, position] = tables[name][0].input_dim + number + n
        if self.at is not None:
            inputs["at"] = np.repeat(self.at[None], rows, axis=0).astype("int32")
        choice = arrays(self.choice)
        function = gradients_of(self.task, type(self), self.score, specs(inputs, 1), specs(choice), self.order())
        with plain_errors():
            values, result = function(
                tensors(inputs), [tf.constant(part, tf.float32) for part in vectors], tensors(choice),
                tf.constant(weights, tf.float32),
            )  # fmt: skip
        return finite(values.numpy().astype("float64")), [finite(part.numpy().astype("float64")) for part in result]

    def order(self):
        """(name of ids, index of the layer) in the order of `layers`, to find them again inside a trace."""
        tables, result = self.tables(self.task), []
        for layer, _ in self.layers():
            result.append(
                next((name, i) for name, known in tables.items() for i, one in enumerate(known) if one is layer)
            )
        return tuple(result)


def finite(values):
    """The values. Raises ValueError for NaN and infinity, which no method can divide."""
    if not np.isfinite(values).all():
        raise ValueError("the model gives NaN or infinity for this text: it cannot be explained")
    return values


def arrays(choice):
    """{name: int32 or float32 array}."""
    parts = {name: np.asarray(part) for name, part in choice.items()}
    return {name: part.astype("float32" if part.dtype.kind == "f" else "int32") for name, part in parts.items()}


def tensors(parts):
    return {name: tf.constant(part) for name, part in parts.items()}


def specs(parts, least=0):
    return tuple((name, max(part.ndim, least), part.dtype.name) for name, part in parts.items())


def signature(result):
    return {name: tf.TensorSpec([None] * rank, kind) for name, rank, kind in result}


@compiled
def values_of(task, kind, score, inputs, choice):
    """The tf.function (inputs, choice) -> float32 [B, K] of a task."""

    # otherwise TensorFlow treats functions with the same code as one that is retraced
    function = partial(values, task, kind, score)
    return tf.function(function, input_signature=[signature(inputs), signature(choice)], autograph=False)


def values(task, kind, score, inputs, choice):
    return tf.cast(kind.numbers(task, inputs, choice, score), tf.float32)


@compiled
def gradients_of(task, kind, score, inputs, choice, order):
    """The tf.function (inputs, vectors, choice, weights) -> (values [B, K], gradients by the vectors) of a task."""
    tables = kind.tables(task)
    layers = [tables[name][i] for name, i in order]
    shapes = [tf.TensorSpec([None, None, None], tf.float32) for _ in layers]
    given = [signature(inputs), shapes, signature(choice), tf.TensorSpec([None, None], tf.float32)]
    function = partial(values_and_gradients, layers, partial(values, task, kind, score))
    return tf.function(function, input_signature=given, autograph=False)


def values_and_gradients(layers, numbers, inputs, vectors, choice, weights):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(vectors)
        with embedded(layers, vectors):
            result = numbers(inputs, choice)
        total = tf.reduce_sum(result * weights)
    return result, tape.gradient(total, vectors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
