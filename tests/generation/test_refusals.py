"""Phrases in texts, against Python's `re` with its look-around: no letter of a script with spaces stands beside."""

import re

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfllm.generation import contains_any

PHRASES = ["bomb", "how to", "C++", "中文", "été", "İ"]
PIECES = ["bomb", "BOMB", "bombs", "a", " ", "\n", "how", "to", "How  to", "c++", "中", "文", "中文", "été", "ÉTÉ", ".",
          "_", "1", "\x00", "İ", "-", "😀"]  # fmt: skip


def found(text, phrases):
    letter = r"[^\W\u4e00-\u9fff]"
    for phrase in phrases:
        words = r"\s+".join(map(re.escape, phrase.split()))
        before = rf"(?<!{letter})" if re.match(letter, phrase[0]) else ""
        behind = rf"(?!{letter})" if re.match(letter, phrase[-1]) else ""
        if re.search(before + words + behind, text, re.IGNORECASE):
            return True
    return False


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_phrases_are_found_where_a_search_finds_them(text):
    for phrases in (PHRASES[:1], PHRASES[1:4], PHRASES):
        assert contains_any(tf.constant([text]), phrases).numpy().tolist() == [found(text, phrases)]


def test_bytes_that_are_no_text_hide_nothing():
    texts = [b"\xff bomb \xfe", b"\xffbomb", b"bom\xffb", "a bomb．".encode(), b""]
    assert contains_any(tf.constant(texts), ["bomb"]).numpy().tolist() == [True, True, False, True, False]


@pytest.mark.parametrize("count", [49, 50, 51, 120])
def test_lists_of_any_length(count):
    phrases = [f"word{i}" for i in range(count)]
    texts = [f"a word{count - 1}!", f"a word{count}", "word0"]
    run = tf.function(lambda x: contains_any(x, phrases), autograph=False)
    assert run(tf.constant(texts)).numpy().tolist() == [True, False, True]
