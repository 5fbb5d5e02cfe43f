"""layers/, models/, losses.py and metrics.py know Keras, not TensorFlow: the same model runs on Keras' JAX backend."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.parts import scatter
from tfllm.losses import smoothed_cross_entropy
from tfllm.models import Transformer

ROOT = Path(__file__).parent.parent
PORTABLE = sorted(
    path
    for name in ("layers", "models", "losses.py", "metrics.py")
    for path in [ROOT / "tfllm" / name, *(ROOT / "tfllm" / name).rglob("*.py")]
    if path.is_file()
)


@pytest.mark.parametrize("path", PORTABLE, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_but_keras_and_numpy(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    assert {name.split(".")[0] for name in names} <= {"keras", "numpy", "tfllm", *sys.stdlib_module_names}


SIZES = (2, 12, 3, 7, 17, 17, 9, 8, 0.1, "all", True)
INP, TAR = np.array([[5, 6, 7, 8], [9, 3, 0, 0]]), np.array([[2, 5, 11, 4, 6], [2, 8, 3, 9, 5]])
ON_JAX = f"""
import sys
import numpy as np
from tfllm.models.transformer import Transformer
import jax, keras
from tfllm.losses import smoothed_cross_entropy
assert keras.backend.backend() == "jax" and "tensorflow" not in sys.modules
data = np.load("in.npz")
model = Transformer(*{SIZES})
model.set_weights([data[f"arr_{{i}}"] for i in range(len(model.weights))])
inp, tar = data["inp"], data["tar"]
logits, _ = model(inp, tar)
fixed, state = model.start(inp, 1, 5)
steps = []
for t in range(5):
    one, state = model.step(tar[:, t : t + 1], fixed, state, t)
    steps.append(one)
gradient = jax.grad(lambda z: keras.ops.sum(smoothed_cross_entropy(tar, z, 0.1)))(logits)
np.savez("out.npz", logits=logits, steps=np.stack(steps, 1), gradient=gradient)
"""


def run_on_jax(code, folder):
    """What the code leaves in out.npz, run where in.npz is."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.load(folder / "out.npz")


@pytest.mark.slow
@pytest.mark.peers
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")
def test_jax_gives_the_same(tmp_path):
    """Forward, step by step, and the gradient of the loss, in a process that never sees TensorFlow."""
    model = scatter(Transformer(*SIZES))
    np.savez(tmp_path / "in.npz", *model.get_weights(), inp=INP.astype("int32"), tar=TAR.astype("int32"))
    result, logits = run_on_jax(ON_JAX, tmp_path), model(INP, TAR)[0]
    np.testing.assert_allclose(result["logits"], logits, atol=1e-4)
    np.testing.assert_allclose(result["steps"], logits, atol=1e-4)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = keras.ops.sum(smoothed_cross_entropy(TAR, logits, 0.1))
    np.testing.assert_allclose(result["gradient"], tape.gradient(loss, logits), atol=1e-5)


RECURRENT = """
def made():
    from tfllm.models.big_language_model import BigLanguageModel
    from tfllm.models.lstm_language_model import LSTMLanguageModel

    yield LSTMLanguageModel(17, 5, 6, 2, tied=True)
    yield LSTMLanguageModel(17, 5, 6, cell="gru")
    yield BigLanguageModel(17, 5, 6, 2, rate=0.0)
    yield BigLanguageModel(17, 5, 6, 2, encoder="cnn", rate=0.0)
"""
RECURRENT_ON_JAX = f"""
import sys
import numpy as np
{RECURRENT}
data = np.load("in.npz")
tar, found = data["tar"], {{}}
for m, model in enumerate(made()):
    model.set_weights([data[f"{{m}} {{i}}"] for i in range(len(model.weights))])
    state, steps = model.start(*tar.shape), []
    for t in range(tar.shape[1]):
        one, state = model.step(tar[:, t : t + 1], state, t)
        steps.append(one)
    found[f"{{m}} steps"] = np.stack(steps, 1)
    import jax
    seeds = [seed.value for seed in model.non_trainable_variables]  # of dropout
    loss = lambda weights: (model.stateless_call(weights, seeds, tar)[0] * data["pull"]).sum()
    for i, gradient in enumerate(jax.grad(loss)([weight.value for weight in model.weights])):
        found[f"{{m}} {{i}}"] = gradient
assert "tensorflow" not in sys.modules
np.savez("out.npz", **found)
"""


