"""WEAT: brute force over all partitions, vectors whose answer is known, laws, and the paper's tests on real vectors."""

import importlib
from itertools import combinations
from math import comb

import numpy as np
import pytest

from tests.vectors.glove_6b import glove_6b
from tfllm.explain import WEAT_TESTS, weat

X, Y, A, B = ["x0", "x1", "x2", "x3"], ["y0", "y1", "y2"], ["a0", "a1"], ["b0", "b1", "b2"]
SETS = (X, Y, A, B)


@pytest.fixture(params=range(5))
def vectors(request):
    draw = np.random.default_rng(request.param)
    return {word: draw.normal(size=6) for words in SETS for word in words}


def cosine(u, v):
    return sum(u * v) / (sum(u * u) ** 0.5 * sum(v * v) ** 0.5)


def by_hand(vectors, x, y, a, b):
    """(effect size, p) by loops over all partitions."""

    def s(word):
        near = [sum(cosine(vectors[word], vectors[other]) for other in others) / len(others) for others in (a, b)]
        return near[0] - near[1]

    every = {word: s(word) for word in x + y}
    mean = sum(every.values()) / len(every)
    spread = (sum((value - mean) ** 2 for value in every.values()) / (len(every) - 1)) ** 0.5
    effect = (sum(every[w] for w in x) / len(x) - sum(every[w] for w in y) / len(y)) / spread

    def statistic(chosen):
        others = [word for word in every if word not in chosen]
        return sum(every[w] for w in chosen) / len(chosen) - sum(every[w] for w in others) / len(others)

    observed, result = statistic(x), [statistic(chosen) for chosen in combinations(every, len(x))]
    return effect, sum(value > observed - 1e-9 for value in result) / len(result)


def test_all_partitions_by_loops(vectors):
    result = weat(vectors, *SETS)
    assert result.exact and result.partitions == comb(7, 4) and result.missing == ()
    np.testing.assert_allclose([result.effect_size, result.p_value], by_hand(vectors, *SETS), rtol=1e-9)


def test_two_directions():
    """X lies on A, Y on B: s is 1, 1, -1, -1 with deviation √(4/3), and no other of the 6 partitions is as good."""
    one, two = np.eye(2)
    result = weat(
        {"x": one, "xx": 3 * one, "y": two, "yy": two, "a": one, "b": two}, ["x", "xx"], ["y", "yy"], "a", "b"
    )
    assert result.effect_size == pytest.approx(2 / (4 / 3) ** 0.5) and result.p_value == pytest.approx(1 / 6)
    alike = weat({"x": one, "y": one, "a": one, "b": two}, "x", "y", "a", "b")
    assert np.isnan(alike.effect_size) and alike.p_value == 1  # both partitions are as good


def test_laws(vectors):
    result, (x, y, a, b) = weat(vectors, *SETS), SETS
    draw = np.random.default_rng(9)
    turn = np.linalg.qr(draw.normal(size=(6, 6)))[0]
    turned = {word: vector @ turn * draw.uniform(0.1, 9) for word, vector in vectors.items()}
    for same in (weat(turned, *SETS), weat(vectors, y, x, b, a), weat(vectors, x[::-1], y, a[::-1], b)):
        assert same.effect_size == pytest.approx(result.effect_size) and same.p_value == pytest.approx(result.p_value)
    for other in (weat(vectors, y, x, a, b), weat(vectors, x, y, b, a)):
        assert other.effect_size == pytest.approx(-result.effect_size)
        assert other.p_value == pytest.approx(1 - result.p_value + 1 / 35)  # the observed one is in both shares


def test_drawn_partitions_come_near_and_repeat(monkeypatch):
    monkeypatch.setattr(importlib.import_module("tfllm.explain.weat"), "AT_ONCE", 70)
    draw = np.random.default_rng(3)
    x, y = ([f"{kind}{i}" for i in range(5)] for kind in "xy")
    vectors = {word: draw.normal(size=6) + 0.2 * (word[0] in "xa") for word in [*x, *y, *A, *B]}
    exact = weat(vectors, x, y, A, B)
    assert exact.exact and exact.partitions == 252 and 0.02 < exact.p_value < 0.98
    drawn = [weat(vectors, x, y, A, B, partitions=200, seed=seed) for seed in range(20)]
    assert drawn[7] == weat(vectors, x, y, A, B, partitions=200, seed=7) and len(set(drawn)) > 1
    assert not drawn[0].exact and drawn[0].p_value * 201 == pytest.approx(round(drawn[0].p_value * 201))
    deviation = (exact.p_value * (1 - exact.p_value) / 4000) ** 0.5
    assert np.mean([result.p_value for result in drawn]) == pytest.approx(exact.p_value, abs=4 * deviation + 1 / 201)


def test_words_in_lower_case_and_without_a_vector(vectors):
    result = weat(vectors, [*X, "Y0x"], Y, [word.upper() for word in A], [*B, "nowhere", "nowhere"])
    assert result.missing == ("Y0x", "nowhere")
    assert result.effect_size == weat(vectors, *SETS).effect_size
    assert str(result).endswith("of 35 partitions; without a vector: Y0x, nowhere")
    both = weat({**vectors, "A0": vectors["b0"]}, X, Y, ["A0"], B)
    assert both.effect_size == pytest.approx(weat(vectors, X, Y, ["b0"], B).effect_size)  # its own spelling first


def test_errors(vectors):
    with pytest.raises(ValueError, match="none of the words of a has a vector: p, q"):
        weat(vectors, X, Y, ["p", "q"], B)
    with pytest.raises(ValueError, match="none of the words of y has a vector: it is empty"):
        weat(vectors, X, [], A, B)
    with pytest.raises(ValueError, match="x and y must not share words; both have x0, x1"):
        weat(vectors, X, [*Y, "x1", "x0"], A, B)
    with pytest.raises(ValueError, match="partitions must be at least 1; got 0"):
        weat(vectors, *SETS, partitions=0)


def test_the_papers_sets_have_the_papers_sizes():
    """Table 1 of Caliskan et al. 2017: N_T and N_A."""
    sizes = [(25, 25), (25, 25), (32, 25), (16, 25), (16, 8), (8, 8), (8, 8), (8, 8), (6, 7), (8, 8)]
    for test, (targets, attributes) in zip(WEAT_TESTS, sizes, strict=True):
        assert [len(set(words)) for words in test.words] == [targets, targets, attributes, attributes]


@pytest.mark.peers
@pytest.mark.slow
def test_the_signs_of_the_paper_on_glove_6b():
    vectors = glove_6b()
    for test in WEAT_TESTS:
        result = weat(vectors, *test.words, partitions=10_000)
        assert result.effect_size * test.effect_size > 0 and result.p_value < 0.05, test.name
        assert set(result.missing) <= {"gladiola"}
