"""Several labels a text, numbers, and the metrics of GLUE: by hand, and against definitions."""

import json
import math

import numpy as np
import pytest

from tests.reference import classification as reference
from tfllm.evaluation import glue_metrics, matthews, multilabel_report, pearson, regression_report, spearman
from tfllm.evaluation.glue import METRICS

TRUE = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 0]])
SAID = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 1]])


def test_several_labels_by_hand():
    result = multilabel_report(TRUE, SAID, labels=["a", "b", "c"])
    assert result.accuracy == 0.5 and result.hamming_loss == pytest.approx(3 / 12)
    np.testing.assert_allclose(result.precision, [1, 1, 0])
    np.testing.assert_allclose(result.recall, [1, 1 / 2, 0])
    np.testing.assert_allclose(result.f1, [1, 2 / 3, 0])
    assert result.micro_f1 == pytest.approx(2 * 3 / (5 + 4)) and result.macro_f1 == pytest.approx(5 / 9)
    assert result.support.tolist() == [2, 2, 1]


def test_several_labels_are_as_many_single_ones():
    draw = np.random.default_rng(2)
    true, output = draw.integers(0, 2, (30, 4)), draw.integers(0, 2, (30, 4))
    chances = draw.random((30, 4))
    result = multilabel_report(true, output, probabilities=chances)
    assert result.labels == ("0", "1", "2", "3")
    np.testing.assert_allclose(result.f1, [reference.f1(true[:, c], output[:, c], 1) for c in range(4)])
    assert result.micro_f1 == pytest.approx(reference.f1(true.ravel(), output.ravel(), 1))
    assert result.ece == pytest.approx(reference.calibration_error(chances.ravel(), true.ravel(), 15))
    assert result.as_dict() == json.loads(json.dumps(result.as_dict()))
    for name, ends in result.intervals.items():
        assert ends[0] < getattr(result, name) < ends[1], name


def test_intervals_of_several_labels_by_drawing_rows():
    draw = np.random.default_rng(3)
    true = draw.integers(0, 2, (60, 3))
    output = np.where(draw.random((60, 3)) < 0.8, true, 1 - true)
    micro, exact = [], []
    for _ in range(2000):
        rows = draw.integers(0, 60, 60)
        micro.append(reference.f1(true[rows].ravel().tolist(), output[rows].ravel().tolist(), 1))
        exact.append((true[rows] == output[rows]).all(axis=1).mean())
    result = multilabel_report(true, output).intervals
    np.testing.assert_allclose(result["micro_f1"], np.quantile(micro, [0.025, 0.975]), atol=0.015)
    np.testing.assert_allclose(result["accuracy"], np.quantile(exact, [0.025, 0.975]), atol=0.025)


def test_the_table_of_several_labels():
    lines = str(multilabel_report(TRUE, SAID, ["a", "b", "c"], np.full((4, 3), 0.5))).splitlines()
    assert lines[2].split() == ["b", "1.0000", "0.5000", "0.6667", "2"]
    assert lines[5].startswith("all labels right 0.5000 [") and lines[5].endswith("of 4")
    assert lines[-2:] == ["Hamming loss 0.2500", "expected calibration error 0.0833"]  # 5 of 12 are 1


@pytest.mark.parametrize(
    "true, output, options, message",
    [
        ([0, 1], [0, 1], {}, r"y_true: expected 0 or 1 for each example and label; got int64 \(2,\)"),
        ([[0, 2]], [[0, 1]], {}, "y_true: expected 0 or 1"),
        ([[0, 1]], [[0, 1, 1]], {}, r"of shape \(1, 2\) but y_pred is of shape \(1, 3\)"),
        ([[0, 1]], [[0, 1]], {"labels": ["a"]}, "a unique name for each class"),
        ([[0, 1]], [[0, 1]], {"probabilities": [[0.5, 1.5]]}, "numbers between 0 and 1"),
        ([], [], {}, "nothing to score"),
    ],
)
def test_faults_of_several_labels(true, output, options, message):
    with pytest.raises(ValueError, match=message):
        multilabel_report(true, output, **options)


def test_numbers_by_hand():
    result = regression_report([1, 2, 3, 4], [1.5, 2, 2, 5])
    x, y = np.array([-1.5, -0.5, 0.5, 1.5]), np.array([1.5, 2, 2, 5]) - 2.625
    assert result.pearson == pytest.approx((x * y).sum() / math.sqrt((x * x).sum() * (y * y).sum()))
    ranks = np.array([1, 2.5, 2.5, 4])
    assert result.spearman == pytest.approx(np.corrcoef([1, 2, 3, 4], ranks)[0, 1])
    assert result.mse == pytest.approx((0.25 + 0 + 1 + 1) / 4) and result.mae == pytest.approx(2.5 / 4)
    assert "Pearson" in str(result) and "of 4" in str(result)


