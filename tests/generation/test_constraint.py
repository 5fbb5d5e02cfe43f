"""Constrained answers: automata against Python's `re`, sampled answers against it, probabilities renormalised."""

import itertools
import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generation.models import Markov
from tfllm.generation import Constraint, Loop, constraint, drawing, of_choices, of_pattern, sampling

PATTERNS = ["(a|é)+1?", "[^a]b*", ".", r"\d{2}|好.*", "(?i)ab", "[😀-😂À-ß]+x?", "a*?", "", "(ab)*", r'[^\x00-\x1f"]*',
            "(?!b)[a-c]+", "a.c"]  # fmt: skip
LETTERS = st.text(st.sampled_from('aébc1 \n"你好😀Àß\u07ff\u0800\uffff'), max_size=5)
PIECES = [b"", b"", b"", b"", b"a", b"b", b"ab", b"\xc3", b"\xa9", b"1", b"\xa9b"]
END = 3


def accepts(automaton, text):
    (after, final), state = automaton, 0
    for byte in text:
        state = after[state, byte]
        if state < 0:
            return False
    return bool(final[state])


@pytest.fixture(scope="module")
def automata():
    return {pattern: of_pattern(pattern) for pattern in PATTERNS}


@settings(max_examples=300, deadline=None)
@given(st.one_of(LETTERS.map(str.encode), st.binary(max_size=4)))
def test_patterns_accept_what_python_matches(automata, text):
    for pattern in PATTERNS:
        try:
            expected = bool(re.fullmatch(pattern, text.decode()))
        except UnicodeDecodeError:
            expected = False
        assert accepts(automata[pattern], text) == expected, pattern


def test_choices_accept_themselves_alone():
    automaton = of_choices(["ab", "abc", "é"])
    for text in [*map("".join, itertools.product("abcé", repeat=2)), "abc", "é", "", "a", "abcc"]:
        assert accepts(automaton, text.encode()) == (text in ("ab", "abc", "é"))


@pytest.mark.parametrize(
    "pattern, message", [("(a", "cannot be used"), (r"(a)\1", "references"), ("^a$", "cannot be used")]
)
def test_patterns_that_are_none(pattern, message):
    with pytest.raises(ValueError, match=message):
        of_pattern(pattern)


def written(automaton, limit, seed=1, rows=64, logits=None):
    """Sampled answers, bytes, of a model with random logits, behind the prompt "b"."""
    model = Markov(np.random.default_rng(0).normal(size=(11, 11)) if logits is None else logits)
    constraint = Constraint(automaton, PIECES, END)
    loop = Loop(drawing(model.step, sampling(seed), (), (0, 1, 2), constraint), end=END, constraint=constraint)
    prompt = tf.pad(tf.fill([rows, 1], 5), [[0, 0], [0, limit]])
    now = loop.run(loop.begin(model.begin(rows), prompt, tf.pad(tf.ones([rows, 1]), [[0, 0], [0, limit]]) > 0))
    return [b"".join(PIECES[i] for i in ids[1:]) for ids in now.token_ids.numpy()]


@pytest.mark.parametrize("pattern", ["(a|é)+1?", "(ab)*", "b?ab(é1)+", "[^1]*1"])
@pytest.mark.parametrize("limit", [6, 20])
def test_every_answer_matches_within_its_limit(pattern, limit):
    texts = written(of_pattern(pattern), limit)
    assert all(re.fullmatch(pattern, text.decode()) for text in texts) and len(set(texts)) > 1


def test_an_answer_without_room_is_the_beginning_of_a_match():
    assert set(written(of_choices(["ab1ab1"]), 2)) <= {b"ab", b"ab1", b"a1"} == {b"ab", b"ab1", b"a1"}


def test_allowed_tokens_keep_their_probabilities():
    """One step: the choices a, b and ab, each followed by END, as a softmax over these three tokens draws them."""
    logits = np.zeros([11, 11])
    logits[5, [4, 5, 6]] = [0.0, 1.0, 2.0]
    texts = written(of_choices(["a1", "b1", "ab1"]), 4, rows=4000, logits=logits)
    shares = [texts.count(text) / 4000 for text in (b"a1", b"b1", b"ab1")]
    # "ab1" is also written as the tokens a, b, 1: after "a" the tokens b and 1 are equally likely
    a, b, ab = np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum()
    np.testing.assert_allclose(shares, [a / 2, b, ab + a / 2], atol=0.03)


def test_a_table_that_would_be_too_large(monkeypatch):
    monkeypatch.setattr(constraint, "LARGEST", 40)
    with pytest.raises(ValueError, match="need 7 states; with 11 tokens at most 3 are possible"):
        Constraint(of_choices(["ab1ab1"]), PIECES, END)


def test_texts_that_no_token_can_write():
    with pytest.raises(ValueError, match="no tokens for any text"):
        Constraint(of_choices(["c"]), PIECES, END)