@pytest.mark.slow
@pytest.mark.peers
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")
def test_jax_gives_the_same_recurrence(tmp_path):
    """Step by step, and the gradient that layers/recurrent.py writes out."""
    exec(RECURRENT, names := {})
    models = [scatter(model) for model in names["made"]()]
    weights = {f"{m} {i}": w for m, model in enumerate(models) for i, w in enumerate(model.get_weights())}
    pull = np.random.default_rng(0).normal(size=(*TAR.shape, 17)).astype("float32")
    np.savez(tmp_path / "in.npz", tar=TAR.astype("int32"), pull=pull, **weights)
    result = run_on_jax(RECURRENT_ON_JAX, tmp_path)
    for m, model in enumerate(models):
        with tf.GradientTape() as tape:
            logits = model(TAR)
            loss = tf.reduce_sum(logits * pull)
        np.testing.assert_allclose(result[f"{m} steps"], logits, atol=1e-4)
        for i, gradient in enumerate(tape.gradient(loss, [weight.value for weight in model.weights])):
            np.testing.assert_allclose(result[f"{m} {i}"], tf.convert_to_tensor(gradient), atol=1e-4)


TRANSLATING = """
def made():
    from tfllm.models.seq2seq_rnn import Seq2SeqRNN

    for options in ({"num_layers": 2}, {"attention": "luong", "num_layers": 2, "cell": "gru"}, {"num_layers": 1}):
        yield Seq2SeqRNN(**options, embedding_dim=6, num_units=8, input_vocab_size=17, target_vocab_size=17, rate=0.0)
"""
TRANSLATING_ON_JAX = f"""
import sys
import numpy as np
{TRANSLATING}
data = np.load("in.npz")
inp, tar, found = data["inp"], data["tar"], {{}}
for m, model in enumerate(made()):
    import jax
    model.set_weights([data[f"{{m}} {{i}}"] for i in range(len(model.weights))])
    fixed, state = model.start(inp)
    steps = []
    for t in range(tar.shape[1]):
        one, state = model.step(tar[:, t : t + 1], fixed, state, t)
        steps.append(one)
    found[f"{{m}} steps"] = np.stack(steps, 1)
    seeds = [seed.value for seed in model.non_trainable_variables]  # of dropout
    loss = lambda weights: (model.stateless_call(weights, seeds, inp, tar)[0][0] * data["pull"]).sum()
    for i, gradient in enumerate(jax.jit(jax.grad(loss))([weight.value for weight in model.weights])):
        found[f"{{m}} {{i}}"] = gradient
assert "tensorflow" not in sys.modules
np.savez("out.npz", **found)
"""


@pytest.mark.slow
@pytest.mark.peers
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")
def test_jax_gives_the_same_attention_in_a_loop(tmp_path):
    """Seq2SeqRNN step by step, and the gradient of the whole through its loop over time."""
    exec(TRANSLATING, names := {})
    models = [scatter(model) for model in names["made"]()]
    weights = {f"{m} {i}": w for m, model in enumerate(models) for i, w in enumerate(model.get_weights())}
    pull = np.random.default_rng(0).normal(size=(*TAR.shape, 17)).astype("float32")
    np.savez(tmp_path / "in.npz", inp=INP.astype("int32"), tar=TAR.astype("int32"), pull=pull, **weights)
    result = run_on_jax(TRANSLATING_ON_JAX, tmp_path)
    for m, model in enumerate(models):
        with tf.GradientTape() as tape:
            logits = model(INP, TAR)[0]
            loss = tf.reduce_sum(logits * pull)
        np.testing.assert_allclose(result[f"{m} steps"], logits, atol=1e-4)
        for i, gradient in enumerate(tape.gradient(loss, [weight.value for weight in model.weights])):
            np.testing.assert_allclose(result[f"{m} {i}"], tf.convert_to_tensor(gradient), atol=1e-4)
