"""A signature of a task: a named function of texts and scalars, compiled once.

Python runs it on batches of texts (`in_batches`), and a SavedModel contains it: all answers of a task come from its
signatures. Numbers, such as a temperature, are inputs; an option that changes the graph needs another signature.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from numbers import Integral

import keras
import numpy as np
import tensorflow as tf

from tfllm.config import nearest
from tfllm.generation import numbers
from tfllm.tasks.text_generation.decoding import plain_errors


@dataclass(frozen=True, eq=False)
class Signature:
    """function(*texts, **scalars) -> {name: tensor [B, ...]}, where texts are string tensors [B].

    texts      names of the text inputs
    scalars    {name: default, a scalar tensor}; a SavedModel stores the defaults too
    takes_row  True if the function also takes `row`, the index of the first text, which selects the random numbers of
               each text. A SavedModel has no such input: it counts the rows from 0
    """

    function: Callable
    texts: tuple[str, ...] = ("texts",)
    scalars: Mapping = field(default_factory=dict)
    takes_row: bool = False

    def __post_init__(self):
        """Set `compiled`: the tf.function that Python calls with the texts, `row` if `takes_row`, and the scalars."""
        object.__setattr__(self, "compiled", traceable(self, partial(call, self), self.takes_row))

    @cached_property
    def served(self):
        """The tf.function of a SavedModel, of the texts and the scalars. It uses the trace of `compiled`."""
        if not self.takes_row:
            return self.compiled
        size = len(self.texts)

        def from_row_0(names, *values):
            return self.compiled(*values[:size], tf.constant(0, tf.int32), *values[size:])

        return traceable(self, from_row_0, takes_row=False)

    def __call__(self, *columns, row=0, **scalars):
        """Raises TypeError for an unknown scalar, and ValueError if the model outputs NaN."""
        for name in scalars.keys() - self.scalars.keys():
            known = nearest(name, self.scalars) if self.scalars else "; it has none"
            raise TypeError(f"this signature has no scalar input {name!r}{known}")
        values = [tf.cast(scalars.get(name, default), default.dtype) for name, default in self.scalars.items()]
        with plain_errors():
            return self.compiled(*columns, *([tf.cast(row, tf.int32)] if self.takes_row else []), *values)


def traceable(signature, function, takes_row):
    """A tf.function of the texts, `row` if `takes_row`, and the scalars, with named inputs and default values.

    function(names, *values): computes the outputs from the names and the values of these inputs.
    """
    inputs = [tf.TensorSpec([None], tf.string, name=name) for name in signature.texts]
    inputs += [tf.TensorSpec([], tf.int32, name="row")] if takes_row else []
    inputs += [tf.TensorSpec([], value.dtype, name=name) for name, value in signature.scalars.items()]
    function = partial(function, [one.name for one in inputs])
    function.__signature__ = inspect.Signature([
        inspect.Parameter(one.name, inspect.Parameter.POSITIONAL_OR_KEYWORD,
                          default=signature.scalars.get(one.name, inspect.Parameter.empty))
        for one in inputs
    ])  # fmt: skip
    return tf.function(function, input_signature=inputs, autograph=False)


def call(signature, names, *values):
    """The output of the function; also fails in a graph if a number is NaN."""
    size = len(signature.texts)
    result = signature.function(*values[:size], **dict(zip(names[size:], values[size:], strict=True)))
    return {name: numbers(part) if part.dtype.is_floating else part for name, part in result.items()}


def in_batches(signature, columns, batch_size=32, verbose="auto", row=0, **scalars):
    """Columns of texts (lists of bytes of equal length) -> {name: NumPy array [N, ...]}, in their order.

    Texts of similar length share a batch; if the signature takes `row`, texts stay in order. More than ten batches show
    a progress bar. Raises ValueError for answers that are NaN.
    """
    size = len(columns[0])
    order = np.arange(size) if signature.takes_row else longest_first(columns)
    starts, parts = batch_starts(max(size, 1), batch_size), []  # of no text the shapes of the answers
    bar = keras.utils.Progbar(size, verbose=int(verbose if verbose != "auto" else len(starts) > 10))
    for i in starts:
        rows = order[i : i + batch_size]
        batch = (tf.constant([column[k] for k in rows], tf.string) for column in columns)
        answers = signature(*batch, row=row + i, **scalars)
        parts.append({name: part.numpy() for name, part in answers.items()})
        bar.add(len(rows))
    back = np.argsort(order)
    return {name: stacked([part[name] for part in parts])[back] for name in parts[0]}


def longest_first(columns):
    return np.argsort([-sum(map(len, texts)) for texts in zip(*columns, strict=True)], kind="stable")


def batch_starts(size, batch_size):
    """The index of the first text of each batch. Raises ValueError for a batch size below 1."""
    return range(0, size, count_of("batch_size", batch_size))


def count_of(name, value):
    """`value` as an int. Raises ValueError unless it is a whole number of 1 or more."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number, 1 or more, got {value!r}")
    return int(value)


def stacked(parts):
    """Arrays [b, ...] -> one array [B, ...]; shorter ones are padded with 0 or "" along the other axes."""
    most = np.max([part.shape[1:] for part in parts], axis=0)
    widths = ([(0, 0), *((0, int(size)) for size in most - part.shape[1:])] for part in parts)
    empty = b"" if parts[0].dtype == object else 0
    return np.concatenate([
        np.pad(part, width, constant_values=empty) if np.any(width) else part
        for part, width in zip(parts, widths, strict=True)
    ])  # fmt: skip
