"""Weights by name: all that are expected, and no other; every shape fits. Nothing is skipped silently."""

import numpy as np


def same_names(result, expected, where):
    """ValueError where the two sets of names differ, which says what is missing and what is not known."""
    missing, unknown = sorted(set(expected) - set(result)), sorted(set(result) - set(expected))
    if missing or unknown:
        raise ValueError(
            f"{where} does not fit its config: missing {some(missing)}; unexpected {some(unknown)}. "
            "It may be of another kind of model, or incomplete"
        )


def some(names, at_most=6):
    if not names:
        return "nothing"
    return ", ".join(names[:at_most]) + (f" and {len(names) - at_most} more" if len(names) > at_most else "")


def assign(variables, value, name, where):
    """Fill `variables`, which lie side by side on the last axis of `value`. ValueError for another shape."""
    widths = [variable.shape[-1] for variable in variables]
    shape = (*variables[0].shape[:-1], sum(widths))
    if tuple(value.shape) != tuple(shape):
        raise ValueError(f"{where}: {name} has shape {list(value.shape)}; by the config it is {list(shape)}")
    for variable, part in zip(variables, np.split(value, np.cumsum(widths)[:-1], axis=-1), strict=True):
        variable.assign(part)


def joined(variables):
    """What `assign` takes apart, as float32."""
    return np.concatenate([np.asarray(variable.numpy(), "float32") for variable in variables], axis=-1)
