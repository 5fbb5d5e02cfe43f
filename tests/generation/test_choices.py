"""Choices: the right sets on hand-made distributions, the right frequencies, the same numbers everywhere."""

from operator import ne

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import generation as reference
from tfllm.generation import greedy, keep_min, keep_top_k, keep_top_mass, keep_typical, sampling
from tfllm.generation.blockwise import top_k

HAND = np.array([0.05, 0.4, 0.1, 0.3, 0.15])
ALL = {0, 1, 2, 3, 4}


def kept_ids(logits):
    return [set(np.flatnonzero(np.isfinite(row)).tolist()) for row in np.asarray(logits)]


def chi_square(counts, probabilities):
    expected = counts.sum() * probabilities
    return ((counts - expected) ** 2 / expected).sum()


def drawn(choose, probabilities, rows, position=1):
    logits = tf.repeat(tf.math.log(tf.constant(probabilities, tf.float32))[None], rows, 0)
    return np.bincount(choose(logits, position).numpy(), minlength=len(probabilities))


def test_greedy_takes_the_lowest_of_equals():
    assert greedy(tf.constant([[0.0, 2.0, 2.0], [1.0, 0.0, -1.0]]), 0).numpy().tolist() == [1, 0]


@pytest.mark.parametrize(("k", "ids"), [(1, {1}), (2, {1, 3}), (4, {1, 2, 3, 4}), (5, ALL), (9, ALL)])
def test_top_k_keeps_k(k, ids):
    logits = tf.constant([np.log(HAND), np.log(HAND[::-1])], tf.float32)
    assert kept_ids(keep_top_k(logits, k)) == [ids, {4 - i for i in ids}]


@pytest.mark.parametrize(
    ("p", "ids"),
    [(0.01, {1}), (0.39, {1}), (0.41, {1, 3}), (0.69, {1, 3}), (0.71, {1, 3, 4}), (0.94, {1, 2, 3, 4}), (0.96, ALL)],
)
def test_nucleus_is_the_smallest_set(p, ids):
    logits = tf.constant([np.log(HAND), np.log(HAND[::-1])], tf.float32)
    assert kept_ids(keep_top_mass(logits, p)) == [ids, {4 - i for i in ids}]


@pytest.mark.parametrize(
    ("p", "ids"), [(0.0, ALL), (0.124, ALL), (0.126, {1, 2, 3, 4}), (0.26, {1, 3, 4}), (0.74, {1, 3}), (1.0, {1})]
)
def test_min_p_is_relative_to_the_highest(p, ids):
    logits = tf.constant([np.log(HAND), np.log(HAND[::-1]) + 5], tf.float32)
    assert kept_ids(keep_min(logits, p)) == [ids, {4 - i for i in ids}]


@pytest.mark.parametrize(
    ("p", "ids"), [(0.29, {3}), (0.31, {3, 1}), (0.69, {3, 1}), (0.71, {3, 1, 4}), (0.94, {1, 2, 3, 4}), (0.96, ALL)]
)
def test_typical_ids_are_nearest_to_the_entropy(p, ids):
    """H = 1.392; information: 1.204 (.3), .916 (.4), 1.897 (.15), 2.303 (.1), 2.996 (.05)."""
    logits = tf.constant([np.log(HAND), np.log(HAND[::-1])], tf.float32)
    assert kept_ids(keep_typical(logits, p)) == [ids, {4 - i for i in ids}]


