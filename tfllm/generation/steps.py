"""The step function that both loops call, its checks, and the ids of special tokens.

A step is `step(last int32 [R, 1], state, position int32 scalar) -> (logits [R, V], state)`: it reads the token at
`position` and returns the logits of the next position. `state` is any nest of tensors with R rows first, whose
structure, types and shapes never change; constants (an encoder's memory) belong in the step's closure.
"""

import numpy as np
import tensorflow as tf

PAD, START, END = 0, 2, 3  # as in text/tokenizer.py; generation imports nothing of tfllm
NOT_A_NUMBER = (
    "the model gives logits that are not numbers (NaN): its weights are NaN or overflow; "
    "use an earlier checkpoint, or train with a lower learning rate"
)


def as_state(state, rows):
    """The nest as tensors. Raises ValueError for a leaf whose known first axis is not `rows` (int or None)."""

    def leaf(x):
        x = tf.convert_to_tensor(x)
        if x.shape.rank == 0 or (None not in (rows, x.shape[0]) and x.shape[0] != rows):
            raise ValueError(
                f"Every tensor of `state` needs {rows} rows first, one for each hypothesis; one has shape "
                f"{x.shape}. Repeat the state for each beam, and keep constants out of it."
            )
        return x

    return tf.nest.map_structure(leaf, state)


def advance(step, last, state, position, forbidden):
    """One checked call of `step`.

    last [R, 1] -> logits float32 [R, V], -inf at the forbidden ids; `total` [R, 1], the logarithm of the softmax
    denominator over all ids, so that `logits - total` are log-probabilities; the new state.
    """
    logits, new = step(last, state, position)
    if logits.shape.rank == 2:  # a step may not know R; the loop's variables keep theirs
        logits = tf.ensure_shape(logits, [last.shape[0], logits.shape[1]])
    return *measured(logits, forbidden), like(state, new)


def measured(logits, forbidden):
    """logits [R, V] -> (float32, -inf at the forbidden ids; `total` as in `advance`). Raises ValueError for other
    shapes.
    """
    logits = tf.cast(logits, tf.float32)
    if logits.shape.rank != 2 or logits.shape[-1] is None:
        raise ValueError(f"A step must return logits [R, V] of known V; these have shape {logits.shape}.")
    logits, top = bounded(logits)
    total = top + tf.math.log(tf.reduce_sum(tf.exp(logits - top), axis=-1, keepdims=True))
    if forbidden:
        logits = tf.where(np.isin(np.arange(logits.shape[-1]), forbidden), -float("inf"), logits)
    return logits, total


def finite(logits):
    """The logits; if a row has +inf, that id gets all the probability: 0 there, -inf elsewhere. NaN stays NaN."""
    return bounded(logits)[0]


def bounded(logits):
    """`finite` logits [R, V], and the highest of each row [R, 1]. Only a batch with +inf is computed anew."""
    top = tf.reduce_max(logits, axis=-1, keepdims=True)
    infinite = top == float("inf")

    def mended():
        one = tf.where(logits == float("inf"), tf.zeros_like(logits), tf.constant(-float("inf"), logits.dtype))
        return tf.where(infinite, one, logits), tf.where(infinite, tf.zeros_like(top), top)

    result = tf.cond(tf.reduce_any(infinite), mended, lambda: (logits, top))
    return tuple(tf.ensure_shape(part, like.shape) for part, like in zip(result, (logits, top), strict=True))


def numbers(values, result=None):
    """`result` (default: the values). Raises an error if a value is NaN: ValueError in eager mode, an Assert in a
    graph.

    XLA removes assertions, so its results are checked outside of it.
    """
    result = values if result is None else result
    fine = tf.logical_not(tf.reduce_any(tf.math.is_nan(values)))
    if tf.executing_eagerly():
        if not fine:
            raise ValueError(NOT_A_NUMBER)
        return result
    with tf.control_dependencies([tf.debugging.Assert(fine, [NOT_A_NUMBER])]):
        return tf.nest.map_structure(tf.identity, result)


def ends(end):
    """The ids that end a text, one or several -> a tuple of ints. Raises ValueError for no id, and for invalid ids."""
    result = tuple(np.atleast_1d(np.asarray(end)).tolist())
    if not result or not all(isinstance(i, int) and i >= 0 for i in result):
        raise ValueError(f"end must be a token id or several, 0 or more, got {end!r}")
    return result


def among(ids, few):
    """bool, as `ids`: whether it is one of a `few` ids."""
    return tf.reduce_any(ids[..., None] == tf.constant(few, tf.int32), axis=-1)


def ruled(rules, logits, tokens, position):
    """logits [R, V] after all `rules`, for position `position` of `tokens` [R, L]."""
    for rule in rules:
        logits = rule(logits, tokens, position)
    return logits


def like(old, new):
    """`new` in the structure and the static shapes of `old`. Raises ValueError if the step changed either."""
    before, after = tf.nest.flatten(old), [tf.convert_to_tensor(x) for x in tf.nest.flatten(new)]
    fits = len(before) == len(after) and all(
        a.dtype == b.dtype and a.shape.is_compatible_with(b.shape) for a, b in zip(after, before, strict=True)
    )
    if not fits:
        raise ValueError(
            f"A step must return a state like the one it got, {[(b.dtype.name, b.shape) for b in before]}; "
            f"this one returned {[(a.dtype.name, a.shape) for a in after]}."
        )
    shaped = [a if a.shape == b.shape else tf.ensure_shape(a, b.shape) for a, b in zip(after, before, strict=True)]
    return tf.nest.pack_sequence_as(old, shaped)
