"""Figures of single labels against their definitions, and intervals against all the draws there are."""

import itertools
import json

import numpy as np
import pytest

from tests.reference import classification as reference
from tfllm.evaluation import classification_report, matthews

TRUE = ["cat", "dog", "cat", "猫猫", "dog", "cat"]
SAID = ["cat", "cat", "cat", "猫猫", "dog", "dog"]


def test_by_hand():
    result = classification_report(TRUE, SAID)
    assert result.labels == ("cat", "dog", "猫猫")
    np.testing.assert_array_equal(result.confusion, [[2, 1, 0], [1, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(result.precision, [2 / 3, 1 / 2, 1])
    np.testing.assert_allclose(result.recall, [2 / 3, 1 / 2, 1])
    np.testing.assert_allclose(result.f1, [2 / 3, 1 / 2, 1])
    assert result.support.tolist() == [3, 2, 1]
    assert result.accuracy == result.micro_f1 == pytest.approx(4 / 6)
    assert result.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert result.reliability is None and result.ece is None and result.log_loss is None


@pytest.mark.parametrize("classes, seed", [(2, 1), (3, 2), (7, 3)])
def test_against_the_definitions(classes, seed):
    draw = np.random.default_rng(seed)
    true, output = draw.integers(0, classes, 40), draw.integers(0, classes, 40)
    output = np.where(draw.random(40) < 0.5, true, output)
    result = classification_report(true, output, labels=[f"c{i}" for i in range(classes)])
    for c in range(classes):
        tp, fp, fn = reference.counts(true, output, c)
        assert result.precision[c] == pytest.approx(tp / (tp + fp) if tp + fp else 0)
        assert result.recall[c] == pytest.approx(tp / (tp + fn) if tp + fn else 0)
        assert result.f1[c] == pytest.approx(reference.f1(true, output, c))
    assert result.accuracy == pytest.approx(reference.accuracy(true, output))
    assert result.macro_f1 == pytest.approx(reference.macro_f1(true, output))
    assert result.matthews == matthews(true, output) == pytest.approx(reference.matthews(true, output, classes))


def test_matthews_of_the_usual_formula_for_two():
    tp, fp, fn, tn = 6, 3, 1, 10
    true = [1] * tp + [0] * fp + [1] * fn + [0] * tn
    output = [1] * tp + [1] * fp + [0] * fn + [0] * tn
    expected = (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert matthews(true, output) == pytest.approx(expected)
    assert matthews(true, true) == pytest.approx(1) and matthews([0, 1], [1, 0]) == pytest.approx(-1)
    assert matthews([0, 1, 1], [1, 1, 1]) == 0 == matthews([1, 1], [1, 1])


def test_classes_that_do_not_occur_are_not_in_the_mean():
    result = classification_report([0, 1], [0, 1], labels=["a", "b", "c"])
    assert result.macro_f1 == 1 and result.f1.tolist() == [1, 1, 0] and result.support.tolist() == [1, 1, 0]
    only_said = classification_report([0, 0], [0, 2], labels=["a", "b", "c"])
    assert only_said.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_names_bytes_and_numbers_mean_the_same():
    names = classification_report([b"b", b"a", b"b"], np.array(["b", "b", "b"]), labels=["b", "a"])
    numbers = classification_report([0, 1, 0], [0, 0, 0], labels=["b", "a"])
    assert names.as_dict() == numbers.as_dict() and names.labels == ("b", "a")
    assert classification_report([2, 0], [0, 0]).labels == ("0", "1", "2")


def test_calibration_and_log_loss():
    chances = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8], [0.55, 0.45]])
    true = np.array([0, 1, 1, 0, 0])
    result = classification_report(true, chances.argmax(axis=1), probabilities=chances, bins=5)
    expected = reference.calibration_error(chances.max(axis=1), chances.argmax(axis=1) == true, 5)
    assert result.ece == pytest.approx(expected) and expected > 0.1
    assert result.log_loss == pytest.approx(-np.log([0.9, 0.4, 0.7, 0.2, 0.55]).mean())
    assert str(classification_report([0, 1], [0, 1], probabilities=np.eye(2)).log_loss) == "0.0"  # not -0.0
    assert classification_report([0], [1], probabilities=[[0.0, 1.0]]).log_loss == pytest.approx(-np.log(1e-15))


def every_draw(true, output, score):
    """All N^N resamples, each as likely -> {value: probability}."""
    result = {}
    for positions in itertools.product(range(len(true)), repeat=len(true)):
        value = round(score([true[i] for i in positions], [output[i] for i in positions]), 9)
        result[value] = result.get(value, 0) + len(true) ** -len(true)
    return result


def test_the_draws_have_the_law_of_drawing_examples():
    from tfllm.evaluation import bootstrap

    true, output = [0, 0, 1, 2, 0], [0, 1, 1, 0, 0]
    drawn = {}

    def keep(counts, scores, resamples=None, seed=None):
        for piece in bootstrap.draws(counts, 40_000, seed=1):
            for name, values in scores(piece).items():
                drawn.setdefault(name, []).extend(np.round(values, 9).tolist())
        return dict.fromkeys(drawn, (0.0, 1.0))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tfllm.evaluation.bootstrap.intervals", keep)
        classification_report(true, output)
    for name, score in (("accuracy", reference.accuracy), ("macro_f1", reference.macro_f1)):
        law = every_draw(true, output, score)
        values, counts = np.unique(drawn[name], return_counts=True)
        assert set(values.tolist()) <= set(law)
        shares = dict(zip(values.tolist(), counts / 40_000, strict=True))
        assert max(abs(shares.get(value, 0) - chance) for value, chance in law.items()) < 0.01


def test_intervals_hold_the_score_shrink_and_repeat():
    true, output = [0, 1, 0, 1, 1, 0, 0, 1] * 4, [0, 1, 1, 1, 1, 0, 0, 0] * 4
    few, many = classification_report(true, output), classification_report(true * 25, output * 25)
    for report in (few, many):
        for name in ("accuracy", "macro_f1"):
            low, high = report.intervals[name]
            assert low < getattr(report, name) < high
    width = few.intervals["accuracy"][1] - few.intervals["accuracy"][0]
    assert width == pytest.approx(2 * 1.96 * np.sqrt(0.75 * 0.25 / 32), rel=0.15)  # the binomial's
    assert (many.intervals["accuracy"][1] - many.intervals["accuracy"][0]) == pytest.approx(width / 5, rel=0.15)
    assert classification_report(true, output).intervals == few.intervals
    assert classification_report(true, output, seed=7).intervals != few.intervals
    assert classification_report(true, true).intervals == {"accuracy": (1, 1), "macro_f1": (1, 1)}


def test_many_classes_are_drawn_piece_by_piece(monkeypatch):
    draw = np.random.default_rng(1)
    true, output = draw.integers(0, 50, 300), draw.integers(0, 50, 300)
    whole = classification_report(true, output).intervals
    monkeypatch.setattr("tfllm.evaluation.bootstrap.TOGETHER", 1000)
    assert classification_report(true, output).intervals == whole


def test_the_table():
    chances = np.full((6, 3), 1 / 3)
    lines = str(classification_report(TRUE, SAID, probabilities=chances)).splitlines()
    assert lines[0].split() == ["precision", "recall", "f1", "support"]
    assert lines[1].split() == ["cat", "0.6667", "0.6667", "0.6667", "3"]
    assert lines[3].split() == ["猫猫", "1.0000", "1.0000", "1.0000", "1"]
    assert len(lines[1]) == len(lines[0]) == len(lines[3]) + 2  # its letters are two wide
    output = "\n".join(lines)
    assert "accuracy 0.6667 [" in output and "] of 6" in output and "macro F1 0.7222 [" in output
    assert "log loss 1.0986; expected calibration error 0.3333" in output
    assert [line.split() for line in lines[-4:]] == [
        ["true", "\\", "predicted", "cat", "dog", "猫猫"], ["cat", "2", "1", "0"], ["dog", "1", "1", "0"],
        ["猫猫", "0", "0", "1"],
    ]  # fmt: skip
    assert "predicted" not in str(classification_report(range(20), range(20)))  # too wide for a screen


def test_as_dict_is_json():
    result = classification_report(TRUE, SAID, probabilities=np.full((6, 3), 1 / 3)).as_dict()
    assert json.loads(json.dumps(result)) == result
    assert result["classes"]["dog"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert result["confusion"] == [[2, 1, 0], [1, 1, 0], [0, 0, 1]] and result["examples"] == 6
    assert "ece" not in classification_report(TRUE, SAID).as_dict()


@pytest.mark.parametrize(
    "true, output, options, message",
    [
        ([0, 1], [0], {}, "y_true has 2 examples but y_pred has 1"),
        ([], [], {}, "nothing to score"),
        ([0.5, 1], [0, 1], {}, "y_true: expected class numbers or names"),
        ([[0, 1]], [[0, 1]], {}, "y_true: expected class numbers or names"),
        (["a"], [0], {}, "both as names or both as class numbers"),
        (["a", "b"], ["a", "c"], {"labels": ["a", "b"]}, "'c' is not one of the labels 'a', 'b'"),
        ([0, 2], [0, 1], {"labels": ["a", "b"]}, "class numbers from 0 to 1; got 0 to 2"),
        ([0, -1], [0, 1], {"labels": ["a", "b"]}, "got -1 to 0"),
        ([0, 1], [0, 1], {"labels": ["a", "a"]}, "unique name"),
        ([0, 1], [0, 1], {"probabilities": [[0.5, 0.5]]}, r"expected the shape \(2, 2\)"),
        ([0, 1], [0, 1], {"probabilities": [[2.0, -1.0], [0, 1]]}, "Are they logits"),
        ([0, 1], [0, 1], {"probabilities": [[0.5, 0.9], [0, 1]]}, "rows that sum to 1"),
        ([0, 1], [0, 1], {"probabilities": [[0.5, np.nan], [0, 1]]}, "Are they logits"),
        ([0, 1], [0, 1], {"probabilities": np.eye(2), "bins": 0}, "bins must be at least 1"),
    ],
)
def test_faults(true, output, options, message):
    with pytest.raises(ValueError, match=message):
        classification_report(true, output, **options)
