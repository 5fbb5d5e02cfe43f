"""Attention masks: pure functions, made once at the top of a model and passed by name.

Polarity is fixed: True means a real token (padding) or "may look" (attention). Shapes are [B or 1, T or 1, S], so
that masks combine by broadcasting. Keras' hidden masks (`mask_zero`, `_keras_mask`) are never used.
"""

from keras import ops

PAD = 0  # the id that fills a batch up; the same in every tokenizer


def padding(token_ids):
    """token_ids [B, S] -> [B, 1, S]: every query may look at real tokens only."""
    return ops.not_equal(token_ids, PAD)[:, None, :]


def causal(queries, keys, position=0):
    """[1, T, S]: the query at place `position` + t sees keys 0 .. `position` + t (the look-ahead mask)."""
    return (ops.arange(keys)[None, :] <= position + ops.arange(queries)[:, None])[None]


def combined(*masks):
    """True where every mask that is given (not None) is True; None where none is given."""
    given = [mask for mask in masks if mask is not None]
    both = given[0] if given else None
    for mask in given[1:]:
        both = ops.logical_and(both, mask)
    return both