@pytest.mark.parametrize("scale", [1.0, 0.37, 3000.0])
def test_a_mass_on_the_very_edge_is_reached(scale):
    """.3 + .5 of .8, which float32 makes 1.5999999 of 1.6; and sums of hundredths, in any order and of any scale."""
    laws, shares, sets = [], [], []
    for start in range(20):
        law = np.random.default_rng(start).multinomial(100, np.ones(7) / 7)
        likeliest = np.argsort(-law, kind="stable")
        for size in range(1, len(law)):
            if law[likeliest[size - 1]] > law[likeliest[size]]:  # equals stay together
                laws.append(law)
                shares.append([law[likeliest[:size]].sum() / 100])
                sets.append(set(likeliest[:size].tolist()))
    laws, shares = np.array(laws), np.array(shares)
    logits = tf.constant(np.log(laws * scale), tf.float32)
    least = laws.min(1, keepdims=True) / laws.max(1, keepdims=True)
    assert len(sets) > 80 and kept_ids(keep_top_mass(logits, shares)) == sets
    assert all(map(ne, kept_ids(keep_top_mass(logits, shares + 1e-5)), sets))
    assert all(ids == set(range(7)) for ids in kept_ids(keep_min(logits, least)))
    assert all(ids != set(range(7)) for ids in kept_ids(keep_min(logits, least + 1e-5)))
    logits = tf.constant(np.log([[0.3, 0.1, 0.1, 0.5], [0.15, 0.3, 0.3, 0.25]]), tf.float32)
    assert kept_ids(keep_top_mass(logits, 0.8)) == [{0, 3}, {1, 2, 3}]
    for p, ids in ((0.3, {3}), (0.7, {3, 1}), (0.85, {3, 1, 4}), (0.95, {1, 2, 3, 4})):
        assert kept_ids(keep_typical(tf.constant([np.log(HAND * scale)], tf.float32), p)) == [ids]


@pytest.mark.parametrize("cuts", [{}, {"top_k": 2}, {"top_p": 0.5}, {"min_p": 0.3}, {"typical_p": 0.5}])
def test_infinite_logits_have_all_the_mass(cuts):
    logits = tf.constant([[0.0, np.inf, 3.0, -np.inf], [np.inf, 1.0, 2.0, np.inf]] * 40)
    for temperature in (1.0, 1e-38):
        ids = sampling(1, temperature, **cuts)(logits, 1).numpy().reshape(40, 2)
        assert [set(column.tolist()) for column in ids.T] == [{1}, {0, 3}]


@pytest.mark.parametrize("choose", [greedy, sampling(1), sampling(1, top_p=0.5), sampling(1, 0)])
def test_no_token_is_chosen_from_nan(choose):
    for logits in ([[0.0, np.nan, 1.0]], [[0.0, 1.0, 2.0], [np.nan] * 3]):
        with pytest.raises(ValueError, match="not numbers .NaN."):
            choose(tf.constant(logits), 1)


def test_equals_stay_together():
    logits = tf.constant([[1.0, 3.0, 1.0, 1.0]])
    assert kept_ids(keep_top_k(logits, 2)) == kept_ids(keep_top_mass(logits, 0.9)) == [{0, 1, 2, 3}]


def test_forbidden_ids_never_come_back():
    logits = tf.constant([[-np.inf, 1.0, -np.inf, 1.0, 0.9]], tf.float32)
    assert kept_ids(keep_top_k(logits, 4)) == kept_ids(keep_top_mass(logits, 0.9999)) == [{1, 3, 4}]
    assert kept_ids(keep_min(logits, 0.0)) == kept_ids(keep_typical(logits, 0.9999)) == [{1, 3, 4}]


@pytest.mark.parametrize(
    ("keep", "limits"),
    [(keep_top_k, (0, -1, 5, 99)), (keep_top_mass, (1.0, 1.5)), (keep_min, (0.0, -1.0)), (keep_typical, (1.0, 2.0))],
)
def test_limits_that_keep_every_id(keep, limits):
    """Even those whose probability is 0 in float32."""
    logits = tf.constant([[0.0, -300.0, 5.0, 1.0, -np.inf]])
    for limit in limits:
        for number in (limit, tf.constant(limit)):
            assert keep(logits, number).numpy().tolist() == logits.numpy().tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.99), st.floats(0.1, 20))
def test_nucleus_of_random_logits(seed, p, spread):
    logits = np.random.default_rng(seed).normal(0, spread, 40).astype("float32")
    probabilities = np.exp(reference.log_softmax(logits))
    (ids,) = kept_ids(keep_top_mass(tf.constant([logits]), p))
    least, most = (reference.top_mass(probabilities, p + slack) for slack in (-1e-5, 1e-5))
    assert least <= ids <= most


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 5]), st.sampled_from([1280, 1337, 4000]))
def test_top_by_blocks_is_top_k(seed, k, size):
    x = tf.constant(np.random.default_rng(seed).normal(size=(3, size)).astype("float32"))
    for result, expected in zip(top_k(x, k), tf.math.top_k(x, k), strict=True):
        assert result.numpy().tolist() == expected.numpy().tolist()


