"""The manual's topics: which splits there are, and that nothing is in two of them."""

import pytest

from tfllm.data import python_topics
from tfllm.data.topics import SHARES


def texts(split):
    return {r["topic"].decode(): r["text"].decode() for r in python_topics(split).as_numpy_iterator()}


def paragraphs(split):
    return {part.strip() for text in texts(split).values() for part in text.split("\n\n")}


def test_splits_are_disjoint_by_topic_and_by_paragraph():
    for a, b in (("train", "valid"), ("train", "test"), ("valid", "test")):
        assert not texts(a).keys() & texts(b).keys()
        assert not paragraphs(a) & paragraphs(b)


def test_their_shares_of_the_text():
    sizes = {split: sum(map(len, texts(split).values())) for split in SHARES}
    total = sum(sizes.values())
    assert total > 200_000
    assert 0.08 < sizes["valid"] / total <= 0.1 and 0.08 < sizes["test"] / total <= 0.1
    assert len(texts("train")) > 20


def test_it_is_the_text_of_this_python():
    from pydoc_data.topics import topics

    for split in SHARES:
        for name, text in texts(split).items():
            assert all(part in topics[name] for part in text.strip("\n").split("\n\n"))
            assert 2 * len(text) > len(topics[name])


def test_an_unknown_split_is_named():
    with pytest.raises(ValueError, match="one of test, train, valid; got 'dev'"):
        python_topics("dev")
