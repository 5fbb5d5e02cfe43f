"""Private names of other libraries: each does what tfllm expects of it, and only private_api.py uses them."""

import ast
import importlib
import io
import pickle
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfllm import private_api

ROOT = Path(__file__).parent.parent / "tfllm"
SOURCES = {path: ast.parse(path.read_text("utf-8")) for path in ROOT.rglob("*.py") if path.name != "private_api.py"}


class Two(keras.Model):
    """Dense layers as an attribute and in a list."""

    def __init__(self):
        super().__init__()
        self.first, self.rest = keras.layers.Dense(2), [keras.layers.Dense(3)]

    def call(self, x):
        return self.rest[0](self.first(x))


@pytest.fixture
def two():
    model = Two()
    model(np.zeros((1, 2), "float32"))
    return model


def test_a_step_of_the_unpickler_is_replaced():
    class Doubled(private_api.PythonUnpickler):
        def step(self):
            private_api.PythonUnpickler.dispatch[pickle.TUPLE2[0]](self)
            self.stack[-1] *= 2

        dispatch = private_api.PythonUnpickler.dispatch | {pickle.TUPLE2[0]: step}

    assert Doubled(io.BytesIO(pickle.dumps([(1, 2)]))).load() == [(1, 2, 1, 2)]
    assert callable(Doubled.load_build) and pickle.BUILD[0] in Doubled.dispatch


def test_layers_below_a_layer(two):
    assert private_api.sublayers(two) == [two.first, two.rest[0]]
    around = keras.Sequential([keras.layers.Dropout(0.1), two, two.first])
    result = private_api.all_layers(around)
    assert result[0] is around and len(result) == 5  # of which `first` stands in two places
    assert {id(layer) for layer in result[1:]} == {id(one) for one in [around.layers[0], two, two.first, *two.rest]}


def test_own_weights(two):
    assert private_api.own_weights(two) == []
    two.first.trainable = False
    assert [one.name for one in private_api.own_weights(two.first)] == ["kernel", "bias"]


def test_a_sublayer_of_a_built_layer_is_replaced(two):
    new = keras.layers.Dense(2)
    private_api.replace_sublayer(two, two.first, new)
    assert private_api.sublayers(two) == [new, two.rest[0]]
    private_api.replace_sublayer(two, two.first, keras.layers.Dense(2))  # no longer there
    assert private_api.sublayers(two) == [new, two.rest[0]]


def test_all_other_lists_of_layers_are_bookkeeping(two):
    def holds(value):
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return isinstance(value, keras.layers.Layer) or any(map(holds, parts))

    line = keras.Sequential([keras.layers.Dense(1)])
    line.build((None, 2))
    x = keras.Input((2,))
    for model, ours in ((two, {"first", "rest"}), (line, set()), (keras.Model(x, two.first(x)), set())):
        result = {name for name, value in vars(model).items() if holds(value)}
        assert ours < result and all(map(private_api.is_bookkeeping, result - ours)), result
        assert not any(map(private_api.is_bookkeeping, ours))


def test_paths_are_set(two):
    private_api.set_path(two, "elsewhere")
    private_api.set_path(two.first.kernel, "elsewhere/kernel")
    assert (two.path, two.first.kernel.path) == ("elsewhere", "elsewhere/kernel")


def test_a_strategy_builds_from_the_batch_of_one_replica():
    batches = []

    class Seen:
        def _symbolic_build(self, iterator=None, data_batch=None):
            batches.append(data_batch)
            super()._symbolic_build(iterator, data_batch)

    class Model(private_api.BuiltFromOneReplica, Seen, Two):
        pass

    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        model = Model()
        model.compile("sgd", "mse", run_eagerly=True)
    model.fit(np.ones((3, 2), "float32"), np.ones((3, 3), "float32"), batch_size=2, shuffle=False, verbose=0)
    (batch,) = batches
    assert [part.shape for part in batch[:2]] == [(2, 2), (2, 3)]


