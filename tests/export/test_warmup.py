"""The warm-up requests of an export, read by the messages of TensorFlow Serving, are answered by its SavedModel."""

from pathlib import Path

import pytest
import tensorflow as tf

from tests import zoo
from tfllm.export import export, manifest, warmup
from tfllm.export.operations import graph_of

prediction_log = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")


def exported(kind, folder, *more):
    task, structure = zoo.made(kind), zoo.KINDS[kind].structure
    names = [*zoo.signatures(kind), *more]
    return Path(export(task, folder, {name: task.signature(name, **structure).served for name in names}))


def requests(path):
    """The PredictRequests of a SavedModel's folder, of TensorFlow Serving's own classes, without an unknown field."""
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(path / warmup.PLACE))]
    logs = [prediction_log.PredictionLog.FromString(record) for record in records]
    assert [log.SerializeToString(deterministic=True) for log in logs] == records
    return [log.predict_log.request for log in logs]


@pytest.mark.parametrize(
    "kind",
    ["mean embedder", "memory network", "masked language model",
     *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("gpt", "translator", "reader", "dialogue of pairs"))],
)  # fmt: skip
def test_each_request_is_answered(kind, tmp_path):
    path = exported(kind, tmp_path)
    served, asked = tf.saved_model.load(str(path)), requests(path)
    signatures = {one.model_spec.signature_name for one in asked}
    assert signatures == zoo.signatures(kind).keys() and len(asked) == 9 * len(signatures)
    for one in asked:
        inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in one.inputs.items()}
        result = served.signatures[one.model_spec.signature_name](**inputs)
        assert {part.shape[0] for part in result.values()} == {inputs["texts"].shape[0]} <= {*warmup.BATCHES}
    assert warmup.PLACE in manifest.read(path)["files"]
    manifest.check(path)


@pytest.mark.slow
def test_what_xla_compiles_is_left_out(tmp_path):
    path = exported("gpt", tmp_path, "serving_xla")
    compiled = {name for name in manifest.read(path)["signatures"] if warmup.is_compiled(graph_of(path), name)}
    assert compiled == {"serving_xla"}
    assert {one.model_spec.signature_name for one in requests(path)} == {"sample", "serving_default"}


def test_there_are_at_most_1000(tmp_path):
    layer = tf.keras.layers.Layer()
    path = Path(export(layer, tmp_path, {f"f{i}": lambda texts: {"text": texts} for i in range(120)}))
    assert len(requests(path)) == 1000


@pytest.mark.parametrize(
    "number, expected", [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**21, "80808001")]
)
def test_numbers_of_the_wire_format(number, expected):
    """300 is the example of the format's own page."""
    assert warmup.varint(number).hex() == expected
