"""The same figures as scikit-learn's."""

import numpy as np
import pytest

from tfllm.evaluation import classification_report, matthews, multilabel_report, reliability

metrics = pytest.importorskip("sklearn.metrics")
pytestmark = pytest.mark.peers


@pytest.mark.parametrize("classes, size, seed", [(2, 30, 1), (5, 200, 2), (40, 500, 3)])
def test_single_labels(classes, size, seed):
    draw = np.random.default_rng(seed)
    true, said = draw.integers(0, classes, size), draw.integers(0, classes, size)
    said = np.where(draw.random(size) < 0.6, true, said)
    chances = draw.dirichlet(np.ones(classes), size)
    result = classification_report(true, said, probabilities=chances, labels=[f"c{i:02}" for i in range(classes)])
    every = dict(labels=range(classes), zero_division=0)
    expected = metrics.precision_recall_fscore_support(true, said, **every)
    for ours, theirs in zip((result.precision, result.recall, result.f1, result.support), expected, strict=True):
        np.testing.assert_allclose(ours, theirs)
    np.testing.assert_array_equal(result.confusion, metrics.confusion_matrix(true, said, labels=range(classes)))
    assert result.accuracy == pytest.approx(metrics.accuracy_score(true, said))
    assert result.macro_f1 == pytest.approx(metrics.f1_score(true, said, average="macro", zero_division=0))
    assert result.micro_f1 == pytest.approx(metrics.f1_score(true, said, average="micro"))
    assert result.matthews == matthews(true, said) == pytest.approx(metrics.matthews_corrcoef(true, said))
    assert result.log_loss == pytest.approx(metrics.log_loss(true, chances, labels=range(classes)))


def test_several_labels():
    draw = np.random.default_rng(4)
    true, said = draw.integers(0, 2, (90, 5)), draw.integers(0, 2, (90, 5))
    result = multilabel_report(true, said)
    for average in ("micro", "macro"):
        assert getattr(result, f"{average}_f1") == pytest.approx(metrics.f1_score(true, said, average=average))
    np.testing.assert_allclose(result.f1, metrics.f1_score(true, said, average=None))
    assert result.accuracy == pytest.approx(metrics.accuracy_score(true, said))
    assert result.hamming_loss == pytest.approx(metrics.hamming_loss(true, said))


def test_the_calibration_curve():
    from sklearn.calibration import calibration_curve

    draw = np.random.default_rng(5)
    chances = draw.random(300)
    true = (draw.random(300) < chances**2).astype(int)
    accuracy, confidence = calibration_curve(true, chances, n_bins=10)
    result = reliability(chances, true, bins=10)
    np.testing.assert_allclose(result.accuracy, accuracy)
    np.testing.assert_allclose(result.confidence, confidence)
