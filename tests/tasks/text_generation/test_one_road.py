"""A trained translator: greedy search against a naive loop, and the signature of XLA."""

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import eagerly
from tests.tasks.conftest import pairs
from tfllm.export import export
from tfllm.tasks import Decoding
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
    return pairs(8, seed=7)[0]


def test_greedy_equals_the_naive_loop(trained, sources):
    assert trained.generate(sources, beam_width=1) == [naive(trained, text) for text in sources]


@pytest.mark.slow
def test_the_xla_signature_gives_the_same(trained, sources, tmp_path):
    compiled = trained.signatures(Decoding(beam_width=4))["serving_xla"]
    served = tf.saved_model.load(export(trained, tmp_path, {"serving_xla": compiled.served}))
    output = served.signatures["serving_xla"](tf.constant(sources))["text"].numpy()
    with eagerly():
        assert [text.decode() for text in output] == trained.generate(sources, beam_width=4)
