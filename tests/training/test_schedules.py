"""Schedules against their formulas in plain Python."""

import math

import keras
import numpy as np
import pytest

from tfllm.training import Constant, Cosine, InverseRoot, Linear

ALL = [Constant(0.1, 4), Cosine(0.1, 4, 12), InverseRoot(0.1, 4), Linear(0.1, 4, 12)]


def rates(schedule, count):
    return [float(schedule(step)) for step in range(count)]


def test_the_paper():
    def equation_3(step, d_model, warmup):  # Vaswani et al. 2017, steps counted from 1
        return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)

    expected = [equation_3(step, 512, 7) for step in range(1, 40)]
    np.testing.assert_allclose(rates(InverseRoot.of_width(512, 7), 39), expected, rtol=1e-6)


def test_inverse_root_by_its_peak():
    schedule = InverseRoot(0.005, 2000)
    assert float(schedule(1999)) == pytest.approx(0.005)
    assert float(schedule(999)) == pytest.approx(0.0025)
    assert float(schedule(7999)) == pytest.approx(0.0025)
    assert float(schedule(0)) == pytest.approx(0.005 / 2000)


def test_linear_cosine_and_constant():
    rise = [0.025, 0.05, 0.075, 0.1]
    np.testing.assert_allclose(rates(Constant(0.1, 4), 6), rise + [0.1] * 2, rtol=1e-6)
    fall = [0.1 * (1 - k / 8) for k in range(1, 9)] + [0.0] * 3
    np.testing.assert_allclose(rates(Linear(0.1, 4, 12), 15), rise + fall, rtol=1e-6, atol=1e-9)
    fall = [0.05 * (1 + math.cos(math.pi * k / 8)) for k in range(1, 9)] + [0.0] * 3
    np.testing.assert_allclose(rates(Cosine(0.1, 4, 12), 15), rise + fall, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("kind", [Constant, InverseRoot])
def test_without_warmup_the_first_step_is_the_peak(kind):
    assert float(kind(0.1, 0)(0)) == pytest.approx(0.1)


@pytest.mark.parametrize("schedule", ALL, ids=lambda schedule: type(schedule).__name__)
def test_saved_and_loaded(schedule):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert type(again) is type(schedule) and rates(again, 15) == rates(schedule, 15)
