import json
import threading
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests import zoo
from tests.serving import made
from tfllm.export import manifest
from tfllm.export.operations import allowed, check_operations, graph_of, reachable_operations
from tfllm.private_api import cancellable, cancellation
from tfllm.serving.served_model import BadRequest, ServedModel, ServedSignature, stripped


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return made.loaded(tmp_path_factory.mktemp("tagger"))


def test_signatures_are_read_from_the_file(model):
    default, sample = model.signature(), model.signature("sample")
    assert default.texts == ("texts", "questions") and not default.scalars and not default.is_random
    assert sample.scalars == {"max_length": 20, "seed": 0} and sample.is_random
    assert default.outputs["words"].shape == (None, None)
    result = default([["A b c", "d"], ["?", "é"]], {})
    assert result["text"].tolist() == [b"a b c?", "dé".encode()] and result["length"].tolist() == [5, 1]
    assert sample([["x"]], {"max_length": np.int32(6)})["text"].tolist() == [b"xalpha"]
    with pytest.raises(BadRequest, match="no signature 'n_best'; there is sample, serving_default"):
        model.signature("n_best")
    with pytest.raises(BadRequest, match="a text that is refused"):
        default([["refused"], [""]], {})


@pytest.mark.parametrize("value, message", [(1.5, "whole"), ("1", "whole"), (True, "whole"), (2**40, "range"),
                                            (float("inf"), "whole|number")])  # fmt: skip
def test_scalars_of_wrong_values(model, value, message):
    with pytest.raises(BadRequest, match=message):
        model.signature("sample").read_scalars({"seed": value})
    with pytest.raises(BadRequest, match="no scalar input 'temprature'; it has max_length, seed"):
        model.signature("sample").read_scalars({"temprature": 1})


def test_padding_by_other_texts_is_stripped():
    words = np.array([[b"a", b"b", b""], [b"c", b"", b""]], object)
    assert stripped(words, (None, None)).tolist() == [[b"a", b"b"], [b"c", b""]]
    assert stripped(words, (None, 3)).shape == (2, 3)  # a fixed axis is what the model gives
    assert stripped(np.zeros((2, 4)), (None, None)).shape == (2, 0)


def test_a_stopped_call_ends():
    @tf.function
    def endless(x):
        return tf.while_loop(lambda x: x < 1.0, lambda x: (x * 0.5,), [x])

    stop = cancellation()
    call = endless.get_concrete_function(tf.TensorSpec([], tf.float32))
    threading.Timer(0.2, stop.start_cancel).start()
    with pytest.raises(tf.errors.CancelledError), cancellable(stop):
        call(tf.constant(0.5))


# Files that nobody should load


def test_a_file_that_is_not_that_of_the_manifest(tmp_path):
    path = made.written(tmp_path)
    manifest.check(path)
    assert json.loads((path / manifest.PLACE).read_text())["signatures"]["sample"]["inputs"]["seed"]["default"] == 0
    index = path / "variables" / "variables.index"
    whole = index.read_bytes()
    index.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ValueError, match="variables.index is not the file of the manifest"):
        ServedModel(path)
    index.write_bytes(whole)
    (path / "assets" / "more.txt").write_text("more")
    with pytest.raises(ValueError, match="more.txt is not in the manifest"):
        ServedModel(path)
    (path / "assets" / "more.txt").unlink()
    (path / "fingerprint.pb").unlink()
    with pytest.raises(ValueError, match="fingerprint.pb is missing"):
        ServedModel(path)
    (path / manifest.PLACE).unlink()
    with pytest.raises(ValueError, match="has no assets.extra/manifest.json"):
        ServedModel(path)
    assert ServedModel(path, trust=True).about == {}


def hostile(operation):
    class Hostile(tf.Module):
        @tf.function(input_signature=[made.TEXTS])
        def serving_default(self, texts):
            return {"text": tf.cond(tf.size(texts) > 9, lambda: operation(texts), lambda: texts)}

    return Hostile()


@pytest.mark.parametrize(
    "operation, name",
    [
        (lambda texts: tf.map_fn(tf.io.read_file, texts), "ReadFile"),
        (
            lambda texts: tf.switch_case(tf.size(texts), [lambda: texts, lambda: tf.map_fn(tf.io.read_file, texts)]),
            "ReadFile",
        ),
        (lambda texts: tf.py_function(lambda x: x, [texts], tf.string), "EagerPyFunc"),
        (lambda texts: tf.io.matching_files(texts), "MatchingFiles"),
        (lambda texts: tf.raw_ops.Restore(file_pattern=texts[0], tensor_name="x", dt=tf.string), "Restore"),
    ],
)
def test_an_operation_that_reaches_outside(operation, name, tmp_path):
    """Also inside a branch of a function, behind a manifest that fits."""
    module = hostile(operation)
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=module.serving_default)
    manifest.write(tmp_path / "1", "Hostile", {})
    with pytest.raises(ValueError, match=f"can run operations that no export of tfllm uses: .*{name}"):
        ServedModel(tmp_path / "1")


def test_an_operation_beside_the_signatures(tmp_path):
    """A function that the loaded object has, which no signature calls."""
    module = made.Tagger()
    module.other = tf.function(tf.io.read_file, input_signature=[tf.TensorSpec([], tf.string)])
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=module.serving_default)
    with pytest.raises(ValueError, match="no export of tfllm uses: ReadFile"):
        check_operations(tmp_path / "1")


def test_all_signatures_are_called_alone_and_in_a_batch_to_warm(model, monkeypatch):
    sizes = {name: [] for name in model.signatures}

    def recorded(self, columns, scalars, stop=None):
        sizes[self.name].append((len(columns[0]), len(columns[0][0])))
        raise BadRequest("a model may refuse")

    monkeypatch.setattr(ServedSignature, "__call__", recorded)
    model.warm(8)
    for calls in sizes.values():
        assert sorted({size for size, _ in calls}) == [1, 8] and len({length for _, length in calls}) == 2


def test_a_function_with_the_name_of_a_node(tmp_path):
    """A hostile author chooses both names."""
    module = hostile(lambda texts: tf.map_fn(tf.io.read_file, texts))
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=module.serving_default)
    graph = graph_of(tmp_path / "1")
    start = {info.name.partition(":")[0] for info in graph.signature_def["serving_default"].outputs.values()}
    for function in dict((field.name, part) for field, part in graph.graph_def.ListFields())["library"].function:
        for node in graph.graph_def.node:
            if node.name in start and node.attr["f"].func.name == function.signature.name:
                function.signature.name = node.attr["f"].func.name = node.name
    graph.object_graph_def.ClearField("concrete_functions")
    assert "ReadFile" in reachable_operations(graph)


def test_what_is_no_saved_model(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"not one")
    with pytest.raises(ValueError, match="is not a SavedModel|has 0 graphs"):
        graph_of(tmp_path / "1")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="saved_model.pb"):
        graph_of(tmp_path)


def test_nothing_allowed_opens_files_or_runs_python():
    outside = ("File", "Save", "Restore", "Py", "Dataset", "Send", "Recv", "Rpc")
    assert not {name for name in allowed() for part in outside if part in name}


def test_exports_of_a_task_pass(tmp_path, eager):
    path = Path(zoo.made("mean embedder").export(tmp_path))
    check_operations(path)
    manifest.check(path)
    assert manifest.read(path)["task"] == "TextEmbedder"
    assert set(manifest.read(path)["operations"]) == reachable_operations(graph_of(path)) <= allowed()
