"""The callbacks that users give to `fit`: which of them a task must know of, and which it refuses; and other options.

What is refused is refused before a text is tokenised, which takes minutes for a large corpus.
"""

import inspect
from numbers import Integral

import keras

from tfllm.config import nearest
from tfllm.layers.tunable import expect_keras_file


def listed(callbacks):
    """One callback, a list or a tuple of them, or None -> a list, as Keras reads them."""
    return [] if callbacks is None else keras.tree.flatten(callbacks)


def setters(callbacks):
    """The names of the callbacks that set the learning rate."""
    kinds = keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau
    return [type(one).__name__ for one in listed(callbacks) if isinstance(one, kinds)]


def check_callbacks(optimizer, callbacks):
    """ValueError where a callback would set a learning rate that is a schedule's, or save what nothing can load."""
    for one in listed(callbacks):
        if isinstance(one, keras.callbacks.ModelCheckpoint) and not one.save_weights_only:
            expect_keras_file(one.filepath)
    if (names := setters(callbacks)) and not isinstance(optimizer.learning_rate, keras.Variable):
        raise ValueError(
            f"{names[0]} sets the learning rate, but the task is compiled with a schedule: compile it with a number "
            f"first, task.compile(keras.optimizers.Adam({float(optimizer.learning_rate):g}))"
        )


def check_options(epochs, callbacks, options):
    """TypeError for what is no callback and for unknown options; ValueError for a wrong number of epochs."""
    if not isinstance(epochs, Integral) or epochs < 0:
        raise ValueError(f"epochs must be a whole number, 0 or more; got {epochs!r}")
    for one in listed(callbacks):
        if not isinstance(one, keras.callbacks.Callback):
            raise TypeError(f"callbacks must be keras.callbacks.Callback or a list of them; got {one!r:.60}")
    known = inspect.signature(keras.Model.fit).parameters
    for name in options.keys() - known.keys():
        raise TypeError(f"fit has no option {name!r}{nearest(name, [name for name in known if name != 'self'])}")
