"""The interval of a share against scipy."""

import numpy as np
import pytest
from scipy import stats

from tfllm.evaluation.wilson import wilson


@pytest.mark.parametrize("count, total", [(0, 7), (3, 10), (50, 50), (1, 2000)])
def test_interval(count, total):
    expected = stats.binomtest(count, total).proportion_ci(0.95, method="wilson")
    assert wilson(count, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("total", [1, 64, 100])
def test_the_ends_of_none_and_of_all_are_exact(total):
    assert wilson(0, total)[0] == 0 and wilson(total, total)[1] == 1


def test_of_nothing():
    assert np.isnan(wilson(0, 0)).all()
