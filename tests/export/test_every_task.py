"""A SavedModel of every kind of task: its weights alone, operations of plain TensorFlow, no text, empty texts."""

import json
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tests.conftest import eagerly
from tests.export.kinds import EMPTY, KINDS, made
from tfllm.export import export

BARE = """
import json, sys
sys.modules["tfllm"] = sys.modules["keras"] = sys.modules["tensorflow_text"] = sys.modules["keras_nlp"] = None
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
found = model.signatures["serving_default"](texts=tf.constant(["a dog runs .", ""]))
print(json.dumps({name: part.numpy().astype(str).tolist() for name, part in found.items()}))
"""

LONG = {"summarizer", "summarizer without copies", "dialogue of one stream", "lstm", "reader", "writer of facts",
        "masked language model", "recurrent translator", "recurrent summarizer"}  # fmt: skip


@cache
def signatures(kind):
    """The task, and its signatures; of the compiled by XLA and the sampling ones none."""
    with eagerly():
        task = made(kind)
    found = task.signatures()
    return task, {name: found[name] for name in found if name in ("serving_default", "explain")}


def written(task, functions, folder):
    return export(task, folder, {name: signature.served for name, signature in functions.items()})


def ops_of(path):
    """The names of all operations in a SavedModel."""
    with open(f"{path}/saved_model.pb", "rb") as file:
        graph = SavedModel.FromString(file.read()).meta_graphs[0].graph_def
    return {node.op for part in (graph, *graph.library.function) for node in getattr(part, "node", ()) or part.node_def}


@pytest.mark.parametrize("kind", [pytest.param(one, marks=pytest.mark.slow) if one in LONG else one for one in KINDS])
def test_served(kind, tmp_path):
    """As many variables as weights at most, of their shapes; the same for empty texts in Python and served."""
    task, functions = signatures(kind)
    path = written(task, functions, tmp_path)
    assert not {op for op in ops_of(path) if not hasattr(tf.raw_ops, op)}

    shapes = [shape for name, shape in tf.train.list_variables(f"{path}/variables/variables") if "VALUE" in name]
    weights = [tuple(weight.shape) for weight in task.weights]
    assert shapes and all(weights.count(tuple(shape)) >= shapes.count(shape) for shape in shapes)
    assert len(shapes) <= len(weights)

    served = tf.saved_model.load(path)
    for name, function in served.signatures.items():
        inputs = function.structured_input_signature[1]
        nothing = function(**dict.fromkeys(inputs, tf.constant([], tf.string)))
        blank = dict.fromkeys(functions[name].texts, tf.constant(["", " \n"]))
        empty, here = function(**blank), functions[name]
        assert {part: nothing[part].shape[0] for part in nothing} == dict.fromkeys(empty, 0)
        assert [nothing[part].dtype for part in empty] == [part.dtype for part in empty.values()]
        for part, value in EMPTY.get(kind, {}).items():
            assert empty[part].numpy().astype(str).tolist() == [str(value)] * 2
        for part, ours in here.function(*blank.values()).items():
            if ours.dtype == tf.string:
                assert empty[part].numpy().tolist() == ours.numpy().tolist()
            else:
                np.testing.assert_allclose(empty[part], ours, atol=1e-5)


def test_a_classifier_names_its_labels_in_a_process_without_us(tmp_path):
    task, functions = signatures("classifier")
    path = written(task, functions, tmp_path)
    run = subprocess.run([sys.executable, "-c", BARE, path], check=True, capture_output=True, text=True)
    found = json.loads(run.stdout.splitlines()[-1])
    said = task.classify("a dog runs .")
    assert found["labels"] == [["cat", "dog", "no"]] * 2 and found["label"] == [said["label"], ""]
    chances = dict(zip(found["labels"][0], map(float, found["probabilities"][0]), strict=True))
    assert chances == pytest.approx(said["probabilities"], abs=1e-6)
