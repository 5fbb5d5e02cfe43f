"""Methods of a layer that a functional model may call, such as `pool` of an encoder.

In the graph of a functional model Keras has calls of layers and nothing else: of a method that calls sublayers it would
have these, as layers of their own, and its file would not load. A method marked by `in_graph` is there a call of its
layer that names the method.
"""

import inspect
from functools import wraps

import keras


def in_graph(method):
    """Marks a method of an `InGraph`: on a keras.Input, or what is made of one, it becomes a call of its layer."""

    @wraps(method)
    def marked(self, *args, **kwargs):
        if any(isinstance(part, keras.KerasTensor) for part in keras.tree.flatten((args, kwargs))):
            return keras.Operation.symbolic_call(self, *args, method=method.__name__, **kwargs)
        return method(self, *args, **kwargs)

    marked.in_graph = True
    return marked


class InGraph:
    """Mixin, named before a Keras layer: its methods marked by `in_graph` work in a functional model and its file."""

    def __call__(self, *args, method=None, **kwargs):
        if method is None:
            return super().__call__(*args, **kwargs)
        function = self._marked(method)
        if "training" not in inspect.signature(function).parameters:  # sublayers have it from the call around
            kwargs.pop("training", None)
        return function(self, *args, **kwargs)

    def compute_output_spec(self, *args, method=None, **kwargs):
        if method is None:
            return super().compute_output_spec(*args, **kwargs)
        return _Function(self._marked(method).__wrapped__, self).compute_output_spec(*args, **kwargs)

    def _marked(self, name):
        """ValueError for another method: a file may name any."""
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
