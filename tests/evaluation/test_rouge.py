"""ROUGE against counts by hand, in English and Chinese; its interval against all draws."""

import itertools
import sys

import numpy as np
import pytest

pytest.importorskip("rouge_score")
from tfllm.evaluation import rouge  # noqa: E402


def f1(hits, said, reference):
    """In percent, of counts."""
    return 100 * 2 * hits / (said + reference)


def test_it_counts_words_pairs_and_the_longest_common_sequence():
    """the cat was found under the bed / the cat was under the bed: Lin's measures by hand."""
    found = rouge(["the cat was found under the bed"], ["The cat was under the bed."], stemming=False)
    assert found.as_dict() == pytest.approx({"rouge1": f1(6, 7, 6), "rouge2": f1(4, 6, 5), "rougeL": f1(6, 7, 6)})
    swapped = rouge(["bed the under was cat the"], ["the cat was under the bed"], stemming=False)
    assert swapped.as_dict() == pytest.approx({"rouge1": 100, "rouge2": 0, "rougeL": f1(3, 6, 6)})


def test_stems_are_equal_on_request():
    assert rouge(["he jumps"], ["he jumped"]).rouge1.value == pytest.approx(100)
    assert rouge(["he jumps"], ["he jumped"], stemming=False).rouge1.value == pytest.approx(50)


def test_chinese_by_characters():
    """北京 in common, of 4 and 6 characters; numbers and Latin words are whole."""
    found = rouge(["北京下雨"], ["昨天北京大雨"], tokens="characters")
    assert found.as_dict() == pytest.approx({"rouge1": f1(3, 4, 6), "rouge2": f1(1, 3, 5), "rougeL": f1(3, 4, 6)})
    mixed = rouge(["GPT-4在2023年发布"], ["gpt 4 2024 发布"], tokens="characters")
    assert mixed.rouge1.value == pytest.approx(f1(4, 7, 5))
    assert rouge(["北京 下 雨"], ["北京下雨"], tokens="characters").rougeL.value == pytest.approx(100)
    assert rouge(["北京"], ["北京"]).rouge1.value == 0  # rouge-score's own tokens


def test_the_interval_is_that_of_all_draws():
    said, references = ["a b c d", "a x", "q"], ["a b c d", "a b", "z"]
    found = rouge(said, references, stemming=False, resamples=4000).rouge1
    values = np.array([100, 50, 0])
    means = sorted(np.mean(values[list(draw)]) for draw in itertools.product(range(3), repeat=3))
    assert (found.low, found.high) == (pytest.approx(means[0], abs=1), pytest.approx(means[-1], abs=1))
    assert found.value == pytest.approx(50)
    assert str(found).startswith("ROUGE-1 50.00 [0.00, 100.00] n:3|tokens:words|stemming:no|interval:bootstrap|rouge")


def test_the_mean_is_over_summaries():
    found = rouge(["a b", "c"], ["a b", "d"], stemming=False)
    assert found.rouge1.value == pytest.approx(50) and len(str(found).splitlines()) == 3


@pytest.mark.parametrize(
    "said, references, options, told",
    [
        ("a", ["a"], {}, "summaries: expected a list of strings"),
        (["a"], [], {}, "1 summaries but 0 references"),
        ([], [], {}, "nothing to score"),
        (["a"], [b"a"], {}, "item 0: expected str, got bytes"),
        (["a"], ["a"], {"tokens": "letters"}, "'words' or 'characters'; got 'letters'"),
    ],
)
def test_errors_say_what_to_do(said, references, options, told):
    with pytest.raises(ValueError, match=told):
        rouge(said, references, **options)


def test_without_rouge_score_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "rouge_score", None)
    with pytest.raises(ImportError, match=r"pip install 'tfllm\[eval\]'"):
        rouge(["a"], ["a"])
