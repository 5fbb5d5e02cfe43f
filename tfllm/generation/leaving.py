"""Rows that have ended leave the loop, so that the others do not wait for as many steps of the whole batch.

Rows leave when the state grows, which copies it in any case: see growing_cache.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class Leaving:
    """How the rows of a loop variable `now` leave.

    open(now) -> bool [B]        whether a row goes on
    results(now) -> nest [B, ..] what remains of each row at the end
    take(now, index) -> now      with the rows at `index`, int32 [b]
    bind(rows) -> body           the body of the loop for these rows of the batch, int32 [b]
    """

    open: Callable
    results: Callable
    take: Callable
    bind: Callable

    def leave(self, now, rows, kept):
        """(now, its rows of the batch, the results of all rows) -> the same without the rows that have ended."""
        kept, still = self.stored(now, rows, kept), tf.cast(tf.where(self.open(now))[:, 0], tf.int32)
        return self.take(now, still), tf.gather(rows, still), kept

    def stored(self, now, rows, kept):
        """The results of all rows, those of `now` included."""

        def store(old, new):
            return tf.ensure_shape(tf.tensor_scatter_nd_update(old, rows[:, None], new), old.shape)

        return tf.nest.map_structure(store, kept, self.results(now))


def any_rows(nest):
    """The static shapes of a nest, of any number of rows; scalars have none."""
    return tf.nest.map_structure(lambda x: tf.TensorShape([None, *x.shape[1:]]) if x.shape.rank else x.shape, nest)


def taken(nest, index):
    """The rows `index` of each tensor of a nest."""
    return tf.nest.map_structure(lambda x: tf.gather(x, index), nest)
