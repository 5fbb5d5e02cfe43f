"""A SavedModel as a service runs it: its signatures, read from the file, on lists of bytes."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfllm.export import manifest
from tfllm.export.operations import check_operations, graph_of
from tfllm.private_api import cancellable

INTERNAL = "__saved_model_init_op"  # a signature that TensorFlow adds


class BadRequest(ValueError):
    """What a client has asked for cannot be done, whatever the server does: status 400."""


@dataclass(frozen=True)
class Output:
    dtype: np.dtype
    shape: tuple  # None where the size is known only when it is computed


@dataclass(frozen=True, eq=False)
class ServedSignature:
    """function of texts [B] and scalars -> {name: NumPy array [B, ...]}.

    texts: names of the text inputs. scalars: {name: default as a NumPy scalar}. A signature with the scalar `seed`
    draws random numbers by the row of a text: its requests are not put together.
    """

    name: str
    texts: tuple
    scalars: dict
    outputs: dict
    function: object = field(repr=False)

    @property
    def is_random(self):
        return "seed" in self.scalars

    def __call__(self, columns, scalars, stop=None):
        """columns: for each text input a list of bytes. stop: a `private_api.Cancellation`.

        Raises BadRequest for what the model refuses, private_api.Cancelled once `stop` was called.
        """
        inputs = {name: tf.constant(column, tf.string) for name, column in zip(self.texts, columns, strict=True)}
        inputs |= {name: tf.constant(scalars.get(name, default)) for name, default in self.scalars.items()}
        try:
            with cancellable(stop):
                result = self.function(**inputs)
            return {name: stripped(result[name].numpy(), self.outputs[name].shape) for name in self.outputs}
        except tf.errors.InvalidArgumentError as error:
            raise BadRequest(reason(error.message)) from None

    def read_scalars(self, given):
        """{name: Python number} -> {name: NumPy scalar}. Raises BadRequest for unknown names and wrong values."""
        result = {}
        for name, value in given.items():
            if name not in self.scalars:
                known = ", ".join(self.scalars) or "none"
                raise BadRequest(f"signature {self.name!r} has no scalar input {name!r}; it has {known}")
            kind = self.scalars[name].dtype
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not np.isfinite(value) or kind.kind == "i" and int(value) != value:
                wanted = "a whole number" if kind.kind == "i" else "a number"
                raise BadRequest(f"{name} must be {wanted}, got {json.dumps(value, default=str)}")
            if kind.kind == "i" and not np.iinfo(kind).min <= value <= np.iinfo(kind).max:
                raise BadRequest(f"{name} is out of range: {value}")
            result[name] = kind.type(value)
        return result


def reason(message):
    """What a failed operation says, without TensorFlow's list of where it is in the graph."""
    failed = re.search(r"assertion failed: \[(.*?)\]", message)
    lines = [
        line.strip()
        for line in message.splitlines()
        if line.strip() and not line.startswith(("Graph exec", "Detected"))
    ]
    return failed[1] if failed else (lines[0] if lines else message)


def stripped(part, shape):
    """An array without the trailing places, on axes whose size varies, that are empty for all texts.

    How far such an axis is padded depends on the other texts of a batch; the answer to a text must not.
    """
    for axis in range(1, part.ndim):
        if shape[axis] is None:
            others = tuple(i for i in range(part.ndim) if i != axis)
            filled = np.flatnonzero((part != (b"" if part.dtype == object else 0)).any(axis=others))
            part = part.take(range(filled[-1] + 1 if filled.size else 0), axis=axis)
    return part


class ServedModel:
    """One version of a model, loaded.

    path: a SavedModel's folder, whose name is the version. trust: False checks before loading that the files are those
    of the manifest and that the graph has only operations that exports of tfllm use. about: the manifest, {} if there
    is none. Raises ValueError where a check fails.
    """

    def __init__(self, path, trust=False):
        self.path, self.version = Path(path), int(Path(path).name)
        graph = graph_of(path)
        if not trust:
            manifest.check(path)
            check_operations(path, graph)
        self.about = manifest.read(path)
        self.definitions = {name: one for name, one in graph.signature_def.items() if name != INTERNAL}
        self.loaded = tf.saved_model.load(str(path))
        self.signatures = {
            name: signature(name, one, self.loaded.signatures[name]) for name, one in sorted(self.definitions.items())
        }
        if not self.signatures:
            raise ValueError(f"{path} has no signatures")

    def signature(self, name=None):
        """Raises BadRequest for an unknown name. None: serving_default."""
        name = "serving_default" if name is None else name
        if name not in self.signatures:
            raise BadRequest(f"no signature {name!r}; there is {', '.join(self.signatures)}")
        return self.signatures[name]

    def warm(self, batch_size):
        """Call each signature with texts of two lengths, alone and as a whole batch: first calls are slow."""
        for one in self.signatures.values():
            for text in (b"a", b"a word of the text " * 4):
                for size in {1, batch_size}:
                    try:
                        one([[text] * size for _ in one.texts], {})
                    except BadRequest:  # a model may need text of a certain form
                        pass


def signature(name, definition, function):
    """A SignatureDef of saved_model.pb and its function -> ServedSignature."""
    texts, scalars = [], {}
    for key, info in sorted(definition.inputs.items()):
        dtype = tf.as_dtype(info.dtype)
        if dtype == tf.string and len(info.tensor_shape.dim) == 1:
            texts.append(key)
        elif key in definition.defaults:
            scalars[key] = tf.make_ndarray(definition.defaults[key])[()]
        else:
            raise ValueError(f"input {key!r} of signature {name!r} is neither a list of texts nor has it a default")
    texts.sort(key=lambda key: (key != "texts", key))
    outputs = {
        key: Output(np.dtype(tf.as_dtype(info.dtype).as_numpy_dtype),
                    tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim))
        for key, info in sorted(definition.outputs.items())
    }  # fmt: skip
    return ServedSignature(name, tuple(texts), scalars, outputs, function)
