"""Attention masks: pure functions, called once at the top of a model and passed on by name.

True always means a real token (padding mask) or "may be attended to" (attention mask). Shapes are [B or 1, T or 1, S],
so that masks combine by broadcasting. Keras' implicit masks (`mask_zero`, `_keras_mask`) are never used.
"""

import keras
from keras import ops

PAD = 0  # the padding id, the same in every tokenizer


def padding(token_ids):
    """token_ids [B, S] -> [B, 1, S]: every query may attend to real tokens only."""
    return ops.not_equal(token_ids, PAD)[:, None, :]


def causal(queries, keys, position=0, window=None):
    """[1, T, S]: the query at position `position` + t sees keys 0 .. `position` + t (the look-ahead mask).

    window: at most this number of keys, the last ones (sliding window; Beltagy et al. 2020, sec. 3.1); None: all.
    """
    key = ops.arange(keys, dtype="int32")[None, :]
    query = position + ops.arange(queries, dtype="int32")[:, None]
    seen = key <= query
    return (seen if window is None else ops.logical_and(seen, key > query - window))[None]


def checked(mask, name):
    """The mask, if it is bool [B or 1, T or 1, S]; raises ValueError if not (older samples use 1 = hidden)."""
    dtype = keras.backend.standardize_dtype(mask.dtype)
    if dtype != "bool" or len(mask.shape) != 3:
        raise ValueError(
            f"{name} must be bool of shape [B or 1, T or 1, S], True = may be attended to; got {dtype} of shape "
            f"{tuple(mask.shape)}. Convert a mask [B, 1, T or 1, S] with 1 = hidden by `mask[:, 0] == 0`"
        )
    return mask


def combined(*masks):
    """True where all given masks (those that are not None) are True; None if there is none."""
    given = [mask for mask in masks if mask is not None]
    both = given[0] if given else None
    for mask in given[1:]:
        both = ops.logical_and(both, mask)
    return both
