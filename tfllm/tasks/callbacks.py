"""Checks of the callbacks and other options of `fit`.

Errors are raised before the text is tokenised, which takes minutes for a large corpus.
"""

import inspect
from numbers import Integral

import keras

from tfllm.config import nearest
from tfllm.layers.tunable import expect_keras_file


def as_list(callbacks):
    """One callback, a list or tuple of them, or None -> a list, as Keras reads them."""
    return [] if callbacks is None else keras.tree.flatten(callbacks)


def learning_rate_setters(callbacks):
    """The class names of the callbacks that set the learning rate."""
    kinds = keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau
    return [type(one).__name__ for one in as_list(callbacks) if isinstance(one, kinds)]


def check_callbacks(optimizer, callbacks):
    """Raise ValueError if a callback sets the learning rate of a schedule, or saves a file that cannot be loaded."""
    for one in as_list(callbacks):
        if isinstance(one, keras.callbacks.ModelCheckpoint) and not one.save_weights_only:
            expect_keras_file(one.filepath)
    if (names := learning_rate_setters(callbacks)) and not isinstance(optimizer.learning_rate, keras.Variable):
        raise ValueError(
            f"{names[0]} sets the learning rate, but the task was compiled with a schedule: compile it with a number "
            f"first, task.compile(keras.optimizers.Adam({float(optimizer.learning_rate):g}))"
        )


def check_options(epochs, callbacks, options):
    """Raise TypeError for an invalid callback or an unknown option, ValueError for a wrong number of epochs."""
    if not isinstance(epochs, Integral) or epochs < 0:
        raise ValueError(f"epochs must be a whole number, 0 or more; got {epochs!r}")
    for one in as_list(callbacks):
        if not isinstance(one, keras.callbacks.Callback):
            raise TypeError(f"callbacks must be keras.callbacks.Callback or a list of them; got {one!r:.60}")
    known = inspect.signature(keras.Model.fit).parameters
    for name in options.keys() - known.keys():
        raise TypeError(f"fit has no option {name!r}{nearest(name, [name for name in known if name != 'self'])}")
