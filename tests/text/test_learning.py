"""Sampling of long texts."""

import collections

from tfllm.text.learning import sample


def test_a_sample_is_even_repeatable_and_exact():
    assert sample(iter(range(5)), 9) == list(range(5))
    kept = sample(iter(range(20_000)), 2_000)
    assert len(set(kept)) == 2_000 and kept == sample(iter(range(20_000)), 2_000)
    tenths = collections.Counter(line // 2_000 for line in kept)
    assert all(140 < tenths[i] < 260 for i in range(10))  # 200 expected, deviation 13
