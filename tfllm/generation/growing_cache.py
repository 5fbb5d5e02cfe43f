"""A while loop over a state that grows: caches are made as long as a text gets, not as long as it may get.

Attention reads a whole cache at each step, and a beam copies it; most texts end long before the most that is allowed.
Leaves out: XLA, which knows no growing shapes; there a state has all its places from the first (grow=None).
"""

import tensorflow as tf


def while_loop(unfinished, body, now, grow=None, capacity=16, most=None):
    """now -> now, a NamedTuple with a `position` and a `state`, after `body` as long as it is `unfinished`.

    grow(state, places) -> the state with that many places: `capacity` at first, then twice as many each time `position`
    comes to the end of them, at most `most`. A step at `position` needs place `position`.
    """
    if grow is None:
        return tf.while_loop(unfinished, lambda now: (body(now),), (now,))[0]

    def fill(now, capacity):
        def onward(now):
            return tf.logical_and(unfinished(now), now.position < capacity)

        now = now._replace(state=grow(now.state, capacity))
        return tf.while_loop(onward, lambda now: (body(now),), (now,))[0], tf.minimum(2 * capacity, most)

    capacity = tf.minimum(capacity, most)
    shapes = tf.nest.map_structure(lambda x: x.shape, now)._replace(state=growing(grow, now.state))
    return tf.while_loop(lambda now, capacity: unfinished(now), fill, (now, capacity), (shapes, tf.TensorShape([])))[0]


def growing(grow, state):
    """The static shapes of the state, None along the axes that `grow` makes longer."""
    kinds = tf.nest.map_structure(tf.TensorSpec.from_tensor, state)
    traced = tf.function(grow, autograph=False).get_concrete_function(kinds, tf.TensorSpec([], tf.int32))
    after = tf.nest.pack_sequence_as(state, traced.outputs)

    def both(a, b):
        return tf.TensorShape([m if m == n else None for m, n in zip(a.shape, b.shape, strict=True)])

    return tf.nest.map_structure(both, state, after)
