"""Stops: the table against a search in the joined bytes, the cuts against everything that may follow."""

from itertools import accumulate

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generation.models import Markov
from tfllm.generation import before_stops, readable, sample, sampling, settled, stop_table
from tfllm.text.cleaning import replace_invalid

LETTERS = st.lists(st.sampled_from("ab\u00e4"), max_size=5).map("".join)
STRINGS = st.lists(LETTERS.filter(len), min_size=1, max_size=3)


@settings(max_examples=200, deadline=None)
@given(st.lists(LETTERS, min_size=1, max_size=6), STRINGS, st.lists(st.integers(0, 5), max_size=12))
def test_the_table_finds_what_a_search_finds(pieces, strings, ids):
    """Token by token: the last row is reached with the first token after which a string is in the text."""
    table, row, text = stop_table([piece.encode() for piece in pieces], strings), 0, ""
    assert table.dtype == np.int32 and table.shape[1] == len(pieces)
    for i in ids:
        i %= len(pieces)
        row, text = table[row, i], text + pieces[i]
        assert (row == len(table) - 1) == any(string in text for string in strings)


def test_strings_straddle_tokens_in_the_loop():
    """In the middle of "xstop!!" out of random pieces; not from the prompt, and not before it is whole."""
    pieces = [b"", b"", b"", b"", b"xst", b"op", b"!!", b"s", b"t", b"o", b"p", b"!", b" "]
    model, ends = Markov(np.zeros((13, 13))), set()
    prompt = tf.constant([[2, 7, 8, 5]] * 40)  # "stop"
    given = tf.pad(tf.ones([40, 4]), [[0, 0], [0, 96]]) > 0
    texts = sample(
        model.step, model.begin(40), tf.pad(prompt, [[0, 0], [0, 96]]), given, sampling(1), end=13,
        forbidden=(0, 1, 2, 3), stops=stop_table(pieces, ["sto", b"p!"]),
    )  # fmt: skip
    for ids, length in zip(texts.token_ids.numpy(), texts.lengths.numpy(), strict=True):
        before, output = (b"".join(pieces[i] for i in ids[4:size]) for size in (length - 1, length))
        assert not any(stop in before for stop in (b"sto", b"p!"))
        ends |= {stop for stop in (b"sto", b"p!") if stop in output} | {b"" if length == 100 else output[-1:]}
    assert {b"sto", b"p!"} < ends


def test_a_table_by_hand():
    table = stop_table([b"", b"a", b"b", b"ab", b"bb", b"xaby"], ["abb"])
    assert table.tolist() == [[0, 1, 0, 2, 0, 0], [1, 1, 2, 2, 3, 0], [2, 1, 3, 2, 3, 0], [3, 3, 3, 3, 3, 3]]


@pytest.mark.parametrize("strings", [[], [""], ["a", b""]])
def test_an_empty_stop_string_is_an_error(strings):
    with pytest.raises(ValueError, match="stop must be strings that are not empty"):
        stop_table([b"a"], strings)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b"", 0), (b"abc", 3), ("ä".encode(), 2), ("aä".encode()[:-1], 1), ("語".encode()[:1], 0),
        ("語".encode()[:2], 0), ("a😀".encode()[:4], 1), ("😀".encode(), 4), (b"a\xff", 2), (b"a\x80\x80\x80\x80", 5),
        (b"\xe4\xff", 2), (b"\xed\xa0", 2), (b"\xe0\x80", 2), (b"\xf5\x80", 2), (b"\xe8\xaa\xe8\xaa", 2),
    ],
)  # fmt: skip
def test_characters_are_not_split(text, size):
    assert settled(text) == size and settled(text, ended=True) == len(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", 0), ("one", 3), ("one\n", 3), ("one\n\n", 3), ("one\nU", 3), ("one\n1", 5), ("one\n\n\nU", 3),
        ("one\nUser: two", 3),
        ("one##", 3), ("\n", 0), ("User:", 5), ("a###b", 1), ("a##\n\nUser:", 3), ("a##", 1),
    ],
)  # fmt: skip
def test_the_beginning_of_a_stop_is_held_back(text, size):
    assert settled(text.encode(), ["\nUser:", "###", b"\n\n"]) == size


def test_an_ended_text_shows_the_rest():
    assert settled(b"one\nU", ["\nUser:"], ended=True) == 5
    assert settled(b"one\nUser: \xe4", ["\nUser:"], ended=True) == 3


def cut(text, strings):
    """The text before the first stop in it."""
    return text[: min((at for at in map(text.find, strings) if at >= 0), default=len(text))]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=4) | LETTERS.map(str.encode) | st.just("😀語".encode()[1:6]), max_size=8), STRINGS)
def test_the_chunks_join_to_the_text(pieces, strings):
    """The chunks, each made valid by itself, join to the valid whole; nothing is taken back, and all of it is shown."""
    strings, text, shown = [string.encode() for string in strings], b"", [0]
    for piece in pieces:
        text += piece
        shown.append(settled(text, strings))
        if any(string in text for string in strings):
            break
    shown.append(settled(text, strings, ended=True))
    assert shown == sorted(shown)
    parts = [text[begin:end] for begin, end in zip(shown, shown[1:], strict=False)]
    assert b"".join(parts) == cut(text, strings)
    assert b"".join(replace_invalid(parts).numpy()) == replace_invalid([cut(text, strings)]).numpy()[0]
    output = list(readable(accumulate(pieces), strings))
    assert all(output) and "".join(output) == cut(text, strings).decode("utf-8", "replace")


def test_core_operations_truncate_the_same():
    """What the served graph does with a text that a stop has ended."""
    strings = ["\nUser:", b"###", "語"]
    texts = ["one\nUser: two ###", "###", "a#b", "", "x### \nUser:\nUser:", "\0a語b"]
    expected = [text.encode()[: settled(text.encode(), strings, ended=True)] for text in texts]
    run = tf.function(before_stops, autograph=False)
    assert run(tf.constant(texts), strings).numpy().tolist() == expected == [b"one", b"", b"a#b", b"", b"x", b"\0a"]
    assert before_stops(tf.constant([""]), strings).numpy().tolist() == [b""]
    assert before_stops(tf.constant([], tf.string), strings).shape == [0]


@settings(max_examples=100, deadline=None)
@given(st.lists(LETTERS, max_size=4), STRINGS)
def test_random_texts_are_truncated_the_same(texts, strings):
    result = before_stops(tf.constant([text.encode() for text in texts], tf.string), strings).numpy().tolist()
    assert result == [cut(text.encode(), [string.encode() for string in strings]) for text in texts]
