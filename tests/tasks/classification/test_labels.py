"""Labels: text to targets and weights, logits to answers, each kind against NumPy; and invalid labels."""

import numpy as np
import pytest
import tensorflow as tf

from tfllm.losses import ClassCrossEntropy, LabelCrossEntropy, SquaredError
from tfllm.metrics import ClassAccuracy, LabelAccuracy
from tfllm.tasks.classification import label_weights
from tfllm.tasks.classification.labels import Labels

NAMES = ("bad", "so so", "good")
LOGITS = np.array([[0.5, -1.0, 2.0], [3.0, 0.1, -2.0], [-1.0, -2.0, -0.5]], "float32")


def both(labels, texts):
    targets, good = tf.function(labels.targets)(tf.constant(texts))
    return targets.numpy().tolist(), good.numpy().tolist()


def test_single():
    labels = Labels(NAMES)
    assert both(labels, ["good", "bad", "so so", "Good", ""]) == ([[2], [0], [1], [0], [0]], [True] * 3 + [False] * 2)
    result = {name: part.numpy() for name, part in labels.answer(LOGITS, np.zeros(3, bool)).items()}
    chances = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(result["probabilities"], chances, rtol=1e-5)
    assert result["label"].tolist() == [b"good", b"bad", b"good"]
    np.testing.assert_allclose(result["score"], chances.max(axis=1), rtol=1e-5)
    assert [row["label"] for row in labels.as_dicts(result)] == ["good", "bad", "good"]
    assert list(labels.as_dicts(result)[0]["probabilities"]) == list(NAMES)


