"""Figures of faithfulness, against sums that are known."""

from dataclasses import dataclass

import numpy as np
import pytest

from tfllm.explain import Faithfulness, faithfulness


@dataclass
class Additive:
    """f = Σ of the weights of the tokens that stay."""

    weights: tuple
    targets: tuple = ("x",)
    measured: str = "probability"

    @property
    def size(self):
        return len(self.weights)

    def changed(self, **fields):
        return self

    def values(self, keep, removal=None):
        return np.asarray(keep, float) @ np.array(self.weights)[:, None]


def test_curves_and_figures_of_a_sum():
    found = faithfulness(Additive((0.1, 0.5, 0.3, 0.1)), [0.0, 3.0, 2.0, -1.0])
    np.testing.assert_allclose(found.own.deletion, [1, 0.5, 0.2, 0.1, 0])
    np.testing.assert_allclose(found.own.insertion, [0, 0.5, 0.8, 0.9, 1])
    # 1, 5, 10 and 20 % of four tokens are one token, 50 % are two
    np.testing.assert_allclose(found.own.comprehensiveness, (4 * 0.5 + 0.8) / 5)
    np.testing.assert_allclose(found.own.sufficiency, (4 * 0.5 + 0.2) / 5)
    np.testing.assert_allclose(found.own.deletion_area, np.trapezoid([1, 0.5, 0.2, 0.1, 0]) / 4)
    np.testing.assert_allclose(found.own.insertion_area, np.trapezoid([0, 0.5, 0.8, 0.9, 1]) / 4)


def test_many_random_orders_are_straight_lines():
    found = faithfulness(Additive((0.4, 0.3, 0.2, 0.1)), [4, 3, 2, 1], orders=4000)
    np.testing.assert_allclose(found.random.deletion, [1, 0.75, 0.5, 0.25, 0], atol=0.01)
    np.testing.assert_allclose(found.random.insertion, [0, 0.25, 0.5, 0.75, 1], atol=0.01)
    assert found.own.comprehensiveness > found.random.comprehensiveness
    assert "comprehensiveness 0.460 (random 0.3" in str(found)
    assert isinstance(found, Faithfulness) and found.as_dict()["deletion"] == found.own.deletion.tolist()


def test_one_token_and_several_numbers():
    found = faithfulness(Additive((0.7,)), [1.0])
    assert (found.own.comprehensiveness, found.own.sufficiency) == (0.7, 0.0)
    with pytest.raises(ValueError, match="needs one number; this subject has 2"):
        faithfulness(Additive((1,), ("x", "y")), [1.0])
