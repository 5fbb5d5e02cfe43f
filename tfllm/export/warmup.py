"""Warm-up requests: TensorFlow Serving answers them before a model takes traffic, as first calls are slow.

https://www.tensorflow.org/tfx/serving/saved_model_warmup. A record of the file is a `PredictionLog` of
tensorflow_serving/apis, whose fields are written here by their numbers, so that this needs no further package.
"""

from itertools import islice, product
from pathlib import Path

import tensorflow as tf

from tfllm.export.operations import reachable_nodes

PLACE = "assets.extra/tf_serving_warmup_requests"
MOST = 1000  # records; with more, TensorFlow Serving does not load the model
BATCHES = (1, 8, 32)  # texts
LENGTHS = (1, 4, 16)  # times the example


def write(path, graph, example):
    """Write the warm-up requests of the SavedModel in the folder `path`: each signature, batch size and length.

    graph: its MetaGraphDef. example: a text. Signatures that XLA compiles are left out: TensorFlow Serving refuses to
    load a model with a request that fails, and it runs XLA on processors only if told to.
    """
    file = Path(path) / PLACE
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in islice(requests(graph, example), MOST):
            writer.write(record)


def requests(graph, example):
    for name, definition in sorted(graph.signature_def.items()):
        if definition.inputs and not is_compiled(graph, name):
            for size, length in product(BATCHES, LENGTHS):
                yield prediction_log(name, inputs(definition, [" ".join([example] * length)] * size))


def inputs(definition, texts):
    """{name: TensorProto}: the texts for each list of texts, and the defaults of scalars."""
    column = tf.make_tensor_proto(texts, tf.string)
    return {name: definition.defaults[name] if name in definition.defaults else column
            for name in sorted(definition.inputs)}  # fmt: skip


def is_compiled(graph, name):
    """Whether XLA compiles a signature."""
    nodes = reachable_nodes(graph, [name])
    return any("_XlaMustCompile" in node.attr and node.attr["_XlaMustCompile"].b for node in nodes)


def prediction_log(signature, tensors):
    """A PredictionLog of a PredictRequest, in the wire format of protocol buffers.

    PredictionLog.predict_log = 6, PredictLog.request = 1, PredictRequest: model_spec = 1, inputs = 2 (a map, whose
    entries are messages: key = 1, value = 2), ModelSpec.signature_name = 3.
    """
    entries = [field(1, name.encode()) + field(2, tensor.SerializeToString()) for name, tensor in tensors.items()]
    request = field(1, field(3, signature.encode())) + b"".join(field(2, entry) for entry in entries)
    return field(6, field(1, request))


def field(number, content):
    """A field of bytes: its number and wire type 2, the length, the bytes. https://protobuf.dev/programming-guides/encoding"""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number):
    """7 bits a byte, the lowest first; the highest bit of a byte says that more follow."""
    result = bytearray()
    while number > 127:
        result.append(number & 127 | 128)
        number >>= 7
    return bytes([*result, number])
