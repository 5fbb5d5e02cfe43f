"""gensim's own files are pickles, and a pickle may run any function it names: so what it names is looked at first."""

import importlib
import pickle

NUMPY = {"_reconstruct", "scalar", "_frombuffer", "ndarray", "dtype", "RandomState", "MT19937"}
NUMPY |= {"__randomstate_ctor", "__bit_generator_ctor"}
BUILTINS = {"hash", "set", "frozenset", "bytearray", "object", "int", "float", "str", "list", "dict", "tuple"}
COLLECTIONS = {"OrderedDict", "defaultdict", "Counter"}


def is_pickle(head):
    """Whether the first bytes of a file begin a pickle of protocol 2 or later; no UTF-8 begins so."""
    return len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5


def check_pickle(file, path):
    """ValueError where the pickle in an open file is nothing of gensim, or names more than gensim and NumPy."""
    try:
        found = _Checked(file, path).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected word vectors saved by gensim, got a pickle with a fault: {error}") from None
    if not type(found).__module__.startswith("gensim."):
        raise ValueError(f"{path}: expected word vectors saved by gensim, got a {type(found).__name__}")


class _Checked(pickle.Unpickler):
    def __init__(self, file, path):
        super().__init__(file, encoding="latin1")  # as gensim does, for files of Python 2
        self._path = path

    def find_class(self, module, name):
        home = module.split(".")[0]
        good = (
            (module.startswith("gensim.models.") and _is_class_of_gensim(module, name))
            or (module, name) == ("gensim.utils", "call_on_class_only")  # in whole models: only raises
            or (home == "numpy" and name in NUMPY)
            or (module == "builtins" and name in BUILTINS)
            or (module == "collections" and name in COLLECTIONS)
        )
        if not good:
            raise ValueError(
                f"{self._path}: expected word vectors saved by gensim, got a pickle that runs {module}.{name}. "
                "If you trust the file, gensim.models.KeyedVectors.load reads it"
            )
        return super().find_class(module, name)


def _is_class_of_gensim(module, name):
    found = getattr(importlib.import_module(module), name, None)
    return isinstance(found, type) and found.__module__.startswith("gensim.models.")
