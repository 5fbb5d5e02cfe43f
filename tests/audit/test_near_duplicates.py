"""Near duplicates against all pairs, one by one."""

import re

import numpy as np
import pytest

from tfllm.audit import NearDuplicates, near_duplicates
from tfllm.audit.near_duplicates import CROWD, PERMUTATIONS, bands, equal, jaccard, shingles

pytest.importorskip("datasketch")


def grams(text):
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)} or {tuple(words)}


def similarity(a, b):
    return len(grams(a) & grams(b)) / len(grams(a) | grams(b))


@pytest.fixture(scope="module")
def texts():
    """Sentences of 30 words, and copies with few words replaced."""
    draw, result = np.random.default_rng(3), []
    for _ in range(40):
        words = [f"w{i}" for i in draw.integers(0, 500, 30)]
        result.append(" ".join(words))
        for changed in (1, 2, 6):
            other = list(words)
            for place in draw.integers(0, 30, changed):
                other[place] = "changed"
            result.append(" ".join(other))
    return [result[i] for i in draw.permutation(len(result))]


@pytest.mark.parametrize("threshold", [0.6, 0.8])
def test_all_pairs_are_found(texts, threshold):
    expected = {}
    for i, text in enumerate(texts):
        scores = [similarity(text, other) for other in texts[:i]]
        if scores and max(scores) >= threshold:
            expected[i] = max(scores)
    result = NearDuplicates(texts, threshold).matches
    assert len(expected) > 20
    assert {i: similarity(texts[i], texts[j]) for i, (j, _) in result.items()} == pytest.approx(expected)
    assert {i: score for i, (_, score) in result.items()} == pytest.approx(expected)


def test_other_texts_are_compared_with_the_set(texts):
    known, others = texts[:80], texts[80:]
    result = NearDuplicates(known, 0.8).find(others)
    expected = {i for i, text in enumerate(others) if max(similarity(text, one) for one in known) >= 0.8}
    assert set(result) == expected and expected


def test_texts_with_long_parts_in_common_are_not_all_compared(monkeypatch):
    """Forms: 40 words are the same in all, and another 3, 16 or 40 words are their own."""
    draw, form = np.random.default_rng(1), " ".join(f"f{i}" for i in range(40))
    compared = []
    monkeypatch.setattr(near_duplicates, "jaccard", lambda a, b: compared.append(1) or jaccard(a, b))
    for own, expected in ((3, 599), (16, 0), (40, 0)):
        filled = [f"{form} {' '.join(f'w{i}' for i in draw.integers(0, 5000, own))}" for _ in range(600)]
        compared.clear()
        assert len(NearDuplicates(filled).matches) == expected
        assert len(compared) < 600 * 12 * CROWD / 3  # of 600 * 599 / 2 pairs
    copies = [*filled, *filled[:3]]  # not lost in the crowd
    assert NearDuplicates(copies).find([text + " more" for text in filled[-3:]]).keys() == {0, 1, 2}
    assert NearDuplicates(copies).matches == {600: (0, 1.0), 601: (1, 1.0), 602: (2, 1.0)}


def test_case_and_punctuation_are_ignored_and_blank_texts_never_match():
    result = NearDuplicates(["A cat, a dog.", "", "a CAT a dog", "!!", "!!", "no", "No."]).matches
    assert result == {2: (0, 1.0), 6: (5, 1.0)}
    assert shingles("我喜欢电脑") == {"我 喜 欢", "喜 欢 电", "欢 电 脑"}


def test_equal_texts():
    assert equal(["a", "b", "a", "a"]) == {2: 0, 3: 0}
    assert equal(["x", "b", "b"], ["a", "b", "b"]) == {1: 1, 2: 1}


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.8, 0.95, 1.0])
def test_bands_miss_few_pairs_at_the_threshold(threshold):
    count, rows = bands(threshold)
    assert count * rows <= PERMUTATIONS
    assert all((1 - threshold**longer) ** (64 // longer) > 0.01 for longer in range(rows + 1, 33))
    drawn = np.random.default_rng(0).random((2000, count, rows)) < threshold  # equal positions of two signatures
    assert drawn.all(axis=2).any(axis=1).mean() > 0.98 or rows == 1


def test_a_threshold_outside_0_to_1_is_refused():
    with pytest.raises(ValueError, match="threshold must be above 0"):
        NearDuplicates(["a"], 0)
