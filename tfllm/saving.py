"""The config of a Keras object, read off the parameters of its constructor: no class writes its names once more.

A parameter's value is the attribute of its name as it is now, so that what was changed after construction is saved as
changed; or, where the object keeps them together, its entry in `numbers`. Keras objects are configs in a config.
"""

import inspect
from functools import cache

import keras

OF_KERAS = {"self", "args", "kwargs", "name", "trainable", "dtype"}  # what Keras' own get_config knows


class Configured:
    """Mixed in before a class of Keras: `get_config` and `from_config` for what its constructor takes.

    Keras objects among the values are serialised, tuples become lists. One that has been written already is None where
    None is the default: the constructor then takes the other one, so that the two stay one object.
    A subclass that has a `get_config` or `from_config` of its own may call these and change what they give.
    NotImplementedError for a value that the object does not keep, unless its `get_config` is not from here.
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
    """The names that the constructor of a class takes, but for those that Keras knows of every layer."""
    return tuple(name for name in _signature(kind) if name not in OF_KERAS)


def _signature(kind):
    return inspect.signature(kind.__init__).parameters


def _values(made):
    """{parameter: its value, as a config has it}."""
    kind, numbers, result, seen = type(made), getattr(made, "numbers", {}), {}, []
    for name in parameters(kind):
        if name not in numbers and not hasattr(made, name):
            if kind.get_config.__module__.startswith("tfllm."):
                raise NotImplementedError(
                    f"{kind.__name__} does not keep {name!r}, which its constructor takes: keep it as an attribute of "
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
    """Whether a value in a config is a Keras object's config, not a dict of numbers by name."""
    return isinstance(value, dict) and isinstance(value.get("class_name"), str)
