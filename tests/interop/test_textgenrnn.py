"""textgenrnn's files: small ones made here, and the published weights where they are; NumPy is the witness."""

import functools
import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.parts import normal
from tests.reference import textgenrnn as reference
from tfllm.generation import sample
from tfllm.interop import textgenrnn
from tfllm.text import Characters

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[3] / "shared" / "data")) / "textgenrnn"
PUBLISHED = DATA / "textgenrnn_weights.hdf5", DATA / "textgenrnn_vocab.json"
needs_the_weights = pytest.mark.skipif(not DATA.is_dir(), reason="needs the weights of textgenrnn in TFLLM_DATA")
START, END = 2, 3
TOKENS = ["a", "é", "b", " "]
WINDOW, D, U = 5, 3, 2


def arrays(vocab_size, cudnn=True, layers=2):
    wide = 8 if cudnn else 4
    made = {
        f"rnn_{i + 1}": [normal(i, U if i else D, 4 * U), normal(5 + i, U, 4 * U), normal(9 + i, wide * U)]
        for i in range(layers)
    }
    width = D + layers * U
    made |= {"embedding": [normal(20, vocab_size, D)], "attention": [normal(21, width, 1)]}
    return made | {"output": [normal(22, width, vocab_size), normal(23, vocab_size)]}


def written(folder, layers, ids):
    """Files as Keras 2 and textgenrnn wrote them; layers without weights are listed too."""
    paths = folder / "weights.hdf5", folder / "vocab.json"
    with h5py.File(paths[0], "w") as file:
        for name, values in (layers | {"input": [], "rnn_concat": []}).items():
            names = [f"{name}/array_{i}:0" for i in range(len(values))]
            group = file.create_group(name)
            group.attrs["weight_names"] = [key.encode() for key in names]
            for key, value in zip(names, values, strict=True):
                group[key] = value
    paths[1].write_text(json.dumps(ids), encoding="utf-8")
    return paths


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    ids = {"b": 3, "a": 1, "<s>": 5, "é": 2, " ": 4}
    made = arrays(6)
    return (*textgenrnn.load(*written(tmp_path_factory.mktemp("small"), made, ids), window=WINDOW), made, ids)


@functools.cache
def published():
    with h5py.File(PUBLISHED[0]) as file:
        made = {name: [group[key][()] for key in group.attrs["weight_names"]] for name, group in file.items()}
    made = {name: values for name, values in made.items() if values}
    return (*textgenrnn.load(*PUBLISHED), made, json.loads(PUBLISHED[1].read_text("utf-8")))


def assert_predicts(model, tokens, made, ids, text, window, atol):
    """The probabilities after each place of START, text; of UNKNOWN and START they are 0."""
    encoded = [START, *Characters(tokens).encode([text]).to_list()[0]]
    theirs = [ids["<s>"], *(ids.get(character, 0) for character in text)]
    result = tf.nn.softmax(model(np.array([encoded]))[0]).numpy()
    order = [0, ids["<s>"], *(ids[token] for token in tokens)]
    for t in range(len(theirs)):
        right = reference.next_probabilities(theirs[: t + 1], made, window)
        np.testing.assert_allclose(result[t, [0, END, *range(4, 4 + len(tokens))]], right[order], atol=atol)
        assert not result[t, 1:3].any() and result[t].sum() == pytest.approx(1, abs=1e-5)


def test_probabilities_are_those_of_numpy(small):
    model, tokens, made, ids = small
    assert tokens == ["a", "é", "b", " "]
    assert_predicts(model, tokens, made, ids, "ab é?ba a", WINDOW, atol=1e-6)


def test_weights_of_a_plain_lstm_come_in_too(small, tmp_path):
    """The file a machine without GPU wrote: Keras' layout, one bias."""
    model, tokens, made, ids = small
    plain = dict(made)
    for name, part in zip(("rnn_1", "rnn_2"), model.recur, strict=True):
        plain[name] = part.get_weights()
    other, _ = textgenrnn.load(*written(tmp_path, plain, ids), window=WINDOW)
    np.testing.assert_array_equal(other(np.array([[2, 5, 6]])), model(np.array([[2, 5, 6]])))


def test_a_vocabulary_without_the_token_of_texts(tmp_path):
    """One long text has no ends: END is never next."""
    model, tokens = textgenrnn.load(*written(tmp_path, arrays(5), {"a": 1, "b": 2, "c": 3, "d": 4}), window=WINDOW)
    result = tf.nn.softmax(model(np.array([[4, 5]]))[0]).numpy()
    assert tokens == ["a", "b", "c", "d"] and not result[:, 1:4].any()
    right = reference.next_probabilities([1, 2], arrays(5), WINDOW)
    np.testing.assert_allclose(result[1, [0, 4, 5, 6, 7]], right, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attention": []}, "layer 'attention' should have 1 arrays, it has 0"),
        ({"rnn_1": [normal(0, D, 4 * U)] * 6}, "'rnn_1' should have 3 arrays, it has 6. Bidirectional"),
        ({"embedding": [normal(0, 9, D)]}, "has vectors of 9 ids; .* has 4 tokens"),
    ],
)
def test_other_files_are_refused(change, message, tmp_path):
    paths = written(tmp_path, arrays(5) | change, {"a": 1, "b": 2, "c": 3, "<s>": 4})
    with pytest.raises(ValueError, match=message):
        textgenrnn.load(*paths)


@needs_the_weights
@pytest.mark.shared
def test_the_published_weights_predict_as_numpy_does():
    """Characters it knows and one it does not; longer than its window of 40."""
    assert_predicts(*published(), "My cat is a ☃ and wants to go for a walk in the park", 40, atol=1e-5)


@needs_the_weights
@pytest.mark.shared
def test_the_published_weights_know_english():
    """A title in less than 1.5 bits a character; read as if they were in Keras' layout, not cuDNN's, nothing."""
    model, tokens, made, _ = published()
    text = "What is the best way to learn how to play the guitar?"
    ids = np.array([[START, *Characters(tokens).encode([text]).to_list()[0], END]])

    def bits(model):
        logs = tf.nn.log_softmax(model(ids[:, :-1])[0]).numpy()
        return -np.mean([row[i] for row, i in zip(logs, ids[0, 1:], strict=True)]) / np.log(2)

    assert made["rnn_1"][2].shape == (8 * 128,)
    assert bits(model) < 1.5
    wrong = type(model).from_config(model.get_config())
    wrong.set_weights(model.get_weights())
    for part, (kernel, recurrent, bias) in zip(wrong.recur, (made["rnn_1"], made["rnn_2"]), strict=True):
        part.set_weights([kernel, recurrent, bias.reshape(2, -1).sum(0)])
    assert bits(wrong) > 4


@needs_the_weights
@pytest.mark.shared
def test_the_published_weights_write():
    """Greedily, what textgenrnn's own loop writes: window by window, the most probable token, until "<s>"."""
    model, tokens, made, ids = published()
    names = {i: token for token, i in ids.items()}
    output = ["<s>"]
    while len(output) < 30:
        right = reference.next_probabilities([ids[token] for token in output], made, 40)
        output.append(names[1 + int(right[1:].argmax())])
        if output[-1] == "<s>":
            break
    prompt = np.zeros((1, 30), np.int32)
    prompt[:, 0] = START
    out = sample(model.step, model.start(1, 30), tf.constant(prompt), tf.constant(prompt == START))[0]
    text = Characters(tokens).decode(out).numpy()[0].decode()
    assert text == "".join(token for token in output if token != "<s>") and len(text.split()) > 3
