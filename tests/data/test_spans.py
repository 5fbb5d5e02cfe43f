"""Span corruption by its laws and statistics, and against all ways to place the gaps of a short text."""

import itertools
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from tfllm.data.spans import corrupted, gaps, widths

SENTINEL = 1000
SIZES = np.array([1, 2, 3, 7, 20, 21, 60, 99, 100] * 20, "int32")


def rows(sizes, length=100):
    position = np.arange(length)
    return np.where(position < sizes[:, None], position + 1, 0).astype("int32")


def test_source_and_target_together_are_the_text():
    sources, targets = corrupted(rows(SIZES), SIZES, [1, 2], SENTINEL)
    for size, source, target in zip(SIZES, sources.to_list(), targets.to_list(), strict=True):
        marks = [token for token in source if token >= SENTINEL]
        assert marks == [token for token in target if token >= SENTINEL] == list(range(SENTINEL, SENTINEL + len(marks)))
        missing = {}
        for token in target:
            if token >= SENTINEL:
                missing[token] = last = []
            else:
                last.append(token)
        assert all(missing.values())  # no gap is empty
        whole = [part for token in source for part in (missing[token] if token >= SENTINEL else [token])]
        assert whole == list(range(1, size + 1))


def test_lengths_are_known_before_the_spans_are_drawn():
    for seed in ([1, 2], [1, 3]):
        result = corrupted(rows(SIZES), SIZES, seed, SENTINEL)
        for part, size in zip(result, widths(SIZES, 0.15, 3.0), strict=True):
            np.testing.assert_array_equal(part.row_lengths(), size)


@pytest.mark.parametrize("rate, span", [(0.15, 3.0), (0.5, 5.0)])
def test_rates_and_spans_are_those_asked_for(rate, span):
    sizes = np.full(1000, 200, "int32")
    noise = gaps(sizes, 200, [5, 6], rate, span).numpy()
    count = (np.diff(noise.astype(int), axis=1, prepend=0) == 1).sum()
    assert abs(noise.mean() - rate) < 0.01 * rate
    assert abs(noise.sum() / count - span) < 0.01 * span
    assert abs(noise.mean(0)[20:-20] - rate).max() < 0.07  # every place alike
    assert noise[:, 0].any() and noise[:, -1].any()


def test_all_ways_to_place_two_gaps_are_alike():
    """Of 7 tokens 4 are left out in two gaps: the masks that have so many, counted by hand."""
    ways = []
    for mask in itertools.product([0, 1], repeat=7):
        runs = [key for key, _ in itertools.groupby(mask)]
        if sum(mask) == 4 and runs.count(1) == 2:
            ways.append(mask)
    drawn = gaps(tf.fill([9000], 7), 7, [1, 1], 0.6, 2.0).numpy().astype(int)
    counts = Counter(map(tuple, drawn))
    assert set(counts) == set(ways) and len(ways) == 18
    assert max(abs(count - 500) for count in counts.values()) < 5 * np.sqrt(500)


def test_seeds():
    first, again, other = (corrupted(rows(SIZES), SIZES, seed, SENTINEL)[0] for seed in ([1, 2], [1, 2], [1, 3]))
    assert first.to_list() == again.to_list() != other.to_list()


def test_a_text_of_one_token_has_no_gap_and_none_is_nothing():
    sources, targets = corrupted(rows(np.array([1, 0])), tf.constant([1, 0]), [1, 2], SENTINEL)
    assert (sources.to_list(), targets.to_list()) == ([[1], []], [[], []])
