"""Pairs of segments by their statistics and laws, and sentences by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tfllm.data.sentence_pairs import pairs, sentences, split_long


def corpus(documents=4000, seed=0):
    """Documents of 1 to 12 sentences of 1 to 40 tokens: (sizes [S], document of each [S])."""
    draw = np.random.default_rng(seed)
    number = np.repeat(np.arange(documents), draw.integers(1, 13, documents))
    return draw.integers(1, 41, len(number)), number


def owners(sizes, documents, positions):
    """The document that each place among all tokens is in."""
    return documents[np.searchsorted(np.cumsum(sizes), positions, side="right")]


@pytest.fixture(scope="module")
def made():
    sizes, documents = corpus()
    return sizes, documents, *pairs(sizes, documents, 64, np.random.default_rng(1))


def test_half_the_pairs_follow_on_and_no_negative_is_of_the_same_document(made):
    sizes, documents, first, second, follows = made
    assert len(follows) > 8000 and abs(follows.mean() - 0.5) < 0.01
    assert (first[follows, 1] == second[follows, 0]).all()
    one, other = owners(sizes, documents, first[:, 0]), owners(sizes, documents, second[:, 0])
    np.testing.assert_array_equal(one == other, follows)
    for part in (first, second):  # no segment runs over the end of its document
        assert (part[:, 1] > part[:, 0]).all()
        np.testing.assert_array_equal(owners(sizes, documents, part[:, 0]), owners(sizes, documents, part[:, 1] - 1))


def test_pairs_fill_the_length_or_their_document_ends(made):
    sizes, documents, first, second, follows = made
    total = (first[:, 1] - first[:, 0]) + (second[:, 1] - second[:, 0])
    assert total.max() == 64
    ends = np.cumsum(np.bincount(documents, sizes))  # of the documents
    ended = second[:, 1] == ends[owners(sizes, documents, second[:, 0])]
    short = (total < 64) & ~ended  # on purpose
    assert 0.05 < short.mean() < 0.1


def test_segments_are_whole_sentences_but_where_one_is_all_there_is(made):
    sizes, _, first, second, _ = made
    begins = np.concatenate([[0], np.cumsum(sizes)])
    assert np.isin(first[:, 0], begins).all()
    assert np.isin(second[:, 0], begins).mean() > 0.8


def test_the_beginning_of_a_second_segment_does_not_tell_the_label(made):
    """First sentences of documents, and halves of sentences, are as frequent in both."""
    sizes, documents, _, second, follows = made
    begins = np.concatenate([[0], np.cumsum(sizes)])
    half = ~np.isin(second[:, 0], begins)
    assert abs(half[follows].mean() - half[~follows].mean()) < 0.02
    of_documents = np.concatenate([[0], np.cumsum(np.bincount(documents, sizes))])
    assert not np.isin(second[:, 0], of_documents).any()


def test_one_sentence_a_document_is_enough():
    first, second, follows = pairs([10, 7, 1, 30], [0, 1, 2, 3], 20, np.random.default_rng(0))
    assert set(map(tuple, np.stack([first[:, 0], first[:, 1]], 1))) and (first[:, 0][:, None] != 17).all()  # one token
    np.testing.assert_array_equal(second[follows, 0], first[follows, 1])


@pytest.mark.parametrize("sizes, documents", [([5, 6, 7], [0, 0, 0]), ([], []), ([1, 1], [0, 1]), ([0, 4], [0, 1])])
def test_without_a_second_document_there_is_no_pair(sizes, documents):
    first, second, follows = pairs(sizes, documents, 20, np.random.default_rng(0))
    assert first.shape == second.shape == (0, 2) and follows.shape == (0,)


def test_seeds():
    def made(seed):
        return np.concatenate([part.ravel() for part in pairs(*corpus(50), 64, np.random.default_rng(seed))])

    np.testing.assert_array_equal(made(1), made(1))
    assert not np.array_equal(made(1), made(2))


def test_long_sentences_are_several():
    sizes, documents = split_long(np.array([5, 20, 21, 1]), np.array([0, 0, 1, 2]), 10)
    assert sizes.tolist() == [5, 10, 10, 10, 10, 1, 1] and documents.tolist() == [0, 0, 0, 1, 1, 1, 2]
    first, second, _ = pairs([500, 500], [0, 1], 16, np.random.default_rng(0))
    assert len(first) > 60 and (second[:, 1] - second[:, 0]).max() < 16


@pytest.mark.parametrize(
    "text, expected",
    [
        ("It rains. Does it? \"Yes!\" He left", ["It rains.", "Does it?", "\"Yes!\"", "He left"]),
        ("see e.g. this one, v. 2.0 of it", ["see e.g. this one, v.", "2.0 of it"]),
        ("a line\nbreak\n \nA paragraph\n\n\nanother", ["a line\nbreak", "A paragraph", "another"]),
        ("他来了。“你好！”他说。什么？！好；走", ["他来了。", "“你好！”", "他说。", "什么？！", "好；", "走"]),
        ("Über 3 Dinge. Ähnlich. И так. Да", ["Über 3 Dinge.", "Ähnlich.", "И так.", "Да"]),
        (" \n ", []),
        ("", []),
    ],
)  # fmt: skip
def test_sentences(text, expected):
    assert [part.decode() for part in sentences([text, "b"]).to_list()[0]] == expected


def test_sentences_in_a_graph():
    run = tf.function(sentences, input_signature=[tf.TensorSpec([None], tf.string)])
    assert run(["A b. C d.", ""]).to_list() == [[b"A b.", b"C d."], []]
