"""Calibration error against its definition; the temperature against a search of the loss itself."""

import logging

import numpy as np
import pytest

from tests.reference import classification as reference
from tfllm.evaluation import expected_calibration_error, fit_temperature, reliability


def test_by_hand():
    result = reliability([0.9, 0.8, 0.6, 0.55, 0.2], [1, 0, 1, 1, 0], bins=2)
    assert result.count.tolist() == [1, 4]
    np.testing.assert_allclose(result.confidence, [0.2, 2.85 / 4])
    np.testing.assert_allclose(result.accuracy, [0, 0.75])
    assert result.ece == pytest.approx(0.2 / 5 + 4 / 5 * (0.75 - 2.85 / 4))
    assert result.mce == pytest.approx(0.2)


@pytest.mark.parametrize("bins", [1, 7, 15])
def test_against_the_definition(bins):
    draw = np.random.default_rng(bins)
    confidence, correct = draw.random(60), draw.integers(0, 2, 60)
    assert expected_calibration_error(confidence, correct, bins) == pytest.approx(
        reference.calibration_error(confidence, correct, bins)
    )


def test_ends_of_bins():
    result = reliability([0.0, 0.5, 1.0], [0, 1, 1], bins=2)
    assert result.count.tolist() == [2, 1]  # (0, 0.5] and (0.5, 1]; nothing falls out


def test_the_table_has_the_bins_that_are_filled():
    lines = str(reliability([0.95, 0.15, 0.91], [1, 0, 0], bins=10)).splitlines()
    assert lines[0].split() == ["probability", "count", "mean", "accuracy"]
    assert lines[1].split() == ["0.10", "to", "0.20", "1", "0.1500", "0.0000"]
    assert lines[2].split() == ["0.90", "to", "1.00", "2", "0.9300", "0.5000"]
    assert lines[3].startswith("expected calibration error 0.3367, maximum 0.4300")


def test_faults_of_reliability():
    with pytest.raises(ValueError, match="a probability for each answer; got 2 for 1"):
        reliability([0.5, 0.5], [1])
    with pytest.raises(ValueError, match="got 0 for 0"):
        reliability([], [])
    for wrong in (np.nan, 1.1, -0.1):
        with pytest.raises(ValueError, match="expected probabilities between 0 and 1"):
            reliability([0.5, wrong], [1, 1])


def drawn(kind, sharpness, size=400, classes=3):
    """Logits whose temperature is `sharpness`: targets are drawn by the logits before they are multiplied."""
    draw = np.random.default_rng(5)
    logits = draw.normal(size=(size, classes)) * 2
    if kind == "multi":
        return logits * sharpness, (draw.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(int)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return logits * sharpness, np.array([draw.choice(classes, p=row) for row in p])


@pytest.mark.parametrize("kind", ["single", "multi"])
@pytest.mark.parametrize("sharpness", [0.4, 1.0, 3.0])
def test_no_temperature_near_it_is_better(kind, sharpness):
    logits, targets = drawn(kind, sharpness)
    loss = {"single": reference.log_loss, "multi": reference.binary_log_loss}[kind]
    result = fit_temperature(logits, targets, kind)
    assert result == pytest.approx(sharpness, rel=0.25)  # 400 examples do not tell it better
    least = loss(logits, targets, result)
    assert all(loss(logits, targets, result * other) > least for other in (0.5, 0.9, 0.999, 1.001, 1.1, 2))


def test_the_temperature_mends_what_is_too_sure():
    logits, targets = drawn("single", 4.0, size=2000)

    def error(temperature):
        p = np.exp(logits / temperature)
        p /= p.sum(axis=1, keepdims=True)
        return expected_calibration_error(p.max(axis=1), p.argmax(axis=1) == targets)

    assert error(1.0) > 0.1 and error(fit_temperature(logits, targets)) < 0.04


def test_scale_and_shift_of_logits():
    logits, targets = drawn("single", 1.0)
    plain = fit_temperature(logits, targets)
    assert fit_temperature(logits + np.arange(400)[:, None], targets) == pytest.approx(plain)
    assert fit_temperature(7 * logits, targets) == pytest.approx(7 * plain)
    assert fit_temperature((1000 * logits).astype("float32"), targets % 3) == 100.0  # beyond the range


@pytest.mark.parametrize(
    "logits, targets, kind, expected, output",
    [
        ([[2.0, 0.0], [0.0, 1.0]], [0, 1], "single", 1.0, "stays 1: all 2 examples are correct"),
        ([[2.0, 0.0], [0.0, 1.0]], [1, 0], "single", 100.0, "is 100, the maximum: the logits do not predict the 2"),
        ([[2.0, -1.0]], [[1, 0]], "multi", 1.0, "all 1 examples are correct"),
        ([[1e4, 0.0], [0.0, 1e-9]], [0, 1], "single", 1.0, "examples are correct"),
        ([[3.0, 3.0], [0.0, 0.0]], [0, 1], "single", 1.0, "stays 1"),  # every temperature is as good
    ],
)
def test_where_no_temperature_is_best_it_is_told(logits, targets, kind, expected, output, caplog):
    with caplog.at_level(logging.WARNING, "tfllm"):
        assert fit_temperature(logits, targets, kind) == expected
    assert output in caplog.text


@pytest.mark.parametrize(
    "logits, targets, kind, output",
    [
        ([[1.0, 2.0]], [0], "regression", "kind must be 'single' or 'multi'"),
        ([[1.0, 2.0]], [[0]], "single", r"shapes \(1, 2\), \(1, 1\)"),
        ([1.0, 2.0], [0, 1], "single", r"logits \[N, C\]"),
        ([[1.0, 2.0]], [2], "single", "class numbers from 0 to 1"),
        ([[1.0, np.inf]], [0], "single", "not finite"),
        (np.zeros((0, 2)), np.zeros(0, int), "single", "shapes"),
    ],
)
def test_faults_of_temperature(logits, targets, kind, output):
    with pytest.raises(ValueError, match=output):
        fit_temperature(logits, targets, kind)
