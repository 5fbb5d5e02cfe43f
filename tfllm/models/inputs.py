"""The base class of all models: inputs may be arguments, or one list or dict, as Keras' `fit` passes them."""

import inspect

from tfllm.layers.in_graph import InGraph
from tfllm.layers.tunable import Tunable


class Model(InGraph, Tunable):
    """Abstract. model(a, b), model([a, b]) and model({"name of a": a, "name of b": b}) are equal: `fit` takes all
    three.

    Raises ValueError for a name that is not an argument of `call`.
    """

    def __call__(self, *args, method=None, **kwargs):
        if len(args) == 1 and isinstance(args[0], dict):
            args, kwargs = (), args[0] | kwargs
            known = list(inspect.signature(self.call).parameters)
            if strange := [name for name in kwargs if name not in known]:
                raise ValueError(f"{type(self).__name__} takes {', '.join(known)}; got {strange[0]!r}")
        elif len(args) == 1 and isinstance(args[0], (list, tuple)) and all(hasattr(x, "shape") for x in args[0]):
            args = tuple(args[0])
        return super().__call__(*args, method=method, **kwargs)
