"""Names of a model's layers and weights, and patterns that select among them.

A name is the path of a part inside the model, without the names of models: "layer1/look/query" is a layer of a GPT,
both for the model alone and inside a task; "layer1/look/query/kernel" is its weight. A Keras `Wrapper` and the layer
that it wraps share one name. The layers of a functional or sequential model have names, but cannot be replaced.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

import keras

from tfllm import private_api


@dataclass(frozen=True)
class Slot:
    """One place where a model holds a layer: an attribute of `owner` (then holder is owner), or an item of a list or
    dict.

    holder None: the layer is part of a Keras graph and cannot be replaced.
    """

    name: str
    layer: keras.layers.Layer
    owner: keras.layers.Layer
    holder: object
    key: object

    def replace(self, new):
        """Put `new` here, in the same order among the owner's layers."""
        private_api.replace_sublayer(self.owner, self.layer, new)  # unless the first slot of the same layer already did
        if self.holder is self.owner:
            setattr(self.owner, self.key, new)
        else:
            self.holder[self.key] = new


def slots(model) -> Iterator[Slot]:
    """All slots of all layers below `model`, in a fixed order; a shared layer has one name and several slots."""
    names, taken = {id(model): ""}, {""}

    def below(owner):
        for layer, holder, key in _parts(owner):
            first = id(layer) not in names
            if first:
                names[id(layer)] = name = names[id(owner)]
                if not isinstance(layer, keras.Model) and not isinstance(owner, keras.layers.Wrapper):
                    names[id(layer)] = _free(f"{name}/{layer.name}".lstrip("/"), taken)
            yield Slot(names[id(layer)], layer, owner, holder, key)
            if first:
                yield from below(layer)

    return below(model)


def weights(model) -> dict[str, keras.Variable]:
    """{name: weight} of all weights that can be trained, frozen or not, each once."""
    result: dict[str, keras.Variable] = {}
    seen: set = set()
    taken: set = set()
    for name, layer in [("", model), *((slot.name, slot.layer) for slot in slots(model))]:
        for weight in private_api.own_weights(layer):
            if id(weight) not in seen:
                seen.add(id(weight))
                result[_free(f"{name}/{weight.name}".lstrip("/"), taken)] = weight
    return result


def devices_of(model):
    """Context manager: new weights are created on the devices of the model, on all replicas of its strategy if any."""
    strategy = getattr(model, "distribute_strategy", None)  # TensorFlow backend only
    return nullcontext() if strategy is None else strategy.scope()


def chosen(names, patterns) -> list[str]:
    """The names that match any pattern, in their order. Raises ValueError for a pattern that matches none.

    A pattern is one or several consecutive parts of a name, with * for any characters (also `/`), ? and [...]: "layer1"
    is everything in that layer, "query" every layer or weight of that name, "embed*", "layer[12]/*/kernel".
    """
    names = list(names)
    for pattern in patterns:
        if not any(_fits(name, pattern) for name in names):
            parts = {part for name in names for part in [name, *name.split("/")]}
            near = get_close_matches(pattern.strip("*/"), sorted(parts), 3, cutoff=0.4) or sorted(parts)[:6]
            raise ValueError(f"no name matches {pattern!r}; similar names: {', '.join(near) or 'none'}")
    return [name for name in names if any(_fits(name, pattern) for pattern in patterns)]


def _fits(name, pattern):
    around = (pattern, f"{pattern}/*", f"*/{pattern}", f"*/{pattern}/*")
    return any(fnmatchcase(name, whole) for whole in around)


def _parts(owner):
    """(layer, holder, key) of the direct sublayers of `owner`."""
    graph = isinstance(owner, keras.Sequential) or hasattr(owner, "operations")  # the second: functional
    met = set()
    for layer, holder, key in [] if graph else _held(vars(owner), owner):
        met.add(id(layer))
        yield layer, holder, key
    for layer in private_api.sublayers(owner):
        if id(layer) not in met:
            yield layer, None, None


def _held(items, holder):
    for key, value in list(items.items()):
        if private_api.is_bookkeeping(str(key)):
            continue
        if isinstance(value, keras.layers.Layer):
            yield value, holder, key
        elif isinstance(value, (list, dict)):
            yield from _held(dict(enumerate(value)) if isinstance(value, list) else value, value)


def _free(name, taken):
    """The name, or "name_2", ... if it is taken."""
    again, number = name, 1
    while again in taken:
        number += 1
        again = f"{name}_{number}"
    taken.add(again)
    return again