def test_multi():
    labels = Labels(NAMES, "multi")
    texts = ["good|bad", "", " so so ", "good||good", "good|?"]
    targets = [[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert both(labels, texts) == (targets, [True] * 4 + [False])
    assert both(Labels(NAMES, "multi", ", "), ["good, bad"]) == ([[1, 0, 1]], [True])
    result = {name: part.numpy() for name, part in labels.answer(LOGITS, np.zeros(3, bool)).items()}
    np.testing.assert_allclose(result["probabilities"], 1 / (1 + np.exp(-LOGITS)), rtol=1e-5)
    assert result["label"].tolist() == [b"bad|good", b"bad|so so", b""]
    assert [row["label"] for row in labels.as_dicts(result)] == [["bad", "good"], ["bad", "so so"], []]


def test_regression():
    labels = Labels(kind="regression")
    texts = ["2.5", "-1e1", " .5 ", "3.", "+4", "five", "", "1.2.3", "nan"]
    targets, good = both(labels, texts)
    assert good == [True] * 5 + [False] * 4
    assert [row[0] for row in targets[:5]] == [2.5, -10.0, 0.5, 3.0, 4.0]
    result = {name: part.numpy() for name, part in labels.answer(tf.constant(LOGITS[:, :1]), np.zeros(3, bool)).items()}
    assert set(result) == {"label", "score"}
    np.testing.assert_array_equal(tf.strings.to_number(result["label"]), LOGITS[:, 0])
    assert labels.as_dicts(result)[0]["score"] == 0.5


def test_what_is_learned():
    assert Labels.learned(["b", "a", b"b", "é"]).names == ("a", "b", "é")
    assert Labels.learned(["10", "9", "-1", "10"]).names == ("-1", "9", "10")
    assert Labels.learned(["b|a", "", "c | a"], "multi").names == ("a", "b", "c")
    assert Labels.learned(["1", "2.5"], "regression").names == ()


def test_balanced_weights():
    """single: the sums of the weights of all classes are equal, and the mean weight is 1. multi: of there and not."""
    labels, texts = Labels(NAMES), ["bad"] * 6 + ["so so"] * 3 + ["good"]
    weights = label_weights.balanced(labels, texts)
    assert weights == pytest.approx({"bad": 10 / 18, "so so": 10 / 9, "good": 10 / 3})
    result = label_weights.of_targets(labels, labels.targets(tf.constant(texts))[0], weights)
    assert result.shape == (10, 1) and np.mean(result) == pytest.approx(1.0)
    labels = Labels(NAMES, "multi")
    weights = label_weights.balanced(labels, ["bad|good", "bad", "good|so so", "bad", ""])
    assert weights == pytest.approx({"bad": 2 / 3, "so so": 4, "good": 3 / 2})
    result = label_weights.of_targets(labels, tf.constant([[1.0, 0, 0], [0, 1, 1]]), weights)
    np.testing.assert_allclose(result, [[2 / 3, 1, 1], [1, 4, 1.5]])
    with pytest.raises(ValueError, match="'good' is in 0 of 2 records"):
        label_weights.balanced(Labels(NAMES), ["bad", "so so"])
    with pytest.raises(ValueError, match="'good' is in 2 of 2 records"):
        label_weights.balanced(Labels(NAMES, "multi"), ["good|bad", "good|so so"])


@pytest.mark.parametrize(
    "options, message",
    [
        ({"names": NAMES, "kind": "several"}, "kind must be one of"),
        ({"names": "good"}, "labels must be a list of names; got one text: 'good'"),
        ({"names": ["a", 1]}, "a label must be a text of one character or more; got 1"),
        ({"names": ["a", ""]}, "one character or more; got ''"),
        ({"names": ["a", "b", "a"]}, "'a' occurs 2 times"),
        ({"names": ["a"]}, r"single labels: expected 2 or more; got \['a'\]"),
        ({"names": [], "kind": "multi"}, "multi labels: expected 1 or more"),
        ({"names": NAMES, "kind": "regression"}, "a regression has no labels"),
        ({"names": ["a|b"], "kind": "multi"}, "the separator '|' occurs in the label 'a|b'".replace("|", r"\|")),
    ],
)
def test_impossible_labels_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Labels(**options)


def test_one_class_alone_is_refused():
    with pytest.raises(ValueError, match="every record has the label 'a': a classifier needs two labels or more"):
        Labels.learned(["a", "a"])


@pytest.mark.parametrize(
    "kind, weights, message",
    [
        ("single", {"bad": 1.0}, "a number for each of"),
        ("single", "heavy", "a number for each of"),
        ("single", {"bad": 1.0, "so so": 0.0, "good": 1.0}, "'so so' has 0.0"),
        ("regression", "balanced", "a regression has no classes"),
    ],
)
def test_impossible_weights_are_refused(kind, weights, message):
    with pytest.raises(ValueError, match=message):
        label_weights.checked(Labels(() if kind == "regression" else NAMES, kind), weights)


def loops(kind, targets, logits):
    out = np.zeros(targets.shape)
    for b in range(len(targets)):
        for c in range(targets.shape[1]):
            y, z = targets[b, c], np.float64(logits[b])
            if kind == "single":
                out[b, c] = np.log(np.exp(z).sum()) - z[y]
            elif kind == "multi":
                p = 1 / (1 + np.exp(-z[c]))
                out[b, c] = -np.log(p if y else 1 - p)
            else:
                out[b, c] = (z[c] - y) ** 2
    return out


@pytest.mark.parametrize(
    "kind, loss, targets",
    [
        ("single", ClassCrossEntropy, np.array([[2], [1], [0]])),
        ("multi", LabelCrossEntropy, np.array([[1.0, 0, 1], [0, 0, 1], [1, 1, 0]], "float32")),
        ("regression", SquaredError, np.array([[1.5], [-2.0], [0.0]], "float32")),
    ],
)
def test_a_loss_is_the_loops_over_the_weights(kind, loss, targets):
    logits = LOGITS[:, :1] if kind == "regression" else LOGITS
    values, weights = loops(kind, targets, logits), np.float32([[2], [0.5], [0]]) * np.ones(targets.shape, "float32")
    np.testing.assert_allclose(loss().call(targets, logits), values, rtol=1e-5)
    assert float(loss()(targets, logits, weights)) == pytest.approx((values * weights).sum() / weights.sum(), rel=1e-5)
    objective = Labels(() if kind == "regression" else NAMES, kind).objective()
    assert type(objective["loss"]) is loss
    assert type(objective["loss"]).from_config(objective["loss"].get_config()).name == objective["loss"].name


def test_the_gradient_of_label_cross_entropy():
    """σ(z) - y, at a logit of exactly 0 too, as a head of zeros gives it."""
    z, y = tf.constant([[-3.0, 0.0, 0.0, 2.0]]), np.float32([[1, 1, 0, 0]])
    with tf.GradientTape() as tape:
        tape.watch(z)
        loss = LabelCrossEntropy().call(y, z)
    np.testing.assert_allclose(tape.gradient(loss, z), 1 / (1 + np.exp(-z)) - y, atol=1e-6)


def test_extreme_logits_have_a_finite_loss():
    result = LabelCrossEntropy().call(np.float32([[0.0, 1.0]]), np.float32([[200.0, -200.0]]))
    np.testing.assert_allclose(result, [[200.0, 200.0]])


def test_accuracy_ignores_class_weights():
    metric = ClassAccuracy()
    metric.update_state(np.array([[2], [1], [0]]), LOGITS, np.float32([[9], [1], [0]]))
    assert float(metric.result()) == 0.5
    metric = LabelAccuracy()
    targets = np.float32([[1, 0, 1], [0, 1, 1], [0, 0, 0]])
    metric.update_state(targets, LOGITS, np.float32([[9, 1, 1], [1, 1, 1], [0, 0, 0]]))
    assert float(metric.result()) == pytest.approx(4 / 6)
