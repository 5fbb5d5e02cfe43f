"""The config of a Keras object, derived from the parameters of its constructor, so classes need not list them again.

The value of a parameter is the current attribute of that name, so that later changes are saved too; or, if the object
keeps them together, its entry in `numbers`. Keras objects are nested configs.
"""

import inspect
from functools import cache

import keras

OF_KERAS = {"self", "args", "kwargs", "name", "trainable", "dtype"}  # handled by Keras' own get_config


class Configured:
    """Mixin, listed before a Keras class: `get_config` and `from_config` for the constructor's arguments.

    Keras objects among the values are serialised, tuples become lists. An object that appears a second time is None if
    None is the default: the constructor then uses the first one, so that the two remain one object.
    A subclass with its own `get_config` or `from_config` may call these and change the result.
    Raises NotImplementedError for a value that the object does not store, unless its `get_config` is not from here.
    """

    def get_config(self):
        taken = _signature(type(self))
        base = super().get_config()
        if "kwargs" not in taken:
            base = {name: value for name, value in base.items() if name in taken}
        return base | _values(self)

    @classmethod
    def from_config(cls, config, *custom_objects):
        made = {
            name: keras.saving.deserialize_keras_object(config[name], *custom_objects)
            for name in parameters(cls)
            if _is_object(config.get(name))
        }
        return super().from_config(config | made, *custom_objects)


@cache
def parameters(kind):
    """The names of the constructor's parameters, except those that Keras handles for every layer."""
    return tuple(name for name in _signature(kind) if name not in OF_KERAS)


def _signature(kind):
    return inspect.signature(kind.__init__).parameters


def _values(made):
    """{parameter: its value, as in a config}."""
    kind, numbers, result, seen = type(made), getattr(made, "numbers", {}), {}, []
    for name in parameters(kind):
        if name not in numbers and not hasattr(made, name):
            if kind.get_config.__module__.startswith("tfllm."):
                raise NotImplementedError(
                    f"{kind.__name__} does not store its constructor's argument {name!r}: store it as an attribute of "
                    "that name, or write get_config and from_config"
                )
            continue
        value = numbers[name] if name in numbers else getattr(made, name)
        again = _signature(kind)[name].default is None and any(value is other for other in seen)
        result[name] = None if again else _plain(value)
        seen += [value] if _is_object(result[name]) else []
    return result


def _plain(value):
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return keras.saving.serialize_keras_object(value)


def _is_object(value):
    """Whether a value in a config is the config of a Keras object, not a dict of numbers by name."""
    return isinstance(value, dict) and isinstance(value.get("class_name"), str)