def test_top_by_blocks_of_few_finite_numbers():
    x = np.full((2, 3000), -np.inf, "float32")
    x[:, [7, 2999]] = 1.0, 1.0
    values, ids = top_k(tf.constant(x), 4)
    assert sorted(ids.numpy()[0, :2].tolist()) == [7, 2999] and ids.numpy().max() < 3000
    assert values.numpy()[0].tolist() == [1.0, 1.0, -np.inf, -np.inf]


@pytest.mark.parametrize(
    ("options", "law"),
    [
        ({}, HAND),
        ({"temperature": 2.0}, HAND**0.5 / (HAND**0.5).sum()),
        ({"top_k": 2}, np.array([0, 4, 0, 3, 0]) / 7),
        ({"top_p": 0.8}, np.array([0, 40, 0, 30, 15]) / 85),
        ({"top_k": 4, "top_p": 0.8}, np.array([0, 40, 0, 30, 15]) / 85),
        ({"temperature": 0.5, "top_k": 3}, np.array([0, 16, 0, 9, 2.25]) / 27.25),
        ({"min_p": 0.3}, np.array([0, 40, 0, 30, 15]) / 85),
        ({"temperature": 0.5, "min_p": 0.3}, np.array([0, 16, 0, 9, 0]) / 25),
        ({"typical_p": 0.2}, np.array([0, 0, 0, 1.0, 0])),
    ],
)
def test_frequencies_follow_the_distribution(options, law):
    """20,000 samples over rows and positions; 18.5 is chi-square's 99.9 % point at 4 degrees of freedom."""
    choose = tf.function(sampling(seed=17, **options), autograph=False, reduce_retracing=True)
    rows = drawn(choose, HAND, 20_000)
    positions = sum(drawn(choose, HAND, 400, tf.constant(position)) for position in range(50))
    for counts in (rows, positions):
        assert not counts[law == 0].any()
        assert chi_square(counts[law > 0], law[law > 0]) < 18.5


def test_frequencies_over_many_blocks():
    """520 ids in 9 blocks, 4 of them forbidden; 620 is chi-square's 99.9 % point at 515 degrees of freedom."""
    logits = np.random.default_rng(1).normal(size=520).astype("float32")
    logits[[0, 63, 64, 519]] = -np.inf
    law = np.exp(logits) / np.exp(logits).sum()
    counts = drawn(sampling(seed=3), law, 100_000)
    assert not counts[law == 0].any()
    assert chi_square(counts[law > 0], law[law > 0]) < 620


def test_draws_of_neighbours_are_independent():
    """Pairs (row, next row), (position, next position), (seed, next seed) against the product of their laws."""
    probabilities = np.array([0.5, 0.3, 0.2])
    logits = tf.repeat(tf.math.log(tf.constant(probabilities, tf.float32))[None], 10_000, 0)
    here = sampling(seed=4)(logits, 5).numpy()
    others = [np.roll(here, 1), sampling(seed=4)(logits, 6).numpy(), sampling(seed=5)(logits, 5).numpy()]
    for other in others:
        counts = np.bincount(3 * here + other, minlength=9)
        assert chi_square(counts, np.outer(probabilities, probabilities).ravel()) < 26.1  # 99.9 % at 8


def test_same_seed_same_choice_other_seed_other_choice():
    logits = tf.random.stateless_normal([200, 50], [1, 2])
    choices = [sampling(seed, top_p=0.9)(logits, 3).numpy().tolist() for seed in (7, 7, 8, -7, 2**40, tf.constant(7))]
    assert choices[0] == choices[1] == choices[5]
    assert len({tuple(choice) for choice in choices}) == 4


TENSORS = [
    ({"temperature": 0, "top_k": 0, "top_p": 1, "min_p": 0, "typical_p": 1}, {"temperature": 0.0}),
    ({"temperature": 1e-300}, {"temperature": 1e-300}),
    ({}, {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0}),
    ({}, {"temperature": 1, "top_k": -1, "top_p": 1.5, "min_p": -0.1, "typical_p": 2.0}),
    ({"temperature": 0.7, "top_k": 20}, {"temperature": 0.7, "top_k": 20, "top_p": 1.0}),
    ({"top_k": 999}, {"top_k": 999}),
    ({"top_p": 0.8, "min_p": 0.02}, {"top_k": 0, "top_p": 0.8, "min_p": 0.02}),
    ({"temperature": 1.7, "top_k": 50, "top_p": 0.9, "min_p": 0.1, "typical_p": 0.7},) * 2,
]


