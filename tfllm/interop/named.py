"""Loads weights by name: all expected names, no others, and all shapes must match. Nothing is skipped silently."""

import numpy as np


def same_names(result, expected, where):
    """Raises ValueError, with the missing and the unexpected names, if the two sets of names differ."""
    missing, unknown = sorted(set(expected) - set(result)), sorted(set(result) - set(expected))
    if missing or unknown:
        raise ValueError(
            f"{where} does not fit its config: missing {listed(missing)}; unexpected {listed(unknown)}. "
            "It may be of another kind of model, or incomplete"
        )


def listed(names, at_most=6):
    if not names:
        return "nothing"
    return ", ".join(names[:at_most]) + (f" and {len(names) - at_most} more" if len(names) > at_most else "")


def assign(variables, value, name, where):
    """Fill `variables`, which are concatenated on the last axis of `value`. Raises ValueError for another shape."""
    widths = [variable.shape[-1] for variable in variables]
    shape = (*variables[0].shape[:-1], sum(widths))
    if tuple(value.shape) != tuple(shape):
        raise ValueError(f"{where}: {name} has shape {list(value.shape)}; by the config it is {list(shape)}")
    for variable, part in zip(variables, np.split(value, np.cumsum(widths)[:-1], axis=-1), strict=True):
        variable.assign(part)


def joined(variables):
    """The inverse of `assign`, as float32."""
    return np.concatenate([np.asarray(variable.numpy(), "float32") for variable in variables], axis=-1)
