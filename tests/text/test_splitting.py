"""Splitting: GPT-2's pattern by comparing neighbours, against the pattern matched by hand; categories of characters."""

import functools
import itertools
import unicodedata

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.reference import byte_pairs as reference
from tfllm.text.bytepair.categories import LETTER, NUMBER, OTHER, SPACE, Categories
from tfllm.text.bytepair.splitting import word_begins

SIGNS = st.sampled_from("asrtvelmd'12 \n\t!?é你٣½ⅷ🙂\xa0\u3000\x1c\x85\0\u200b\u0301")
TEXTS = st.lists(st.one_of(st.text(SIGNS, max_size=12), st.text(max_size=6)), max_size=4)


@functools.cache
def cutter():
    categories = Categories()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.bool)])
    def cut(points, first):
        return word_begins(points, categories(points), first)

    return cut


def words(texts):
    """The words of each text, by the places where they begin."""
    points = [ord(character) for text in texts for character in text]
    first = [at == 0 for text in texts for at in range(len(text))]
    begins = cutter()(tf.constant(points, tf.int32, [len(points)]), tf.constant(first, tf.bool, [len(first)])).numpy()
    result, at = [], 0
    for text in texts:
        positions = np.flatnonzero(begins[at : at + len(text)]).tolist()
        at += len(text)
        assert positions[:1] == [0][: len(text)]
        result.append([text[start:end] for start, end in itertools.pairwise([*positions, len(text)])])
    return result


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello world", ["Hello", " world"]),
        ("it's we'll I'd they've you're I'm don't", [
            "it", "'s", " we", "'ll", " I", "'d", " they", "'ve", " you", "'re", " I", "'m", " don", "'t"]),
        ("'stone 'stone", ["'s", "tone", " '", "stone"]),  # the pattern looks for endings first
        ("x''s x.'s 's's", ["x", "''", "s", " x", ".'", "s", " '", "s", "'s"]),
        ("IT'S 'LL", ["IT", "'", "S", " '", "LL"]),
        ("a'r a'l b've", ["a", "'", "r", " a", "'", "l", " b", "'ve"]),
        ("1's\n's\xa0're", ["1", "'s", "\n", "'s", "\xa0", "'re"]),
        ("a  b   c", ["a", " ", " b", "  ", " c"]),
        ("a\n b\n\nc \n", ["a", "\n", " b", "\n", "\n", "c", " \n"]),
        ("  ", ["  "]),
        (" \u3000x", [" ", "\u3000", "x"]),  # only a plain space goes with what follows
        ("x2y ½ 3.5€", ["x", "2", "y", " ½", " 3", ".", "5", "€"]),
        ("e\u0301 你好，世界🙂", ["e", "\u0301", " 你好", "，", "世界", "🙂"]),  # a combining mark is no letter
    ],
)  # fmt: skip
def test_words_by_hand(text, expected):
    assert words([text])[0] == expected == reference.words(text)


@settings(max_examples=300, deadline=None)
@given(texts=TEXTS)
@example(["a'", "s b", "'", "", "ll", " ", " x", "y'l", "l"])  # nothing goes on from one text into the next
def test_words_as_by_the_pattern(texts):
    texts = ["".join(filter(_assigned, text)) for text in texts]
    assert words(texts) == [reference.words(text) for text in texts]


def _assigned(character):
    """Of Unicode 14 or later, on which all versions agree."""
    return unicodedata.category(character) not in ("Cn", "Cs")


def test_categories_are_those_of_unicode():
    """Python's tables are of another version: the code points that they know are the same."""
    points = np.array([p for p in range(0x110000) if _assigned(chr(p))], np.int32)
    kinds = {"letter": LETTER, "number": NUMBER, "space": SPACE, "other": OTHER}
    expected = np.array([kinds[reference.kind(chr(p))] for p in points])
    assert len(points) > 280_000
    np.testing.assert_array_equal(Categories()(points).numpy(), expected)
