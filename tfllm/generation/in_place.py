"""A state that a loop owns, so that its steps may change it in place.

TensorFlow's scatter operations copy their input, a cache of keys and values, at every step. `update` does not, so each
tensor of the state needs memory of its own: `owned` copies it once, before the loop. Two equal tensors, such as empty
caches, would otherwise be one in a compiled graph. Not for XLA, which updates in place by itself.
"""

import tensorflow as tf


def owned(state):
    """A copy of the nest; no two of its tensors, and nothing outside of it, share memory."""
    return tf.nest.map_structure(lambda x: tf.ensure_shape(tf.raw_ops.DeepCopy(x=x), x.shape), state)


def update(rows, where, new):
    """rows [N, ...] with the rows new [M, ...] at `where` [M, 1]; changes `rows` itself."""
    return tf.raw_ops.InplaceUpdate(x=rows, i=where[:, 0], v=new)
