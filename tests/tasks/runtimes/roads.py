"""Ask the networks of an exported task by an engine: run(name, {input: array}) -> {output: array}."""

import numpy as np
import tensorflow as tf

SOURCE = np.array([[5, 6, 7, 3]], "int32")
TARGET = np.array([[2, 5, 7, 4, 6]], "int32")


def full(array, shape):
    """The array, filled with 0 up to a shape of graphs.json, where -1 is any size."""
    return np.pad(array, [(0, max(size - have, 0)) for size, have in zip(shape, array.shape, strict=True)])


def shapes(about, name):
    return {key: one["shape"] for key, one in about["graphs"][name]["inputs"].items()}


def decoded(about, run, name, fixed=None, state=None):
    """The logits [T, V] of each token of TARGET, one step after the other. Caches that are not given begin empty."""
    sizes, fixed, state, logits = shapes(about, name), fixed or {}, dict(state or {}), []
    for key, shape in sizes.items():
        if key.startswith("state") and key not in state:  # B texts, a cache of as many places as needed
            state[key] = np.zeros([1 if i == 0 else 8 if size < 0 else size for i, size in enumerate(shape)], "float32")
    for position, token in enumerate(TARGET[0]):
        step = {"last": np.array([token], "int32"), "position": np.array(position, "int32")}
        result = run(name, step | fixed | state)
        logits.append(result["logits"][0])
        state = {key: result[f"new_{key}"] for key in state}
    return np.stack(logits)


def check_writer(task, about, run, tolerance=1e-4):
    """Logits of all steps are those of Keras, computed from the whole text at once."""
    size = TARGET.shape[1]
    if "step" in about["graphs"]:
        expected = task.model(TARGET).numpy()[0]
        np.testing.assert_allclose(decoded(about, run, "step"), expected, rtol=1e-5, atol=tolerance)
        if "model" in about["graphs"]:
            whole = run("model", {"token_ids": full(TARGET, shapes(about, "model")["token_ids"])})["logits"]
            np.testing.assert_allclose(whole[0, :size], expected, rtol=1e-5, atol=tolerance)
        return
    expected = task.model(SOURCE, TARGET)[0].numpy()[0]
    result = run("encoder", {"token_ids": full(SOURCE, shapes(about, "encoder")["token_ids"])})
    fixed, state = ({k: v for k, v in result.items() if k.startswith(part)} for part in ("fixed", "state"))
    np.testing.assert_allclose(decoded(about, run, "decoder", fixed, state), expected, rtol=1e-5, atol=tolerance)


def check_classifier(task, path, about, run, columns, tolerance=1e-4):
    """From texts to logits, by the tokenizer beside; row by row, as sizes may be fixed to one text."""
    assert about["labels"] == list(task.labels)
    encode = tf.saved_model.load(str(path / "tokenizer")).signatures["encode"]
    texts = dict(zip(task.inputs, map(tf.constant, columns), strict=True))
    inputs = {key: part.numpy() for key, part in encode(**texts).items()}
    sizes, expected = shapes(about, "classifier"), task.logits(*map(tf.constant, columns)).numpy()
    for i, row in enumerate(expected):
        given = {key: full(part[i : i + 1], sizes[key]) for key, part in inputs.items()}
        np.testing.assert_allclose(run("classifier", given)["logits"][0], row, rtol=1e-5, atol=tolerance)
    return inputs, expected
