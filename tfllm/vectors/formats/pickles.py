"""gensim's own files, read as data: nothing that they name is imported, called or opened.

Such a file is a pickle, and a pickle calls whatever it names. Here a name of gensim becomes a `_Held`, which keeps
attributes and does nothing, and the few names that make arrays are functions of this file. Big arrays lie in files
beside the pickle: NumPy reads them, without pickles. gensim itself is never given a path. Read are gensim 3 and 4.
Left out: sparse matrices, whole models (only their vectors are taken).
"""

import pickle
import re

import numpy as np

from tfllm.files import one_line, understood
from tfllm.limits import check_unpacked
from tfllm.private_api import PythonUnpickler
from tfllm.vectors.formats.unpacked import Unpacked
from tfllm.vectors.keyed import brief, keyed_vectors

CALLED = re.compile(r"gensim\.models\.[\w.]+|gensim\.utils:call_on_class_only|numpy\.random[\w.]*:\w+|numpy:ndarray")
TYPES = {"hash", "object", "int", "long", "float", "str", "unicode", "bytes", "list", "dict", "tuple", "type"}
MAPPINGS = {"OrderedDict", "defaultdict", "Counter"}
PLAIN = re.compile(r"(?!__)\w{1,60}")  # a name of an attribute
LINE = 2**20  # bytes, at most
PARTS = 10**4  # of a tuple and of the tuples in it, at most


def is_pickle(head):
    """Whether the first bytes of a file begin a pickle of protocol 2 or later; no UTF-8 begins so."""
    return len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5


def read_pickle(path):
    """KeyedVectors, FastTextKeyedVectors or PoincareKeyedVectors of a file that gensim saved; of a model, its `wv`.

    ValueError where it is none, where it names more than gensim, NumPy and plain types, and where it has a fault;
    FileNotFoundError where a file beside it is missing.
    """
    with Unpacked(path, verbose=False) as source:
        result = _load(source, path)
    if not isinstance(result, _Held):
        raise ValueError(f"{path}: expected word vectors saved by gensim, got a {type(result).__name__}")
    home, model = str(path), {}
    if isinstance(held := vars(result).get("wv"), _Held):
        result, home, model = held, f"{path}.wv", vars(result)
    kind, state = type(result).__name__, {"bucket": model.get("bucket")} | vars(result)  # of gensim 3's FastText
    _check_names(state, path)
    for name in state.get("__numpys", []):
        state[name] = _array_beside(home, name, packed=str(path).endswith(".gz"))
    words = next((state[name] for name in ("index_to_key", "index2word", "index2entity") if name in state), None)
    if not isinstance(words, list):
        raise ValueError(f"{path}: expected word vectors, got a {kind} of gensim")
    try:
        return _built(kind, words, state)
    except Exception as error:
        raise ValueError(f"{path}: the word vectors that gensim saved have a fault: {one_line(error)}") from None


def _load(source, path):
    try:
        return _Unpickler(_Limited(source), path).load()
    except _Refused:
        raise
    except Exception as error:  # a fuzzed pickle raises anything
        said = f"{path}: expected word vectors saved by gensim, got a pickle with a fault: {one_line(error)}"
        raise ValueError(said) from None


class _Refused(ValueError):
    """Its text is for the user."""


class _Limited:
    """A file that says so where fewer bytes are left than are asked for."""

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
    """A step of the unpickler that makes a tuple, counted: tuples of tuples of ... would be hashed for years."""

    def step(self):
        load(self)
        made = self.stack[-1]
        parts = sum(self.parts.get(id(part), (1,))[0] if isinstance(part, tuple) else 1 for part in made)
        if parts > PARTS:
            raise ValueError(f"a tuple of more than {PARTS} parts")
        self.parts[id(made)] = parts + 1, made  # kept, so that no other has its id

    return step


def _build(self):
    """The step that gives an object its state: functions and classes, which are this file's, take none."""
    if not hasattr(type(self.stack[-2]), "__setstate__"):
        raise TypeError(f"a state of a {type(self.stack[-2]).__name__}")
    self.load_build()


_STEPS = PythonUnpickler.dispatch | {pickle.BUILD[0]: _build}
for _code in (pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3):
    _STEPS[_code[0]] = _counted(_STEPS[_code[0]])


class _Unpickler(PythonUnpickler):
    dispatch = _STEPS

    def __init__(self, file, path):
        super().__init__(file, encoding="latin1")  # as gensim does, for files of Python 2
        self._path, self._kinds, self.parts = path, {}, {}

    def find_class(self, module, name):
        home = module.split(".")[0]
        if module == "_codecs" and name == "encode":
            return _encode
        if home == "numpy" and name in _ARRAYS:
            return _ARRAYS[name]
        if module in ("builtins", "__builtin__") and name in ("set", "frozenset", "bytearray"):
            return {"set": _set, "frozenset": _set, "bytearray": _bytes}[name]
        if module == "collections" and name in MAPPINGS:
            return _mapping
        known = CALLED.fullmatch(f"{module}:{name}") or CALLED.fullmatch(module)
        if known or (module in ("builtins", "__builtin__") and name in TYPES):
            return self._kinds.setdefault((module, name), type(name, (_Held,), {}))
        raise _Refused(
            f"{self._path}: expected word vectors saved by gensim, got a pickle that runs {module}.{name:.60}. "
            "If you trust the file, gensim.models.KeyedVectors.load reads it"
        )


