"""The manifest of an exported SavedModel: what it is, and a checksum of each of its files.

assets.extra/manifest.json: {"format": 1, "task": class of the task, "facts": what a client must know of it,
"signatures": {name: {"inputs", "outputs"}}, "operations": [...], "versions": {package: version}, "files": {path:
SHA-256}}. TensorFlow and TensorFlow Serving ignore the folder assets.extra.
"""

import hashlib
import json
from importlib import metadata
from pathlib import Path

import tensorflow as tf

from tfllm.export.operations import graph_of, reachable_operations

PLACE = "assets.extra/manifest.json"
PACKAGES = ("tensorflow", "keras", "tfllm")


def write(path, task, facts, graph=None):
    """Write the manifest of the SavedModel in the folder `path`.

    task: name of a class. facts: dict for JSON. graph: its MetaGraphDef, if it has been read.
    """
    path = Path(path)
    graph = graph or graph_of(path)
    content = {
        "format": 1,
        "task": task,
        "facts": facts,
        "signatures": {name: described(one) for name, one in sorted(graph.signature_def.items()) if one.inputs},
        "operations": sorted(reachable_operations(graph)),
        "versions": {name: installed(name) for name in PACKAGES},
        "files": {file.relative_to(path).as_posix(): checksum(file)
                  for file in sorted(path.rglob("*")) if file.is_file() and file != path / PLACE},
    }  # fmt: skip
    (path / PLACE).parent.mkdir(exist_ok=True)
    (path / PLACE).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


def read(path):
    """The manifest of a SavedModel's folder as a dict, {} if it has none. Raises ValueError if it is unreadable."""
    file = Path(path) / PLACE
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("files"), dict):
        raise ValueError(f"{file} is not a manifest: it lists no files")
    return content


def check(path):
    """Raises ValueError if the files of a SavedModel are not those of its manifest, or it has no manifest."""
    path = Path(path)
    expected = read(path).get("files")
    if expected is None:
        raise ValueError(f"{path} has no {PLACE}: `tfllm export` writes it. Load it only if you trust its author")
    found = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()} - {PLACE}
    for name in sorted(expected.keys() | found):
        problem = (
            "is missing" if name not in found else "is not in the manifest" if name not in expected
            else "is not the file of the manifest: its SHA-256 differs" if checksum(path / name) != expected[name]
            else None
        )  # fmt: skip
        if problem:
            raise ValueError(f"{path / name} {problem}")


def checksum(file):
    """The SHA-256 of a file, in hexadecimal digits."""
    result = hashlib.sha256()
    with open(file, "rb") as stream:
        while block := stream.read(1 << 20):
            result.update(block)
    return result.hexdigest()


def described(definition):
    """A SignatureDef as {"inputs": {name: {"dtype", "shape", "default"}}, "outputs": {name: {"dtype", "shape"}}}."""
    inputs = {name: tensor(info) for name, info in sorted(definition.inputs.items())}
    for name, default in definition.defaults.items():
        inputs[name]["default"] = tf.make_ndarray(default).item()
    return {"inputs": inputs, "outputs": {name: tensor(info) for name, info in sorted(definition.outputs.items())}}


def tensor(info):
    return {"dtype": tf.as_dtype(info.dtype).name, "shape": [dim.size for dim in info.tensor_shape.dim]}


def installed(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
