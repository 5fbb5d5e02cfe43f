"""The built-in labelled corpus: its labels, its shares, and that no paragraph is in two splits."""

import itertools

import pytest

from tfllm.data import python_paragraphs
from tfllm.data.paragraphs import TENTHS, TOPICS


@pytest.fixture(scope="module")
def splits():
    return {
        split: [(r["text"].decode(), r["label"].decode()) for r in python_paragraphs(split).as_numpy_iterator()]
        for split in TENTHS
    }


def test_every_label_is_in_every_split(splits):
    for records in splits.values():
        assert {label for _, label in records} == set(TOPICS)


def test_shares(splits):
    sizes = {split: len(records) for split, records in splits.items()}
    total = sum(sizes.values())
    assert total > 800
    assert 0.07 < sizes["valid"] / total < 0.13 and 0.07 < sizes["test"] / total < 0.13


def test_no_paragraph_is_in_two_splits_or_twice(splits):
    texts = [text for text, _ in itertools.chain.from_iterable(splits.values())]
    assert len(texts) == len(set(texts))


def test_the_label_is_the_topic_it_stands_in(splits):
    from pydoc_data.topics import topics

    plain = {topic: " ".join(topics[topic].split()) for topic in TOPICS}
    for text, label in itertools.chain.from_iterable(splits.values()):
        assert text in plain[label]


def test_an_unknown_split_is_named():
    with pytest.raises(ValueError, match="one of test, train, valid; got 'dev'"):
        python_paragraphs("dev")
