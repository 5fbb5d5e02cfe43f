"""Lets a functional model call a method of a layer, such as `pool` of an encoder.

The graph of a functional Keras model contains only calls of layers. A method that calls sublayers would add these to
the graph as separate layers, and the saved model would not load. A method decorated with `in_graph` appears in the
graph as a call of its layer with the name of the method.
"""

import inspect
from functools import wraps

import keras


def in_graph(method):
    """Decorator of a method of an `InGraph`: on a keras.Input, or what is made of one, it becomes a call of its
    layer.
    """

    @wraps(method)
    def marked(self, *args, **kwargs):
        if any(isinstance(part, keras.KerasTensor) for part in keras.tree.flatten((args, kwargs))):
            return keras.Operation.symbolic_call(self, *args, method=method.__name__, **kwargs)
        return method(self, *args, **kwargs)

    marked.in_graph = True
    return marked


class InGraph:
    """Mixin, listed before a Keras layer: methods decorated with `in_graph` work in a functional model and its file."""

    def __call__(self, *args, method=None, **kwargs):
        if method is None:
            return super().__call__(*args, **kwargs)
        function = self._marked(method)
        if "training" not in inspect.signature(function).parameters:  # sublayers get it from the enclosing call
            kwargs.pop("training", None)
        return function(self, *args, **kwargs)

    def compute_output_spec(self, *args, method=None, **kwargs):
        if method is None:
            return super().compute_output_spec(*args, **kwargs)
        return _Function(self._marked(method).__wrapped__, self).compute_output_spec(*args, **kwargs)

    def _marked(self, name):
        """Raises ValueError for an undecorated method, since a file could name any method."""
        function = getattr(type(self), name, None)
        if not getattr(function, "in_graph", False):
            raise ValueError(f"{type(self).__name__} has no method {name!r} that a functional model may call")
        return function


class _Function(keras.Operation):
    def __init__(self, function, owner):
        super().__init__()
        self.function, self.owner = function, owner

    def call(self, *args, **kwargs):
        return self.function(self.owner, *args, **kwargs)
