"""Losses and metrics of Keras in `compile` of a classifier, against Keras itself; and a loss that explodes."""

import keras
import numpy as np
import pytest

from tests.tasks.classification.test_text_classifier import CNN, TEXTS, made
from tfllm.tasks import TextClassifier, TextClassifierConfig

pytestmark = pytest.mark.usefixtures("eager")


def own(targets, logits):
    return keras.losses.sparse_categorical_crossentropy(targets, logits, from_logits=True)


@pytest.mark.parametrize("loss", [None, own, keras.losses.SparseCategoricalCrossentropy(from_logits=True)])
def test_metrics_and_losses_of_keras_are_right(graphs, loss):
    """12 texts, with class weights, in graph mode: with unknown static shapes Keras used to choose wrong metrics."""
    x, y = [*TEXTS, *TEXTS[:4]], ["a", "b", "c", "a", "b", "c", "a", "b", "b", "b", "b", "c"]
    keras.utils.set_random_seed(1)
    config = TextClassifierConfig(model=CNN, class_weights={"a": 1.0, "b": 5.0, "c": 0.5})
    task = TextClassifier.from_text(x, y, config)
    metrics = ["accuracy", keras.metrics.SparseCategoricalAccuracy("sparse"), keras.metrics.F1Score(name="f1"), own]
    task.compile(keras.optimizers.SGD(0.1), loss, metrics, jit_compile=False)
    task.fit(x, y, batch_size=5, verbose=0)
    result = task.evaluate(x, y, batch_size=5, verbose=0, return_dict=True)
    report, (logits, targets) = task.score(x, y), task.judged(x, y)
    assert result["accuracy"] == pytest.approx(report.accuracy)
    assert result["sparse"] == pytest.approx(result["accuracy"])
    chosen, right = logits.argmax(1), targets[:, 0]
    f1 = [2 * ((chosen == c) & (right == c)).sum() / max((chosen == c).sum() + (right == c).sum(), 1) for c in range(3)]
    np.testing.assert_allclose(result["f1"], f1, rtol=1e-5)
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(12), right]
    weights = np.array([1.0, 5.0, 0.5])[right]
    assert result["own"] == pytest.approx(losses.mean(), rel=1e-5)
    assert result["loss"] == pytest.approx((weights * losses).sum() / weights.sum(), rel=1e-5)
    predicted = task.predict(task.batches(x[:3], y[:3]).dataset, verbose=0)
    np.testing.assert_allclose(np.sort(predicted, axis=0), np.sort(logits[:3], axis=0), atol=1e-5)  # 3 rows


@pytest.mark.parametrize("kind, metric, message", [
    ("regression", "accuracy", "this task has no 'accuracy'"),
    ("single", keras.metrics.AUC(), "the metric 'auc' expects probabilities"),
    ("single", "sparse_categorical_crossentropy", "expects probabilities"),
    ("multi", keras.metrics.Precision(name="p"), "'p' has the threshold 0.5"),
    ("multi", keras.metrics.BinaryAccuracy(name="b"), "'b' has the threshold 0.5"),
    ("single", keras.metrics.Mean("m"), "the metric 'm' takes values, not targets and logits"),
    ("single", 3, "a metric must be a name, .* got 3"),
])  # fmt: skip
def test_metrics_that_would_be_wrong_are_refused(kind, metric, message):
    with pytest.raises(ValueError, match=message):
        made(kind=kind)[0].compile("sgd", metrics=[metric])


CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def test_a_loss_in_every_form_that_keras_takes():
    task = made()[0]
    for loss in (CROSS_ENTROPY, [CROSS_ENTROPY], (CROSS_ENTROPY,), keras.losses.serialize(CROSS_ENTROPY)):
        task.compile("sgd", loss)
        assert task.loss.loss.get_config() == CROSS_ENTROPY.get_config()
    for loss, message in (
        (["mse", "mae"], "expected a loss; got 2 of them"), ({"a": "mse"}, "one unnamed output: expected one loss"),
        (3, "a loss must be a name, .* got 3"), ([], "expected a loss; got 0"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            task.compile("sgd", loss)
    with pytest.raises(ValueError, match=r"in the form of the task's objective, a list; got a dict of \['x'\]"):
        task.compile("sgd", metrics={"x": "accuracy"})


def test_the_accuracy_of_many_labels_is_that_of_each():
    task, x, y = made(kind="multi")
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    task.compile("sgd", loss, ["accuracy", keras.metrics.BinaryAccuracy("binary", threshold=0.0)], run_eagerly=True)
    result = task.evaluate(x, y, verbose=0, return_dict=True)
    logits, targets = task.judged(x, y)
    right = ((logits > 0) == (targets > 0)).mean()
    assert result["accuracy"] == pytest.approx(right) and result["binary"] == pytest.approx(right)
    losses = np.logaddexp(0, logits) - logits * targets
    assert result["loss"] == pytest.approx(losses.mean(), rel=1e-5)


def test_a_loss_that_explodes_ends_the_training():
    task, x, y = made()
    task.compile(keras.optimizers.SGD(1e8), run_eagerly=True)
    with pytest.raises(FloatingPointError, match="the loss is .* the training diverged and stops"):
        task.fit(x, y, epochs=20, verbose=0)
