"""Size, speed and quality of small models in TensorFlow, onnxruntime and LiteRT, in float32 and with 8 bits.

    TFLLM_DATA=... TF_NUM_INTRAOP_THREADS=1 python benchmarks/runtimes.py

Two classifiers of the Stanford sentiment sentences (accuracy on the test set) and a language model of characters on
Tiny Shakespeare (bits a character on its end), all trained for minutes: they are to show what a format changes, not to
be good. Each engine has one thread and answers one text at a time; CPU milliseconds of a text.
"""

import os
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from tfllm import models, tasks
from tfllm.tasks import text_inputs
from tfllm.tasks.runtimes.id_graphs import id_graphs

DATA = Path(os.environ["TFLLM_DATA"])
WINDOW = 128  # characters


def sentences(part):
    lines = (DATA / "sst" / f"stsa.binary.{part}").read_text("utf-8").splitlines()
    return [line[2:] for line in lines], [line[0] for line in lines]


def classifier(model):
    config = tasks.TextClassifierConfig("words", length=64, model=model)
    train = sentences("train")
    task = tasks.TextClassifier.from_text(*train, config)
    task.fit(*train, epochs=3, verbose=0)
    return task


def language_model():
    text = (DATA / "tinyshakespeare" / "input.txt").read_text("utf-8")
    documents = [text[i : i + 4096] for i in range(0, 600_000, 4096)]
    config = tasks.LanguageModelConfig("characters", length=WINDOW, model=models.GPTConfig(WINDOW, 3, 128, 4, rate=0.1))
    task = tasks.LanguageModel.from_text(documents, config)
    task.fit(documents, epochs=2, verbose=0)
    return task, text[-200 * WINDOW :]


def engines(task, folder):
    """{engine: (bytes, run({input: array}) -> logits)} of the network of whole texts."""
    name, graph = next(iter(id_graphs(task).items()))
    keys = [spec.name for spec in graph.inputs]
    weights = sum(variable.numpy().nbytes for variable in graph.compiled.get_concrete_function().variables)
    result = {"TensorFlow": (weights, lambda inputs: graph.compiled(*(inputs[key] for key in keys))["logits"].numpy())}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    for bits, weights in (("", "float"), (", 8 bits", "int8")):
        try:
            file = Path(task.export(folder / "onnx", format="onnx", weights=weights)) / f"{name}.onnx"
            session = onnxruntime.InferenceSession(str(file), options)
            run = lambda inputs, session=session: session.run(["logits"], inputs)[0]  # noqa: E731
            result[f"onnxruntime{bits}"] = file.stat().st_size, run
        except ValueError:  # of a recurrent model
            pass
        file = Path(task.export(folder / "litert", format="litert", weights=weights)) / "model.tflite"
        runner = Interpreter(str(file), num_threads=1).get_signature_runner(name)
        sizes = {key: one["shape"] for key, one in runner.get_input_details().items()}

        def run(inputs, runner=runner, sizes=sizes):
            full = {key: np.pad(part, [(0, 0), (0, sizes[key][1] - part.shape[1])]) for key, part in inputs.items()}
            return runner(**full)["logits"]

        result[f"LiteRT{bits}"] = file.stat().st_size, run
    return result


def timed(run, batches):
    run(batches[0])
    begin = time.process_time()
    results = [run(batch) for batch in batches]
    return results, 1000 * (time.process_time() - begin) / len(batches)


def report(name, task, batches, quality):
    with tempfile.TemporaryDirectory() as folder:
        for engine, (size, run) in engines(task, Path(folder)).items():
            results, milliseconds = timed(run, batches)
            print(f"| {name} | {engine} | {size / 1e6:.2f} | {milliseconds:.2f} | {quality(results)} |", flush=True)


def main():
    keras.utils.set_random_seed(1)
    print("| model | engine | MB | CPU ms a text | quality |\n|---|---|---|---|---|")
    texts, labels = sentences("test")
    kinds = {
        "Transformer classifier": models.BERTConfig(64, 2, 128, 4, 512, 0.1),
        "LSTM classifier": models.TextRNNConfig(64, 64),
    }
    for name, model in kinds.items():
        task = classifier(model)
        batches = [{k: v.numpy() for k, v in text_inputs.dense(task.read(tf.constant([text]))[0]).items()}
                   for text in texts]  # fmt: skip

        def accuracy(results, names=task.labels):
            right = [names[int(one.argmax())] == label for one, label in zip(results, labels, strict=True)]
            return f"{100 * np.mean(right):.1f} % right"

        report(name, task, batches, accuracy)
    task, text = language_model()
    ids = task.tokenizer.encode([text]).to_tensor().numpy()[0].astype("int32")
    windows = [ids[None, i : i + WINDOW] for i in range(0, len(ids) - WINDOW + 1, WINDOW)]

    def bits(results):
        losses = [keras.losses.sparse_categorical_crossentropy(window[:, 1:], one[:, : WINDOW - 1], from_logits=True)
                  for window, one in zip(windows, results, strict=True)]  # fmt: skip
        return f"{np.mean(losses) / np.log(2):.3f} bits a character"

    report("GPT on characters", task, [{"token_ids": window} for window in windows], bits)


if __name__ == "__main__":
    main()
