"""Cleaning against a loop that reads like the documentation, and by hand."""

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfllm.data import clean


def records(*pairs):
    sources, targets = zip(*pairs, strict=True)
    return tf.data.Dataset.from_tensor_slices({"target": list(targets), "source": list(sources)})


def pairs(dataset):
    result = [(r["source"].decode(), r["target"].decode()) for r in dataset.as_numpy_iterator()]
    assert dataset.cardinality() == len(result)
    return result


def test_each_reason_by_hand():
    given = [("a b", "a b"), ("", "a"), ("a b c d", "a b"), ("a", "a b c"), ("a b", "a b"), ("a  b", "a b")]
    kept, dropped = clean(records(*given), max_length=3, max_ratio=2, repeats=False)
    assert pairs(kept) == [("a b", "a b"), ("a  b", "a b")]  # a pair that differs in spaces is another pair
    assert dropped == {"short": 1, "long": 1, "ratio": 1, "repeat": 1}


def test_characters():
    kept, dropped = clean(records(("你好吗", "äöü"), ("你", "fine")), unit="characters", max_length=3)
    assert pairs(kept) == [("你好吗", "äöü")] and dropped["long"] == 1


words = st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=5).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(words, words), min_size=1), st.integers(0, 2), st.integers(2, 4), st.floats(1, 4))
def test_against_a_loop(given, shortest, longest, ratio):
    expected = []
    for source, target in given:
        few, many = sorted([len(source.split()), len(target.split())])
        if few >= shortest and many <= longest and many <= ratio * few and (source, target) not in expected:
            expected.append((source, target))
    limits = {"min_length": shortest, "max_length": longest, "max_ratio": ratio, "repeats": False}
    if expected:
        kept, dropped = clean(records(*given), **limits)
        assert pairs(kept) == expected and len(expected) + sum(dropped.values()) == len(given)
    else:
        with pytest.raises(ValueError, match="dropped every record"):
            clean(records(*given), **limits)


def test_no_limits_keep_everything_and_other_fields():
    texts = tf.data.Dataset.from_tensor_slices({"text": [b"", b"\xff " * 3000], "label": ["", "1"]})
    kept, dropped = clean(texts, fields=["text"], min_length=0, max_length=None, max_ratio=None)
    assert [r["text"] for r in kept.as_numpy_iterator()] == [b"", b"\xff " * 3000]
    assert sum(dropped.values()) == 0


@pytest.mark.parametrize(
    "wrong, output",
    [
        ({"unit": "bytes"}, "words or characters; got 'bytes'"),
        ({"min_length": 5, "max_length": 4}, "min_length <= max_length; got 5 and 4"),
        ({"min_length": -1}, "got -1 and 100"),
        ({"max_ratio": 0.5}, "at least 1.* got 0.5"),
        ({"fields": ["text"]}, r"have \['source', 'target'\], not \['text'\]"),
    ],
)
def test_wrong_limits(wrong, output):
    with pytest.raises(ValueError, match=output):
        clean(records(("a", "b")), **wrong)
