"""Reads a pickle saved by gensim without running anything that it names.

A pickle calls the functions and classes that it names. Here a class of gensim becomes a `Saved` object, which keeps the
attributes and does nothing, and the few NumPy functions that build arrays are replaced by functions of this file.
Everything else is refused with an error.
"""

import pickle
import re

import numpy as np

from tfllm.files import one_line
from tfllm.private_api import PythonUnpickler

CALLED = re.compile(r"gensim\.models\.[\w.]+|gensim\.utils:call_on_class_only|numpy\.random[\w.]*:\w+|numpy:ndarray")
TYPES = {"hash", "object", "int", "long", "float", "str", "unicode", "bytes", "list", "dict", "tuple", "type"}
MAPPINGS = {"OrderedDict", "defaultdict", "Counter"}
LINE = 2**20  # the longest line in bytes
PARTS = 10**4  # the maximum number of items of a tuple, including those of the tuples in it


def unpickle(source, path):
    """The object in an `Unpacked` file. Raises ValueError for a damaged pickle, and for one that names other code."""
    try:
        return _Unpickler(_Limited(source), path).load()
    except _Refused:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        message = f"{path}: expected word vectors saved by gensim, got a damaged pickle: {one_line(error)}"
        raise ValueError(message) from None


class _Refused(ValueError):
    """An error whose message is meant for the user."""


class _Limited:
    """A file that refuses to read more bytes than it has left."""

    def __init__(self, source):
        self.source, self.left = source, source.most

    def read(self, size):
        self.left -= size
        if self.left < 0:
            raise EOFError(f"it asks for {size} bytes more than there are")
        return self.source.read(size)

    def readline(self):
        return self.source.file.readline(LINE)


def _counted(load):
    """Wrap an unpickling step that makes a tuple, to limit its size: hashing nested tuples may take forever."""

    def step(self):
        load(self)
        new = self.stack[-1]
        parts = sum(self.parts.get(id(part), (1,))[0] if isinstance(part, tuple) else 1 for part in new)
        if parts > PARTS:
            raise ValueError(f"a tuple of more than {PARTS} parts")
        self.parts[id(new)] = parts + 1, new  # keeps the tuple alive, so that its id is not reused

    return step


def _build(self):
    """The step that sets an object's state, allowed for classes of this file only."""
    if not hasattr(type(self.stack[-2]), "__setstate__"):
        raise TypeError(f"a state of a {type(self.stack[-2]).__name__}")
    self.load_build()


_STEPS = PythonUnpickler.dispatch | {pickle.BUILD[0]: _build}
for _code in (pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3):
    _STEPS[_code[0]] = _counted(_STEPS[_code[0]])


class _Unpickler(PythonUnpickler):
    dispatch = _STEPS

    def __init__(self, file, path):
        super().__init__(file, encoding="latin1")  # as in gensim, for files of Python 2
        self._path, self._kinds, self.parts = path, {}, {}

    def find_class(self, module, name):
        package = module.split(".")[0]
        if module == "_codecs" and name == "encode":
            return _encode
        if package == "numpy" and name in _ARRAYS:
            return _ARRAYS[name]
        if module in ("builtins", "__builtin__") and name in ("set", "frozenset", "bytearray"):
            return {"set": _set, "frozenset": _set, "bytearray": _bytes}[name]
        if module == "collections" and name in MAPPINGS:
            return _mapping
        known = CALLED.fullmatch(f"{module}:{name}") or CALLED.fullmatch(module)
        if known or (module in ("builtins", "__builtin__") and name in TYPES):
            return self._kinds.setdefault((module, name), type(name, (Saved,), {}))
        raise _Refused(
            f"{self._path}: expected word vectors saved by gensim, got a pickle that runs {module}.{name:.60}. "
            "If you trust the file, gensim.models.KeyedVectors.load reads it"
        )


class Saved:
    """A stand-in for a class that the pickle names: it stores attributes. A subclass has the name of that class."""

    def __new__(cls, *arguments, **options):
        return object.__new__(cls)

    def __setstate__(self, state):
        if isinstance(state, dict):
            self.__dict__.update(state)


class _DType:
    """A dtype of numbers, strings or objects."""

    def __init__(self, dtype):
        self.dtype = dtype

    def __setstate__(self, state):
        if state[1] in (">", "<"):
            self.dtype = self.dtype.newbyteorder(state[1])


class Array(np.ndarray):
    def __setstate__(self, state):
        *before, dtype, fortran, data = state
        if not isinstance(dtype, _DType):
            raise TypeError("an array of no plain dtype")
        super().__setstate__((*before, dtype.dtype, fortran, data))


def _dtype(text, *options):
    if not re.fullmatch(r"[<>|=]?([biuf][1248]|O8?|U\d{1,9}|S\d{1,9})", text):
        raise TypeError(f"an array of dtype {text!r:.60}")
    return _DType(np.dtype(text if text[-2:] != "O8" else "O"))


def _reconstruct(kind, shape, code):
    if shape != (0,):
        raise ValueError(f"an array of shape {shape!r:.60} without numbers")
    return np.empty(0, "i1").view(Array)


def _from_buffer(data, dtype, shape, order):
    return np.frombuffer(bytes(data), dtype.dtype).reshape(shape, order=order).view(Array)


def _scalar(dtype, data):
    return np.frombuffer(_encode(data), dtype.dtype, 1)[0]


def _encode(text, coding="latin1"):
    return text.encode("latin1") if isinstance(text, str) else bytes(memoryview(text))


def _bytes(text=b"", coding="latin1"):
    return bytearray(_encode(text))


def _set(items=()):
    return set(list(items))


def _mapping(*arguments):
    return dict(arguments[-1]) if arguments and isinstance(arguments[-1], (dict, list)) else {}


_ARRAYS = {"_reconstruct": _reconstruct, "dtype": _dtype, "scalar": _scalar, "_frombuffer": _from_buffer}
