"""The whole road: one text from a naive loop, `generate`, the reloaded file and the SavedModel in a bare process."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tests.tasks.conftest import pairs
from tfllm.text import END, PAD, START

BARE = """
import json, sys
sys.modules["tfllm"] = sys.modules["keras"] = sys.modules["tensorflow_text"] = sys.modules["keras_nlp"] = None
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
texts, size = json.loads(sys.stdin.read()), int(sys.argv[3])
said = []
for i in range(0, len(texts), size):
    said += model.signatures[sys.argv[2]](tf.constant(texts[i : i + size]))["text"].numpy().tolist()
print(json.dumps([text.decode() for text in said]))
"""


def naive(translator, text):
    """Greedy, one full forward pass for each token, no cache: argmax among what may be written."""
    source = np.array([[*translator.source.encode([text]).to_list()[0], END]])
    said = [START]
    for _ in range(3 * source.shape[1] + 20):
        logits = np.array(translator.model(source, np.array([said]))[0])[0, -1]
        logits[[PAD, START]] = -np.inf
        said.append(int(logits.argmax()))
        if said[-1] == END or len(said) == translator.model.pe_target + 1:
            break
    return translator.target.decode([said]).numpy()[0].decode()


def bare(path, signature, texts, size):
    command = [sys.executable, "-c", BARE, path, signature, str(size)]
    run = subprocess.run(command, input=json.dumps(texts), check=True, capture_output=True, text=True)
    return json.loads(run.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def sources():
    return pairs(100, seed=7)[0]


def test_greedy_equals_the_naive_loop(trained, sources):
    assert trained.generate(sources[:30], beam_width=1) == [naive(trained, text) for text in sources[:30]]


def test_one_road(trained, sources, tmp_path):
    said = trained.generate(sources, beam_width=4)
    trained.save(tmp_path / "it.keras")
    assert said == tfllm.load_model(tmp_path / "it.keras").generate(sources, beam_width=4)
    path = trained.export(tmp_path / "serving", tfllm.tasks.Decoding(beam_width=4))
    assert path == str(tmp_path / "serving" / "1")
    assert said == bare(path, "serving_default", sources, 1)
    assert said == bare(path, "serving_default", sources, 8)
    served = tf.saved_model.load(path)
    best = served.signatures["n_best"](tf.constant(sources[:5]))
    assert best["text"].shape == best["score"].shape == (5, 4)
    expected = trained.generate(sources[:5], n_best=4, beam_width=4)
    assert [[text.decode() for text in row] for row in best["text"].numpy()] == [
        [text for text, _ in row] for row in expected
    ]
    np.testing.assert_allclose(best["score"], [[score for _, score in row] for row in expected], atol=1e-4)
    assert (np.diff(best["score"], axis=1) <= 0).all()
    assert served.signatures["serving_default"](tf.constant([], tf.string))["text"].shape == (0,)


@pytest.mark.slow
def test_the_compiled_signature_says_the_same(trained, sources, tmp_path):
    served = tf.saved_model.load(trained.export(tmp_path, tfllm.tasks.Decoding(beam_width=4)))
    said = served.signatures["serving_xla"](tf.constant(sources[:8]))["text"].numpy()
    assert [text.decode() for text in said] == trained.generate(sources[:8], beam_width=4)


def test_a_second_export_stands_beside_the_first(trained, tmp_path):
    greedy = tfllm.tasks.Decoding(beam_width=1)
    assert [trained.export(tmp_path, greedy)[-1] for _ in range(2)] == ["1", "2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]