class _Held:
    """What a pickle makes of a class that is not ours: attributes. Its own class has the name of the other."""

    def __new__(cls, *arguments, **options):
        return object.__new__(cls)

    def __setstate__(self, state):
        if isinstance(state, dict):
            self.__dict__.update(state)


class _DType:
    """A dtype of plain numbers, or of objects."""

    def __init__(self, dtype):
        self.dtype = dtype

    def __setstate__(self, state):
        if state[1] in (">", "<"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array(np.ndarray):
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
    return np.empty(0, "i1").view(_Array)


def _from_buffer(data, dtype, shape, order):
    return np.frombuffer(bytes(data), dtype.dtype).reshape(shape, order=order).view(_Array)


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


def _check_names(state, path):
    """ValueError where the attributes name other files than arrays beside this one."""
    for name in ("__scipys", "__recursive_saveloads"):
        if more := state.get(name):
            raise ValueError(f"{path}: expected word vectors in one table, got more files in {name}: {brief(more)}")
    names = state.get("__numpys", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and PLAIN.fullmatch(name) for name in names):
        raise ValueError(f"{path}: expected plain names of arrays in __numpys, got {brief(names)}")


def _array_beside(home, name, packed):
    """An array that gensim wrote into a file of its own, mapped into memory unless it is packed."""
    path = f"{home}.{name}.{'npz' if packed else 'npy'}"
    try:
        with understood(path, "an array as gensim writes it"):
            if packed:
                check_unpacked(path)
            result = np.load(path, mmap_mode=None if packed else "c", allow_pickle=False)
            result = result["val"] if packed else result
            result.shape  # noqa: B018  a file of several arrays has none
            return result
    except FileNotFoundError:
        raise FileNotFoundError(f"{home}: its {name} are in {path}, which is missing: put it there") from None


def _built(kind, words, state):
    old = state.get("syn0")  # gensim 0
    matrix = state.get("vectors", old)
    if kind == "FastTextKeyedVectors":
        return _fasttext(words, state)
    result = _numbers(words, matrix)
    if kind == "PoincareKeyedVectors":
        from gensim.models.poincare import PoincareKeyedVectors

        result = _as(PoincareKeyedVectors, result, max_distance=0)
    return _with_counts(result, state)


def _numbers(words, matrix):
    if not isinstance(matrix, np.ndarray) or matrix.dtype.kind != "f":
        raise ValueError(f"expected a matrix of floating point numbers, got {_what(matrix)}")
    plain = matrix.view(np.ndarray) if isinstance(matrix, _Array) else matrix
    return keyed_vectors(words, plain[: len(words)])


def _fasttext(words, state):
    """With its n-grams, which give unseen words a vector."""
    from gensim.models.fasttext import FastTextKeyedVectors

    if state.get("compatible_hash") is not True:
        raise ValueError(
            "it is a FastText of gensim before 3.8.1, whose n-grams have other numbers; "
            "load and save it with gensim 3.8.3, or save its words as .vec"
        )
    sizes = {name: state.get(name) for name in ("min_n", "max_n", "bucket")}
    if not all(type(size) is int and 0 <= size < 2**31 for size in sizes.values()):
        raise ValueError(f"expected whole numbers above 0, got {', '.join(map(brief, sizes.values()))}")
    own, grams = (_matrix(state.get(name)) for name in ("vectors_vocab", "vectors_ngrams"))
    if len(grams) != sizes["bucket"] or own.shape != (len(words), grams.shape[1]):
        raise ValueError(f"vectors {own.shape} and of n-grams {grams.shape} do not fit {len(words)} words and {sizes}")
    result = _as(
        FastTextKeyedVectors, keyed_vectors(words, own), vectors_vocab=own, vectors_ngrams=grams, buckets_word=None,
        vectors_vocab_lockf=np.ones(1, "float32"), vectors_ngrams_lockf=np.ones(1, "float32"), compatible_hash=True,
        **sizes,
    )  # fmt: skip
    result.recalc_char_ngram_buckets()
    result.adjust_vectors()
    return _with_counts(result, state)


def _matrix(value):
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.ndim != 2:
        raise ValueError(f"expected a matrix of floating point numbers, got {_what(value)}")
    return np.asarray(value.view(np.ndarray) if isinstance(value, _Array) else value, np.float32)


def _with_counts(result, state):
    """How often each word was seen, where that is there for all."""
    expandos, vocab = state.get("expandos", {}), state.get("vocab")
    counts = expandos.get("count") if isinstance(expandos, dict) else None
    if isinstance(vocab, dict):  # gensim 3
        counts = np.array([getattr(vocab.get(word), "count", None) for word in result.index_to_key])
    if isinstance(counts, np.ndarray) and counts.shape == (len(result),) and counts.dtype.kind in "iu":
        result.expandos["count"] = np.array(counts, "int64")
    return result


def _as(kind, vectors, **more):
    result = kind.__new__(kind)
    result.__dict__.update(vectors.__dict__, **more)
    return result


def _what(value):
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
