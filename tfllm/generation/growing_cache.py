"""A while loop whose state (a cache) grows on demand.

Attention reads the whole cache at each step, and a beam copies it, but most texts end long before the limit. XLA does
not support growing shapes: there the state has its full capacity from the start (grow=None).
"""

from functools import partial

import tensorflow as tf

from tfllm.generation.in_place import owned
from tfllm.generation.leaving import any_rows

GROWTH = 16  # positions


def while_loop(unfinished, body, now, grow=None, capacity=16, most=None, in_place=False, leaving=None):
    """Run `body` on `now`, a NamedTuple with a `position` and a `state`, while `unfinished(now)`.

    grow(state, capacity) -> the state with that capacity: `capacity` at first, GROWTH more each time `position` reaches
    it, at most `most`. A step at `position` needs a capacity of more than `position`.
    in_place: steps may change the state itself, see in_place.py.
    leaving: optional, for a state that grows, see leaving.py; the result of the loop is then `leaving.results`.
    """
    own = owned if in_place else lambda state: state
    if grow is None:
        return tf.while_loop(unfinished, lambda now: (body(now),), (now._replace(state=own(now.state)),))[0]

    def fill(body, now, capacity):
        def onward(now):
            return tf.logical_and(unfinished(now), now.position < capacity)

        now = now._replace(state=own(grow(now.state, capacity)))
        return tf.while_loop(onward, lambda now: (body(now),), (now,))[0], tf.minimum(capacity + GROWTH, most)

    def fill_without_ended(now, capacity, rows, kept):
        now, rows, kept = leaving.leave(now, rows, kept)
        return *fill(leaving.bind(rows), now, capacity), rows, kept

    capacity, none = tf.minimum(capacity, most), tf.TensorShape([])
    shapes = tf.nest.map_structure(lambda x: x.shape, now)._replace(state=growing_shapes(grow, now.state))
    if leaving is None:
        return tf.while_loop(
            lambda now, capacity: unfinished(now), partial(fill, body), (now, capacity), (shapes, none)
        )[0]
    kept = leaving.results(now)
    rows = tf.range(tf.shape(tf.nest.flatten(kept)[0])[0])
    state = [tf.TensorShape([None, *shape[1:]]) for shape in tf.nest.flatten(shapes.state)]
    shapes = any_rows(now._replace(state=()))._replace(state=tf.nest.pack_sequence_as(now.state, state))
    same = tf.nest.map_structure(lambda x: x.shape, kept)
    now, _, rows, kept = tf.while_loop(
        lambda now, *_: unfinished(now), fill_without_ended, (now, capacity, rows, kept),
        (shapes, none, tf.TensorShape([None]), same),
    )  # fmt: skip
    return leaving.stored(now, rows, kept)


def growing_shapes(grow, state):
    """The static shapes of the state, None along the axes that `grow` extends."""
    kinds = tf.nest.map_structure(tf.TensorSpec.from_tensor, state)
    traced = tf.function(grow, autograph=False).get_concrete_function(kinds, tf.TensorSpec([], tf.int32))
    after = tf.nest.pack_sequence_as(state, traced.outputs)

    def both(a, b):
        return tf.TensorShape([m if m == n else None for m, n in zip(a.shape, b.shape, strict=True)])

    return tf.nest.map_structure(both, state, after)
