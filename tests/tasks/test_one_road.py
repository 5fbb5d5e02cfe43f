"""A trained translator: greedy search against a naive loop, the signature of XLA, numbered exports."""

import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tests.tasks.conftest import pairs
from tfllm.text import END, PAD, START


def naive(translator, text):
    """Greedy, one full forward pass for each token, no cache: argmax among what may be written."""
    source = np.array([[*translator.source.encode([text]).to_list()[0], END]])
    output = [START]
    for _ in range(3 * source.shape[1] + 20):
        logits = np.array(translator.model(source, np.array([output]))[0])[0, -1]
        logits[[PAD, START]] = -np.inf
        output.append(int(logits.argmax()))
        if output[-1] == END or len(output) == translator.model.pe_target + 1:
            break
    return translator.target.decode([output]).numpy()[0].decode()


@pytest.fixture(scope="session")
def sources():
    return pairs(100, seed=7)[0]


def test_greedy_equals_the_naive_loop(trained, sources):
    assert trained.generate(sources[:30], beam_width=1) == [naive(trained, text) for text in sources[:30]]


@pytest.mark.slow
def test_the_xla_signature_gives_the_same(trained, sources, tmp_path):
    served = tf.saved_model.load(trained.export(tmp_path, tfllm.tasks.Decoding(beam_width=4)))
    output = served.signatures["serving_xla"](tf.constant(sources[:8]))["text"].numpy()
    assert [text.decode() for text in output] == trained.generate(sources[:8], beam_width=4)


def test_a_second_export_has_the_next_number(trained, tmp_path):
    greedy = tfllm.tasks.Decoding(beam_width=1)
    assert [trained.export(tmp_path, greedy)[-1] for _ in range(2)] == ["1", "2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]