def test_correlations_against_their_definitions():
    def ranks(values):
        return [sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2
                for value in values]  # fmt: skip

    draw = np.random.default_rng(4)
    x = np.round(draw.normal(size=80), 1)  # with ties
    y = np.round(x + draw.normal(size=80), 1)
    assert pearson(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert spearman(x, y) == pytest.approx(np.corrcoef(ranks(x), ranks(y))[0, 1])
    by_rows = []
    for _ in range(2000):
        rows = draw.integers(0, 80, 80)
        by_rows.append(np.corrcoef(x[rows], y[rows])[0, 1])
    ends = regression_report(x, y).intervals["pearson"]
    np.testing.assert_allclose(ends, np.quantile(by_rows, [0.025, 0.975]), atol=0.03)


def test_what_is_all_the_same_has_no_correlation():
    result = regression_report([1.0, 2, 3], [2.0, 2, 2])
    assert math.isnan(result.pearson) and math.isnan(result.spearman) and math.isnan(result.intervals["pearson"][0])
    output = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert output["pearson"] is None and output["intervals"]["pearson"] == [None, None] and output["mse"] > 0


@pytest.mark.parametrize(
    "true, output, message",
    [
        ([1, 2], [1], "y_true has 2 examples"),
        (["x", "y"], [1, 2], "y_true: expected numbers; got"),
        ([1, math.nan], [1, 2], "y_true: expected finite numbers"),
        ([[1], [2]], [1, 2], r"got the shape \(2, 1\)"),
    ],
)
def test_faults_of_numbers(true, output, message):
    with pytest.raises(ValueError, match=message):
        regression_report(true, output)


def test_the_metrics_of_glue():
    true, output = [1, 0, 1, 1, 0, 1], [1, 0, 0, 1, 1, 1]
    assert glue_metrics("cola")(true, output) == {"matthews": matthews(true, output)}
    for task in ("sst2", "qnli", "rte", "wnli"):
        assert glue_metrics(f"glue/{task}")(true, output) == {"accuracy": pytest.approx(4 / 6)}
    f1 = pytest.approx(reference.f1(true, output, 1))
    assert glue_metrics("mrpc")(true, output) == glue_metrics("qqp")(true, output) == {"accuracy": 4 / 6, "f1": f1}
    for task in ("mnli", "mnli_matched", "mnli_mismatched"):
        assert glue_metrics(task)([0, 1, 2], [0, 2, 2]) == {"accuracy": pytest.approx(2 / 3)}
    scores = glue_metrics("stsb")([1, 2, 3], [1.0, 4, 3])
    assert scores == {"pearson": pytest.approx(0.6546537), "spearman": pytest.approx(0.5)}
    assert glue_metrics("ax")([0, 1, 2], [0, 1, 2]) == {"matthews": pytest.approx(1)}


@pytest.mark.parametrize("task, positive", [("mrpc", "equivalent"), ("qqp", "duplicate")])
def test_the_class_whose_f1_it_is_goes_by_its_name(task, positive):
    """By their names the two classes are sorted the other way round."""
    true, output = np.array([1, 0, 1, 1, 0, 1]), np.array([1, 0, 0, 1, 1, 1])
    names = np.array(["not_" + positive, positive])
    expected = glue_metrics(task)(true, output)
    assert glue_metrics(task)(names[true], names[output]) == pytest.approx(expected)
    assert glue_metrics(task)(names[true].tolist(), [name.encode() for name in names[output]]) == pytest.approx(
        expected
    )
    assert glue_metrics(task)(true.astype(str), output.astype(str)) == pytest.approx(expected)
    assert glue_metrics(task)([0, 0], [0, 0]) == {"accuracy": 1, "f1": 0}
    with pytest.raises(ValueError, match=f"expected the classes {positive} and not_{positive}; got a, b"):
        glue_metrics(task)(["a", "b"], ["a", "a"])


def test_an_unknown_task_of_glue():
    with pytest.raises(ValueError, match="GLUE has no task 'rt'; its tasks: cola, sst2"):
        glue_metrics("rt")
    assert set(METRICS) > {"cola", "sst2", "mrpc", "qqp", "stsb", "mnli", "qnli", "rte", "wnli"}