@pytest.mark.parametrize("compiled", [False, True])
def test_limits_may_be_tensors(compiled):
    """One graph for all values; the draws are those of the numbers, and temperature 0 is greedy."""
    logits = tf.random.stateless_normal([40, 500], [3, 4], stddev=2.0)
    names = ("temperature", "top_k", "top_p", "min_p", "typical_p")
    off = dict(zip(names, (1.0, 0, 1.0, 0.0, 1.0), strict=True))
    kinds = [tf.TensorSpec([], tf.int32 if name == "top_k" else tf.float32) for name in names]

    @tf.function(input_signature=kinds, autograph=False, jit_compile=compiled)
    def drawn(*limits):
        return sampling(11, **dict(zip(names, limits, strict=True)))(logits, 3)

    for numbers, tensors in TENSORS:
        output = drawn(*(off | tensors).values()).numpy().tolist()
        assert output == sampling(11, **numbers)(logits, 3).numpy().tolist()
    assert drawn(*(off | {"temperature": 0.0}).values()).numpy().tolist() == greedy(logits, 3).numpy().tolist()


@pytest.mark.parametrize("options", [{}, {"temperature": 0.7, "top_k": 20}, {"top_p": 0.8, "min_p": 0.1}])
def test_xla_samples_are_those_of_tensorflow(options):
    logits = tf.random.stateless_normal([64, 500], [3, 4], stddev=2.0)
    choose = sampling(seed=123, **options)
    compiled = tf.function(choose, jit_compile=True, autograph=False)
    for position in (1, 2, 1000):
        assert choose(logits, position).numpy().tolist() == compiled(logits, tf.constant(position)).numpy().tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -0.1}, "temperature must be a number, 0 .greedy. or more, got -0.1"),
        ({"temperature": float("inf")}, "temperature must be a number"),
        ({"temperature": float("nan")}, "got nan"),
        ({"temperature": "hot"}, "got 'hot'"),
        ({"top_k": -1}, "top_k must be a whole number, 0 .every token. or more, got -1"),
        ({"top_k": 2.5}, "got 2.5"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1 .every token., got 0.0"),
        ({"top_p": 1.1}, "got 1.1"),
        ({"min_p": -0.1}, "min_p must be from 0 .every token. to 1, got -0.1"),
        ({"min_p": 1.1}, "got 1.1"),
        ({"typical_p": 0}, "typical_p must be above 0 and at most 1 .every token., got 0"),
    ],
)
def test_meaningless_options_are_errors(options, message):
    with pytest.raises(ValueError, match=message):
        sampling(seed=1, **options)


@pytest.mark.parametrize("size", [5, 64, 130])
def test_rows_that_come_in_parts_draw_as_those_that_come_together(size):
    logits = tf.random.stateless_normal([9, size], [1, 2])
    whole = sampling(seed=3)(logits, 7).numpy().tolist()
    assert len(set(whole)) > 2
    later = tf.function(lambda logits, row: sampling(seed=3, row=row)(logits, 7))
    compiled = tf.function(lambda logits, row: sampling(seed=3, row=row)(logits, 7), jit_compile=True)
    for first in (0, 4, 8):
        assert sampling(seed=3, row=first)(logits[first:], 7).numpy().tolist() == whole[first:]
        assert later(logits[first:], tf.constant(first)).numpy().tolist() == whole[first:]
    assert compiled(logits[4:], tf.constant(4)).numpy().tolist() == whole[4:]
    for rows in ([8, 0, 3], [5, 5], [2], list(range(9))[::-1]):  # and in another order
        numbers = tf.constant(rows)
        assert later(tf.gather(logits, rows), numbers).numpy().tolist() == [whole[row] for row in rows]
    assert later(logits[:0], tf.zeros([0], tf.int32)).shape == (0,)
