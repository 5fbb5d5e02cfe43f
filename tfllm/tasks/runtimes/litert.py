"""A task for LiteRT (TensorFlow Lite), with built-in operations only, in float32 or with weights in 8 bits."""

import tempfile

import tensorflow as tf

from tfllm.export import saved_model
from tfllm.files import written
from tfllm.tasks.runtimes import folder as parts
from tfllm.tasks.runtimes.id_graphs import id_graphs


def export(task, folder, weights="float"):
    """Write folder/1, or the next free number, and return its path as a str: model.tflite with the `id_graphs` as
    signatures, and what folder.py writes.

    The sizes are fixed: one text, filled with 0 up to the tokens that the model takes. weights: "float"; or "int8", in
    8 bits (dynamic range quantization). Raises ValueError for tasks without such graphs.
    """
    graphs = id_graphs(task, fixed_sizes=True)
    final = saved_model.next_folder(folder)
    with written(final) as beside, tempfile.TemporaryDirectory() as place:
        beside.mkdir(exist_ok=True)
        saved_model.save(task, place, {name: graph.compiled for name, graph in graphs.items()})
        converter = tf.lite.TFLiteConverter.from_saved_model(place, signature_keys=list(graphs))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.optimizations = [tf.lite.Optimize.DEFAULT] if weights == "int8" else []
        (beside / "model.tflite").write_bytes(converter.convert())
        parts.write(task, beside, graphs)
    return str(final)
