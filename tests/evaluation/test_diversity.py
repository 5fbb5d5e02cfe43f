"""Diversity against counts by hand and against plain loops over all pairs of places."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfllm.evaluation import distinct, diversity, entropy


def test_counts_by_hand():
    """7 tokens: i do not know . / i do; of them 5 different, and the pairs "i do", "do not", "not know", "know ."."""
    texts = ["I do not know.", "i DO"]
    assert distinct(texts, 1) == 5 / 7 and distinct(texts, 2) == 4 / 7
    assert distinct(["a a a a"], 1) == 1 / 4 and distinct(["a"], 2) == 0
    assert distinct(["don't"], 1) == 1 and distinct(["« oui »"], 1) == 1


def test_chinese_by_characters():
    """我不知道 / 我知道了: 8 characters, 5 different; pairs 我不 不知 知道 | 我知 知道 道了: 5 different."""
    texts = ["我不知道", "我知道了"]
    assert distinct(texts, 1) == 5 / 8 and distinct(texts, 2) == 5 / 8
    assert distinct(["GPT很好，很 好"], 1) == 4 / 6  # gpt 很 好 ，
    assert distinct(["मैं हिन्दी हिन्दी"], 1) == 2 / 3  # marks are of their words
    assert distinct(["กากา"], 1) == 2 / 4 and distinct(["❤\ufe0f ❤"], 1) == 1 / 2


def loops(texts, n):
    """(different n-grams, all n-grams, how often each comes), by comparing each with each."""
    grams = [words[i : i + n] for words in map(str.split, texts) for i in range(len(words) - n + 1)]
    counts = [sum(other == gram for other in grams) for gram in grams]
    first = [all(grams[j] != gram for j in range(i)) for i, gram in enumerate(grams)]
    return sum(first), len(grams), counts


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=7).map(" ".join), max_size=5), st.integers(1, 4))
def test_equal_to_loops(texts, n):
    different, size, counts = loops(texts, n)
    words = sum(len(text.split()) for text in texts)
    assert distinct(texts, n) == pytest.approx(different / words if words else math.nan, nan_ok=True)
    mean = -sum(math.log(count / size) for count in counts) / size if size else math.nan
    assert entropy(texts, n) == pytest.approx(mean, abs=1e-12, nan_ok=True)


def test_all_measures():
    result = diversity(["a b c d", "a b c d", "a"])
    assert result.as_dict() == {
        "distinct1": 4 / 9, "distinct2": 3 / 9, "entropy4": 0.0, "different": 2 / 3, "length": 3.0, "texts": 3,
    }  # fmt: skip
    assert str(result) == (
        "distinct-1 0.4444, distinct-2 0.3333, entropy-4 0.00, 66.7% of 3 texts different, 3.0 tokens each"
    )
    assert math.isnan(diversity([""]).distinct1)


@pytest.mark.parametrize(
    "texts, output",
    [("abc", "got one string"), ([b"a"], "item 0: expected str, got bytes"), ([], "nothing to score")],
)
def test_errors_say_what_to_do(texts, output):
    with pytest.raises(ValueError, match=output):
        diversity(texts)


def test_n_is_one_or_more():
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        distinct(["a"], 0)
