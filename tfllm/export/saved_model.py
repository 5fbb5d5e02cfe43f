"""A SavedModel with string signatures: folder/1, as TensorFlow Serving expects it.

It contains the tokenizers and the weights that the signatures use, but no optimizer and no metrics, a manifest
(manifest.py) and warm-up requests (warmup.py). Loading it needs `tensorflow` alone.
"""

import logging
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from tfllm.export import manifest, warmup
from tfllm.export.examples import example_of
from tfllm.export.operations import graph_of
from tfllm.files import written


def export(layer, folder, signatures):
    """Write folder/N, N being the first free number from 1, and return its path as a str.

    layer: a keras.Model that owns what the signatures use: variables, lookup tables, assets. signatures: by name,
    functions from texts (string [N]) to dicts of tensors; or tf.functions with input signatures. The manifest has the
    `facts` of the layer, a dict for JSON, if it has that attribute. The folder is written
    completely or not at all. Raises FileExistsError if `folder` is a file, OSError if writing fails.
    """
    final = next_folder(folder)
    texts = tf.TensorSpec([None], tf.string, name="texts")
    traced = {}
    for name, function in signatures.items():
        known = hasattr(function, "get_concrete_function")
        traced[name] = function if known else tf.function(function, input_signature=[texts], autograph=False)
    with written(final) as beside:
        try:
            save(layer, beside, traced)
            graph, facts = graph_of(beside), getattr(layer, "facts", {})
            example = example_of(layer, facts.get("mask"))
            warmup.write(beside, graph, example)
            manifest.write(beside, type(layer).__name__, {"example": example} | facts, graph)
        except tf.errors.OpError as error:
            if str(beside) not in str(error):
                raise
            raise OSError(error.message.rpartition("; ")[2].partition(" [Op:")[0]) from error
    return str(final)


def save(layer, path, signatures):
    """Write a SavedModel of tf.functions, {name: function}, that use variables, tables and assets of the layer."""
    module = tf.Module()
    module.weights, module.resources = used_variables(signatures.values()), resources_of(layer)
    for name, function in signatures.items():
        setattr(module, name, function)
    with _without_notes():
        tf.saved_model.save(module, str(path), signatures=signatures)


def next_folder(folder):
    """The path folder/N, N being the first free number from 1; creates `folder`, not N.

    Raises FileExistsError if `folder` is a file.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; export needs a folder")
    taken = [int(path.name) for path in folder.glob("*") if path.name.isdigit()]
    folder.mkdir(parents=True, exist_ok=True)
    return folder / str(max(taken, default=0) + 1)


@contextmanager
def _without_notes():
    """Hide TensorFlow's notes about written assets (twice in a notebook); warnings are shown."""
    log = logging.getLogger("tensorflow")
    level = log.level
    log.setLevel(max(level, logging.WARNING))
    try:
        yield
    finally:
        log.setLevel(level)


def used_variables(functions):
    """{name: variable} of the variables that these tf.functions read."""
    used = {id(variable): variable for function in functions for variable in function.get_concrete_function().variables}
    result = {}
    for variable in sorted(used.values(), key=lambda variable: variable.name):
        name = variable.name.removesuffix(":0")
        result[f"{name}_{len(result)}" if name in result else name] = variable
    return result


def resources_of(layer):
    """The lookup tables and assets of a layer and of all its sublayers."""
    kinds = (tf.saved_model.experimental.TrackableResource, tf.saved_model.Asset)
    return [part for part in tf.train.TrackableView(layer).descendants() if isinstance(part, kinds)]
