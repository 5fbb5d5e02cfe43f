"""A Python generator as a tf.data.Dataset.

With `tf.data.Dataset.from_generator` of TensorFlow 2.21 the C library returns freed memory to the system at once, for
the rest of the program: 25,000 page faults for fifty arrays of 4 MB instead of none, and half the training speed.
"""

import itertools

import numpy as np
import tensorflow as tf

_NOTHING = object()


def from_generator(function, signature):
    """Like `tf.data.Dataset.from_generator(function, output_signature=signature)`, for a TensorSpec or a tuple of
    them.
    """
    one, running, numbers = isinstance(signature, tf.TensorSpec), {}, itertools.count()
    specs = (signature,) if one else signature

    def begin():
        number = next(numbers)
        running[number] = iter(function())
        return np.int64(number)

    def proceed(number):
        item = next(running[int(number)], _NOTHING)
        if item is _NOTHING:
            del running[int(number)]
            return [False, *(np.zeros([0] * spec.shape.rank, spec.dtype.as_numpy_dtype) for spec in specs)]
        parts = zip((item,) if one else item, specs, strict=True)
        return [True, *(np.asarray(part, spec.dtype.as_numpy_dtype) for part, spec in parts)]

    def items(_):
        number = tf.numpy_function(begin, [], tf.int64)

        def item(_):
            return tf.numpy_function(proceed, [number], [tf.bool, *(spec.dtype for spec in specs)])

        return tf.data.Dataset.counter().map(item).take_while(lambda *parts: parts[0])

    def shaped(_, *parts):
        parts = tuple(tf.ensure_shape(part, spec.shape) for part, spec in zip(parts, specs, strict=True))
        return parts[0] if one else parts

    items, shaped = map(tf.autograph.experimental.do_not_convert, (items, shaped))
    return tf.data.Dataset.range(1).flat_map(items).map(shaped)
