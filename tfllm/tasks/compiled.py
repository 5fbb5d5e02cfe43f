"""What a task compiles. The latest few functions of a kind are kept; each is made once, whichever thread comes first.

A trace freezes the layers that it meets and their settings: a length, a threshold, the weight of a loss. So all of them
stand in the key, and what is said after `replace_embedding`, LoRA, a calibration or `task.reply_length = 20` is said by
a new trace. Weights are read anew at each call. Left out: settings that no constructor names.
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
    """A method that makes a tf.function -> the one of an earlier call, where arguments and task are the same."""

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
    """Whether the settings are others than when this was asked for `what` the last time; False at first."""
    seen, now = vars(task).setdefault("_seen", {}), settings(task)
    before, seen[what] = seen.get(what, now), now
    return before != now


def settings(task):
    """Each layer of the task, and the plain values of what its constructor takes: a tuple that can be a key."""
    return tuple((layer, *_plain(layer)) for layer in all_layers(task))


def _plain(layer):
    for name in parameters(type(layer)):
        value = getattr(layer, name, None)
        value = tuple(value) if isinstance(value, list) else value
        parts = value if isinstance(value, tuple) else (value,)
        yield value if all(part is None or isinstance(part, (Number, str)) for part in parts) else None
