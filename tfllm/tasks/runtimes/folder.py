"""What lies beside the networks of another runtime: graphs.json, and the tokenizer as a SavedModel."""

import json

import tensorflow as tf

from tfllm.export import saved_model
from tfllm.tasks import text_inputs
from tfllm.tasks.classification.text_classifier import TextClassifier
from tfllm.text.cleaning import replace_invalid


def write(task, folder, graphs):
    """Write folder/graphs.json and folder/tokenizer.

    graphs.json: {"task", "graphs": {name: {"inputs", "outputs": {name: {"dtype", "shape"}}}}, where -1 is a size that
    varies; "labels" of a classifier, whose probabilities are those of logits / "temperature"; "start", "end": ids that
    begin and end an answer}. tokenizer: the signatures `encode`, texts [B] -> the first inputs, dense; and `decode`,
    token_ids [B, L] -> text [B], unless it classifies.
    """
    about = {"task": type(task).__name__, "graphs": {name: described(graph) for name, graph in graphs.items()}}
    if isinstance(task, TextClassifier):
        about |= {"labels": list(task.labels), "temperature": float(task.temperature)}
        functions = {"encode": of_texts(lambda *texts: flat(text_inputs.dense(task.read(*texts)[0])), task.inputs)}
    else:
        target = getattr(task, "target", None) or task.tokenizer
        about |= {"start": target.start, "end": target.end}
        functions = {
            "encode": of_texts(lambda texts: {"token_ids": padded(task.prepare(texts))}, task.inputs),
            "decode": tf.function(
                lambda token_ids: {"text": replace_invalid(target.decode(token_ids))},
                input_signature=[tf.TensorSpec([None, None], tf.int32, name="token_ids")],
                autograph=False,
            ),
        }
    (folder / "graphs.json").write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", "utf-8")
    saved_model.save(task, folder / "tokenizer", functions)


def of_texts(function, names):
    inputs = [tf.TensorSpec([None], tf.string, name=name) for name in names]
    return tf.function(function, input_signature=inputs, autograph=False)


def padded(token_ids):
    return tf.cast(token_ids.to_tensor(0), tf.int32)


def flat(inputs):
    """{"text": {"token_ids"}, ...} -> {"text_token_ids"}, as in `id_graphs.classifier`."""
    if "pair" not in inputs:
        return inputs
    return {f"{side}_{name}": part for side in inputs for name, part in inputs[side].items()}


def described(graph):
    outputs = graph.compiled.get_concrete_function().structured_outputs
    return {"inputs": {spec.name: tensor(spec) for spec in graph.inputs},
            "outputs": {name: tensor(part) for name, part in outputs.items()}}  # fmt: skip


def tensor(spec):
    return {"dtype": spec.dtype.name, "shape": [-1 if size is None else size for size in spec.shape]}
