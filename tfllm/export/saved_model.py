"""A SavedModel with string signatures: folder/1, as TensorFlow Serving expects it.

Tokenizers and weights are inside; loading it needs `tensorflow` and nothing else.
"""

import os
import shutil
from pathlib import Path

import tensorflow as tf


def export(layer, folder, signatures):
    """Writes folder/N, N the first free number from 1 on, and returns its path as a str.

    layer: a keras.Model that owns the variables which the signatures use. signatures: by name, functions
    from texts (string [N]) to dicts of tensors; or a pair, the function and the tf.TensorSpecs, with names, of what it
    takes beside texts. The folder appears whole or not at all.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; export needs a folder")
    taken = [int(path.name) for path in folder.glob("*") if path.name.isdigit()]
    final = folder / str(max(taken, default=0) + 1)
    beside = folder / f".{final.name}.{os.getpid()}"
    module = tf.Module()
    module.layer = layer
    texts = tf.TensorSpec([None], tf.string, name="texts")
    traced = {}
    for name, function in signatures.items():
        function, more = function if isinstance(function, tuple) else (function, [])
        traced[name] = tf.function(function, input_signature=[texts, *more], autograph=False)
    for name, function in traced.items():
        setattr(module, name, function)
    try:
        tf.saved_model.save(module, str(beside), signatures=traced)
        beside.rename(final)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return str(final)
