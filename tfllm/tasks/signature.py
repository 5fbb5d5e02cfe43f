"""A signature of a task: a named function of texts and numbers, compiled once.

Python runs it on batches of texts (`in_batches`), and a SavedModel has it as one of its signatures: all answers of a
task come from its signatures. Numbers, such as a temperature, are inputs; what changes the graph makes another one.
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
    """function(*texts, **scalars) -> {name: tensor [B, ...]}, texts being string tensors [B].

    texts     names of the texts
    scalars   {name: default, a scalar tensor}: a SavedModel has the defaults too, in its file
    numbered  whether the function also takes `row`, the number of the first text: what is drawn for a text depends on
              its number. A SavedModel has no such input: its rows are counted from 0
    """

    function: Callable
    texts: tuple[str, ...] = ("texts",)
    scalars: Mapping = field(default_factory=dict)
    numbered: bool = False

    def __post_init__(self):
        """compiled: the tf.function that Python calls, of the texts, `row` where it is numbered, and the scalars."""
        object.__setattr__(self, "compiled", compile(self, numbered=self.numbered))

    @cached_property
    def served(self):
        """The tf.function that a SavedModel has: texts, then the scalars."""
        return compile(self, numbered=False)

    def __call__(self, *columns, row=0, **scalars):
        """TypeError for a scalar that it has not; ValueError where the model gives NaN."""
        for name in scalars.keys() - self.scalars.keys():
            known = nearest(name, self.scalars) if self.scalars else ", which has none"
            raise TypeError(f"there is no number {name!r} in this signature{known}")
        values = [tf.cast(scalars.get(name, default), default.dtype) for name, default in self.scalars.items()]
        with plain_errors():
            return self.compiled(*columns, *([tf.cast(row, tf.int32)] if self.numbered else []), *values)


def compile(signature, numbered):
    inputs = [tf.TensorSpec([None], tf.string, name=name) for name in signature.texts]
    inputs += [tf.TensorSpec([], tf.int32, name="row")] if numbered else []
    inputs += [tf.TensorSpec([], value.dtype, name=name) for name, value in signature.scalars.items()]
    function = partial(call, signature, [one.name for one in inputs])
    function.__signature__ = inspect.Signature([
        inspect.Parameter(one.name, inspect.Parameter.POSITIONAL_OR_KEYWORD,
                          default=signature.scalars.get(one.name, inspect.Parameter.empty))
        for one in inputs
    ])  # fmt: skip
    return tf.function(function, input_signature=inputs, autograph=False)


def call(signature, names, *values):
    """What the function gives; in a graph too an error where a number is NaN."""
    size = len(signature.texts)
    found = signature.function(*values[:size], **dict(zip(names[size:], values[size:], strict=True)))
    return {name: numbers(part) if part.dtype.is_floating else part for name, part in found.items()}


def in_batches(signature, columns, batch_size=32, verbose="auto", row=0, **scalars):
    """Columns of texts, lists of bytes that are equally long -> {name: NumPy array [N, ...]}, in their order.

    Texts of like length share a batch, but for what is numbered: its texts stay in order. A progress bar shows on more
    than ten batches. ValueError for answers that are NaN.
    """
    size = len(columns[0])
    order = np.arange(size) if signature.numbered else longest_first(columns)
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
    """Where each of the batches of so many texts begins. ValueError for a batch of none."""
    return range(0, size, count_of("batch_size", batch_size))


def count_of(name, value):
    """`value`; ValueError unless it is a whole number, 1 or more."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number, 1 or more, got {value!r}")
    return int(value)


def stacked(parts):
    """Arrays [b, ...] -> [B, ...]; what is shorter than others behind the first axis is filled up with 0 or ""."""
    most = np.max([part.shape[1:] for part in parts], axis=0)
    widths = ([(0, 0), *((0, int(size)) for size in most - part.shape[1:])] for part in parts)
    empty = b"" if parts[0].dtype == object else 0
    return np.concatenate([
        np.pad(part, width, constant_values=empty) if np.any(width) else part
        for part, width in zip(parts, widths, strict=True)
    ])  # fmt: skip