def test_a_file_of_weights_is_keras_s_own(two, tmp_path):
    two.save_weights(tmp_path / "theirs.weights.h5")
    (tmp_path / "ours.weights.h5").write_bytes(private_api.weights_file(two))
    wanted = two.get_weights()
    for name in ("theirs", "ours"):
        two.set_weights([0 * weight for weight in wanted])
        two.load_weights(tmp_path / f"{name}.weights.h5")
        for found, weight in zip(two.get_weights(), wanted, strict=True):
            np.testing.assert_array_equal(found, weight)


def test_what_an_optimizer_knows_of_its_weights(two):
    optimizer = keras.optimizers.AdamW(weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build(two.trainable_variables)
    assert [private_api.weight_index(optimizer, one) for one in two.trainable_variables] == [0, 1, 2, 3]
    decays = [private_api.has_weight_decay(optimizer, one) for one in two.trainable_variables]
    assert decays == [True, False, True, False]


def test_the_function_of_a_metric():
    metrics = keras.metrics
    assert private_api.metric_function(metrics.MeanSquaredError()) is metrics.mean_squared_error
    assert private_api.metric_function(metrics.Mean()) is None


@pytest.mark.parametrize("direction, better", [("up", np.greater), ("down", np.less)])
def test_the_best_value_of_a_metric(two, direction, better):
    @private_api.best_is(direction)
    class Metric(keras.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            return super().update_state(y_pred)

    stop = keras.callbacks.EarlyStopping(monitor="odd", mode="auto", patience=9)
    two.compile("sgd", "mse", metrics=[Metric(name="odd")], run_eagerly=True)
    two.fit(np.ones((1, 2)), np.ones((1, 3)), callbacks=[stop], verbose=0)
    assert stop.monitor_op(2, 1) == better(2, 1) and stop.monitor_op(1, 2) == better(1, 2)


def test_the_loss_of_each_job():
    from gensim.models import Word2Vec

    options = dict(sentences=[["a", "b", "c"]] * 4, vector_size=2, min_count=1, sample=0, workers=1, seed=1)
    plain = Word2Vec(**options, epochs=1, compute_loss=True)
    kind = private_api.with_losses(Word2Vec)
    kind.done = []
    kind(**options, epochs=3, compute_loss=True)
    losses, words = zip(*kind.done, strict=True)
    assert words == (12, 12, 12)
    np.testing.assert_allclose(losses[0], plain.get_latest_training_loss(), rtol=1e-6)
    assert all(0 < loss < 2 * losses[0] for loss in losses)


def test_scores_of_sacrebleu(monkeypatch):
    chrf = pytest.importorskip("sacrebleu").CHRF
    texts, references = ["a b c", "x"], [["a b c", "y"]]
    monkeypatch.setenv("SACREBLEU_SEED", "1")
    with pytest.raises(TypeError):  # a mixture of NumPy's floats and others: once this passes, with_float_scores can go
        chrf().corpus_score(texts, references, n_bootstrap=50)
    score = private_api.with_float_scores(chrf()).corpus_score(texts, references, n_bootstrap=50)
    mean, half = private_api.mean_and_half_width(score)
    assert f"(μ = {mean:.6f} ± {half:.6f})" in score.format(width=6) and 0 < half < mean < 100


# What stands in the sources

INTERNAL = ("keras.src", "keras_hub.src", "tensorflow.python", "tensorflow.core", "tensorflow.compiler")
PARTS = {name.split(".")[1] for name in INTERNAL}
BY_NAME = ("getattr", "hasattr", "setattr")
OF_NAMED_TUPLES = {"_replace", "_asdict", "_fields", "_make"}  # documented


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def own_names(trees):
    """(names that classes of tfllm define, names that they keep in self)."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    bodies = [part for node in nodes if isinstance(node, ast.ClassDef) for part in node.body]
    defined = {part.name for part in bodies if isinstance(part, (ast.FunctionDef, ast.ClassDef))}
    defined |= {one.id for part in bodies if isinstance(part, ast.Assign) for one in part.targets
                if isinstance(one, ast.Name)}  # fmt: skip
    return defined, kept_in(nodes)


def kept_in(nodes):
    stored = (node for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store))
    return {node.attr for node in stored if isinstance(node.value, ast.Name) and node.value.id == "self"}


def private_uses(tree, defined=frozenset(), kept=frozenset()):
    """The private names of others in a file."""
    ours = defined | OF_NAMED_TUPLES
    result = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            own = ours | (kept if ast.unparse(node.value) in ("self", "cls", "super()") else set())
            result += [ast.unparse(node)] if node.attr not in own else []
        elif isinstance(node, ast.Attribute) and node.attr in PARTS and ast.unparse(node).startswith(INTERNAL):
            result.append(ast.unparse(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BY_NAME:
            name = node.args[1]
            if isinstance(name, ast.Constant) and is_private(name.value) and name.value not in ours | kept:
                result.append(ast.unparse(node))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{name}" for name in names]
            result += [name for name in names if not name.startswith("tfllm.") and (
                name.startswith(INTERNAL) or any(map(is_private, name.split("."))))]  # fmt: skip
    return result


def test_no_other_file_uses_private_names():
    names = own_names(SOURCES.values())
    assert len(SOURCES) > 150
    assert not {str(path): result for path, tree in SOURCES.items() if (result := private_uses(tree, *names))}


@pytest.mark.parametrize(
    "source, result",
    [
        ("model._layers", ["model._layers"]),
        ("def _layers(): pass\nmodel._layers", ["model._layers"]),
        ("self._layers", ["self._layers"]),
        ("metric._fn = 1", ["metric._fn"]),
        ("super()._build(x)", ["super()._build"]),
        ("getattr(metric, '_fn', None)", ["getattr(metric, '_fn', None)"]),
        ("from keras.src import backend", ["keras.src.backend"]),
        ("import tensorflow.python.util", ["tensorflow.python.util"]),
        ("keras.src.backend.x", ["keras.src"]),
        ("from pickle import _Unpickler", ["pickle._Unpickler"]),
        ("from tfllm.text import _x\nimport keras\n__all__\nself.__dict__\nrow._replace(a=1)", []),
    ],
)
def test_the_check_sees(source, result):
    assert private_uses(ast.parse(source)) == result


def test_no_class_takes_a_private_name_of_its_base():
    """A method or attribute of that name would take the place of the library's, unseen."""
    made = (keras.Model(), keras.layers.Layer(), keras.metrics.Mean(), keras.optimizers.Adam())
    seen = 0
    for path, tree in SOURCES.items():
        name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        if path.name in ("adagrad.py", "__main__.py"):  # the first needs numba, and has no class
            continue
        for node in tree.body:
            if not isinstance(node, ast.ClassDef):
                continue
            seen += 1
            kind = getattr(importlib.import_module(name), node.name)
            others = [one for one in kind.__mro__ if not one.__module__.startswith(("tfllm", "builtins"))]
            own = {
                one
                for one in {*vars(kind), *kept_in(ast.walk(node))} - {"_abc_impl", "_is_protocol"}
                if is_private(one)
            }
            taken = {one for one in own for other in others if hasattr(other, one)}
            taken |= {one for one in own for other in made if type(other) in others and one in vars(other)}
            assert not taken, f"{kind} has {taken}, which {others} have"
    assert seen > 150


def test_a_call_is_stopped():
    stop = private_api.cancellation()
    with private_api.cancellable(None):
        assert tf.function(lambda x: x + 1)(1) == 2
    stop.start_cancel()
    with pytest.raises(tf.errors.CancelledError), private_api.cancellable(stop):
        tf.function(lambda x: tf.while_loop(lambda x: x > 0, lambda x: (x * 0.5 + 1,), [x]))(1.0)


def test_the_graphs_of_a_saved_model(tmp_path):
    module = tf.Module()
    module.call = tf.function(lambda x: {"y": x + 1}, input_signature=[tf.TensorSpec([None], tf.int32)])
    tf.saved_model.save(module, str(tmp_path), signatures=module.call)
    (graph,) = private_api.saved_model_graphs((tmp_path / "saved_model.pb").read_bytes())
    assert "serving_default" in graph.signature_def


def test_variables_without_memory_are_forgotten():
    with private_api.without_memory():
        layer = keras.layers.Dense(3)
        layer.build((None, 2))
        assert layer.kernel._value is None
    with keras.StatelessScope():
        pass  # gives values to all that it finds
    assert layer.kernel._value is None and tuple(layer.kernel.shape) == (2, 3)
