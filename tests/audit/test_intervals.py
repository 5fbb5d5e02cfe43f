"""Intervals and tests against scipy and against their definitions."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from tfllm.audit.intervals import bootstrap_mean, holm, sign_flip

VALUES = np.random.default_rng(0).normal(0.3, 1, 40)


def test_bootstrap_of_a_mean():
    expected = stats.bootstrap((VALUES,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    assert bootstrap_mean(VALUES) == pytest.approx((expected.low, expected.high), abs=0.03)


@pytest.mark.parametrize("size, tolerance", [(2, 1e-12), (10, 1e-12), (40, 0.02)])
def test_sign_flips(size, tolerance):
    expected = stats.permutation_test(
        (VALUES[:size],), np.mean, permutation_type="samples", n_resamples=4000, rng=1
    ).pvalue
    assert sign_flip(VALUES[:size]) == pytest.approx(expected, abs=tolerance)
    assert sign_flip(np.zeros(size)) == pytest.approx(1)


def test_holm_is_the_closed_test_of_bonferroni():
    """A hypothesis is rejected if every set of hypotheses that has it is rejected by Bonferroni."""
    p = [0.01, 0.04, 0.03, 0.005, 0.9]
    for i, corrected in enumerate(holm(p)):
        sets = [one for size in range(1, 6) for one in combinations(range(5), size) if i in one]
        assert corrected == pytest.approx(min(1, max(len(one) * min(p[j] for j in one) for one in sets)))
