"""The same figures as scikit-learn's."""

import numpy as np
import pytest

from tfllm.evaluation import classification_report, matthews, multilabel_report, reliability

metrics = pytest.importorskip("sklearn.metrics")
pytestmark = pytest.mark.peers


@pytest.mark.parametrize("classes, size, seed", [(2, 30, 1), (5, 200, 2), (40, 500, 3)])
def test_single_labels(classes, size, seed):
    draw = np.random.default_rng(seed)
    true, output = draw.integers(0, classes, size), draw.integers(0, classes, size)
    output = np.where(draw.random(size) < 0.6, true, output)
    chances = draw.dirichlet(np.ones(classes), size)
    result = classification_report(true, output, probabilities=chances, labels=[f"c{i:02}" for i in range(classes)])
    every = dict(labels=range(classes), zero_division=0)
    expected = metrics.precision_recall_fscore_support(true, output, **every)
    for ours, theirs in zip((result.precision, result.recall, result.f1, result.support), expected, strict=True):
        np.testing.assert_allclose(ours, theirs)
    np.testing.assert_array_equal(result.confusion, metrics.confusion_matrix(true, output, labels=range(classes)))
    assert result.accuracy == pytest.approx(metrics.accuracy_score(true, output))
    assert result.macro_f1 == pytest.approx(metrics.f1_score(true, output, average="macro", zero_division=0))
    assert result.micro_f1 == pytest.approx(metrics.f1_score(true, output, average="micro"))
    assert result.matthews == matthews(true, output) == pytest.approx(metrics.matthews_corrcoef(true, output))
    assert result.log_loss == pytest.approx(metrics.log_loss(true, chances, labels=range(classes)))


def test_several_labels():
    draw = np.random.default_rng(4)
    true, output = draw.integers(0, 2, (90, 5)), draw.integers(0, 2, (90, 5))
    result = multilabel_report(true, output)
    for average in ("micro", "macro"):
        assert getattr(result, f"{average}_f1") == pytest.approx(metrics.f1_score(true, output, average=average))
    np.testing.assert_allclose(result.f1, metrics.f1_score(true, output, average=None))
    assert result.accuracy == pytest.approx(metrics.accuracy_score(true, output))
    assert result.hamming_loss == pytest.approx(metrics.hamming_loss(true, output))


def test_the_calibration_curve():
    from sklearn.calibration import calibration_curve

    draw = np.random.default_rng(5)
    chances = draw.random(300)
    true = (draw.random(300) < chances**2).astype(int)
    accuracy, confidence = calibration_curve(true, chances, n_bins=10)
    result = reliability(chances, true, bins=10)
    np.testing.assert_allclose(result.accuracy, accuracy)
    np.testing.assert_allclose(result.confidence, confidence)
