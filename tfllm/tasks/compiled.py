"""A cache of the functions that a task compiles. It keeps the latest few of each kind, and is thread-safe.

Tracing freezes the layers and settings that it meets: a length, a threshold, the weight of a loss. Therefore the cache
key contains all of them: after `replace_embedding`, LoRA, a calibration or `task.reply_length = 20` the function is
traced again. Weights are not frozen. Settings that are no constructor arguments are not part of the key.
"""

import threading
from collections import OrderedDict
from functools import wraps
from numbers import Number

from tfllm.private_api import all_layers
from tfllm.saving import parameters

CAPACITY = 8  # functions of a kind
LOCK = threading.RLock()


def compiled(make):
    """Decorator: a method that makes a tf.function returns the cached one if arguments and task are unchanged."""

    @wraps(make)
    def cached(self, *structure, **options):
        with LOCK:
            functions = vars(self).setdefault("_functions", {}).setdefault(make.__name__, OrderedDict())
            key = structure, tuple(sorted(options.items())), settings(self)
            if key not in functions:
                functions[key] = make(self, *structure, **options)
            functions.move_to_end(key)
            while len(functions) > CAPACITY:
                functions.popitem(last=False)
            return functions[key]

    return cached


def changed(task, what):
    """Whether the settings of the task changed since the last call with the same `what`; False at first."""
    seen, now = vars(task).setdefault("_seen", {}), settings(task)
    before, seen[what] = seen.get(what, now), now
    return before != now


def settings(task):
    """A hashable tuple of all layers of the task, each with the plain values of its constructor arguments."""
    return tuple((layer, *_plain(layer)) for layer in all_layers(task))


def _plain(layer):
    for name in parameters(type(layer)):
        value = getattr(layer, name, None)
        value = tuple(value) if isinstance(value, list) else value
        parts = value if isinstance(value, tuple) else (value,)
        yield value if all(part is None or isinstance(part, (Number, str)) for part in parts) else None
