"""Merging: all words and windows at once, against one merge at a time."""

import random

import numpy as np
import pytest
import tensorflow as tf

from tests.reference import byte_pairs as reference
from tfllm.text.bytepair import merging
from tfllm.text.bytepair.merging import Merges, Windows


def table(pairs):
    """Pairs of bytes, best first -> (Merges, ranks for the reference, tokens by id)."""
    tokens = [bytes([value]) for value in range(256)]
    for left, right in pairs:
        if left + right not in tokens:
            tokens.append(left + right)
    ids = {token: token_id for token_id, token in enumerate(tokens)}
    merges = Merges([(ids[a], ids[b], ids[a + b]) for a, b in pairs], range(256))
    return merges, {pair: rank for rank, pair in enumerate(pairs)}, tokens


def cut(pairs, words):
    merges, _, tokens = table(pairs)
    return [[tokens[i] for i in row] for row in merges(tf.constant(words)).to_list()]


@pytest.mark.parametrize(
    ("pairs", "word", "expected"),
    [
        ("ab bc", b"abc", [b"ab", b"c"]),
        ("bc ab", b"abc", [b"a", b"bc"]),
        ("aa", b"aaaaa", [b"aa", b"aa", b"a"]),
        ("", b"ab", [b"a", b"b"]),
        ("ab", b"x", [b"x"]),
    ],
)
def test_merging_by_hand(pairs, word, expected):
    assert cut([(pair[:1].encode(), pair[1:].encode()) for pair in pairs.split()], [word]) == [expected]


def test_a_later_pair_of_lower_rank_goes_first():
    """The first merge of "ab" makes "aba" possible, which comes before it in the table and takes the next "a"."""
    assert cut([(b"ab", b"a"), (b"a", b"b")], [b"abab", b"abaab"]) == [[b"aba", b"b"], [b"aba", b"ab"]]


def test_of_two_equal_pairs_the_last_counts():
    assert cut([(b"a", b"b"), (b"b", b"c"), (b"a", b"b")], [b"abc"]) == [[b"a", b"bc"]]


def test_no_words_and_empty_ones():
    merges = table([(b"a", b"b")])[0]
    assert merges(tf.constant([], tf.string)).to_list() == []
    assert merges(tf.constant(["", "ab", ""])).to_list() == [[], [256], []]


def random_pairs(draw, size, rising):
    """Merges as learning gives them; not rising: in any order."""
    tokens, pairs = [b"a", b"b", b"c"], []
    for _ in range(size):
        pair = draw.choice(tokens), draw.choice(tokens)
        if len(pair[0] + pair[1]) <= 9 and pair not in pairs and (pair[0] + pair[1] not in tokens or not rising):
            pairs.append(pair)
            tokens.append(pair[0] + pair[1])
    if not rising:
        draw.shuffle(pairs)
    return pairs


def random_words(draw):
    """Of all lengths; some of one letter, some of a part again and again."""
    for size in (1, 2, 9, 40, 60, 100, 120, 150):
        part = "".join(draw.choices("abcx", weights=[9, 9, 9, 1], k=draw.choice([1, 2, 3, 7, size])))
        yield (part * size)[:size].encode()


@pytest.mark.parametrize("rising", [True, False])
@pytest.mark.parametrize("half", [1, 2, 5, 24])
def test_windows_and_turns_change_nothing(half, rising, monkeypatch):
    """The tokens of one merge at a time, for tables and words by chance, wherever the windows begin."""
    monkeypatch.setattr(merging, "HALF", half)
    monkeypatch.setattr(merging, "GROWTH", 2)
    draw, kinds = random.Random(half), set()
    for size in (4, 15, 60):
        pairs = random_pairs(draw, size, rising)
        merges, ranks, tokens = table(pairs)
        kinds.add(merges.rising is None)
        words = list(random_words(draw))
        result = [[tokens[i] for i in row] for row in merges(tf.constant(words)).to_list()]
        assert result == [reference.merged(word, ranks) for word in words]
    assert (True in kinds) if rising else (False in kinds)


def test_windows_overlap_by_half():
    windows = Windows(tf.constant([0, 6]), tf.constant([6, 17]), 3)  # one of 6 places, then 11
    assert windows.word.numpy().tolist() == [0, 1, 1, 1]
    assert windows.lengths.numpy().tolist() == [6, 6, 6, 5]
    positions = np.split(windows.positions.numpy(), windows.begin.numpy()[1:])
    assert [(part[0], part[-1]) for part in positions] == [(0, 5), (6, 11), (9, 14), (12, 16)]


def test_windows_go_on_at_the_first_common_token():
    windows = Windows(tf.constant([0]), tf.constant([9]), 3)  # places 0 to 5 and 3 to 8
    tokens = tf.constant([5, -1, -1, 6, 7, -1] + [8, 7, -1, 9, -1, -1])
    counts, torn = windows.joined(tokens)
    assert tf.gather_nd(windows.positions, counts).numpy().tolist() == [0, 3, 4, 6]
    assert tf.gather_nd(tokens, counts).numpy().tolist() == [5, 6, 7, 9] and not torn.numpy().any()


def test_windows_without_a_common_token_are_torn():
    windows = Windows(tf.constant([0, 2]), tf.constant([2, 11]), 3)
    tokens = tf.constant([1, 2] + [5, -1, -1, 6, -1, -1] + [7, 8, -1, 9, -1, -1])
    counts, torn = windows.joined(tokens)
    assert torn.numpy().tolist() == [False, True]
    assert counts.numpy().tolist() == [[0], [1]]  # nothing of the torn word
