"""Masks by their statistics and laws: rates, whole words, what is never masked, seeds, epochs."""

import numpy as np
import pytest
import tensorflow as tf

from tfllm.data import batches, masking
from tfllm.data.masking import masked

MASK, OTHERS = 4, list(range(5, 1005))  # 0 pad, 1 unknown, 2 start, 3 end
SEED = [3, 7]


def batch(rows=400, length=100, seed=0):
    """START, 20 .. 98 tokens, END, padding: token_ids, maskable, and where words begin (of 1 to 5 pieces)."""
    draw = np.random.default_rng(seed)
    sizes = draw.integers(20, length - 1, rows)
    position = np.arange(length)
    maskable = (position > 0) & (position <= sizes[:, None])
    token_ids = np.where(maskable, draw.integers(5, 1005, (rows, length)), 0)
    token_ids[:, 0] = 2
    token_ids[np.arange(rows), sizes + 1] = 3
    return token_ids.astype("int32"), maskable, draw.random((rows, length)) < 0.6


def drawn(seed=SEED, whole=False, rate=0.15, data=None):
    token_ids, maskable, begins = data or batch()
    result = masked(token_ids, maskable, seed, MASK, OTHERS, rate, begins if whole else None)
    return [part.numpy() for part in result]


def chosen(positions, weights, length=100):
    result = np.zeros((len(positions), length), bool)
    for row, (where, real) in enumerate(zip(positions, weights > 0, strict=True)):
        result[row, where[real]] = True
    return result


@pytest.mark.parametrize("whole", [False, True])
def test_rates_are_those_of_the_paper(whole):
    """15 % of the tokens; of these 80 % masks, 10 % others, 10 % as they were: each within 1 %."""
    before, maskable, begins = batch(4000)
    inputs, positions, targets, weights = drawn(whole=whole, data=(before, maskable, begins))
    where = chosen(positions, weights)
    assert abs(where.sum() / maskable.sum() - 0.15) < 0.0015
    new, old = inputs[where], before[where]
    assert where.sum() > 35000
    assert abs((new == MASK).mean() - 0.8) < 0.01
    assert abs((new == old).mean() - 0.1 - 0.1 / 1000) < 0.01  # a random token is the old one now and then
    random = new[(new != MASK) & (new != old)]
    assert abs(len(random) / len(new) - 0.1) < 0.01
    assert set(random) <= set(OTHERS) and len(set(random)) > 900 and abs(random.mean() - 504.5) < 504.5 * 0.05
    np.testing.assert_array_equal(inputs[~where], before[~where])


def test_every_row_has_its_share_and_each_token_the_same_chance():
    _, maskable, _ = data = batch()
    hits = np.zeros(maskable.shape)
    for i in range(60):
        _, positions, _, weights = drawn([3, i], data=data)
        where = chosen(positions, weights)
        np.testing.assert_array_equal(where.sum(1), np.round(0.15 * maskable.sum(1)))
        hits += where
    by_place = hits.sum(0)[1:20] / 60 / 400  # places that every row has
    assert abs(by_place - by_place.mean()).max() < 0.012 and not hits[~maskable].any()


def test_targets_are_what_stood_there():
    before, maskable, _ = data = batch()
    _, positions, targets, weights = drawn(data=data)
    assert positions.shape == targets.shape == weights.shape == (400, 15)
    assert (np.diff(positions)[weights[:, 1:] > 0] > 0).all()  # rising, each place once
    np.testing.assert_array_equal(np.take_along_axis(before, positions, 1)[weights > 0], targets[weights > 0])
    assert maskable[chosen(positions, weights)].all() and not targets[weights == 0].any()


def words(maskable, begins):
    """By a loop over one row: a list of lists of places."""
    result = []
    for position, may in enumerate(maskable):
        if may and (begins[position] or not maskable[position - 1]):
            result.append([])
        if may:
            result[-1].append(position)
    return result


def test_whole_words_are_masked_whole_or_not_at_all():
    _, maskable, begins = data = batch()
    _, positions, _, weights = drawn(whole=True, data=data)
    where, several = chosen(positions, weights), 0
    for row in range(400):
        for word in words(maskable[row], begins[row]):
            assert len(set(where[row, word])) == 1
            several += len(word) > 1 and where[row, word[0]]
    assert several > 300
    missed = np.round(0.15 * maskable.sum(1)) - where.sum(1)
    assert (missed >= 0).all() and missed.mean() < 0.1


def test_a_word_too_long_for_its_row_is_passed_over():
    maskable, begins = tf.constant([[True] * 8]), tf.constant([[True] + [False] * 6 + [True]])
    for i in range(8):
        assert masking.choose(maskable, tf.constant([3]), [0, i], begins).numpy().tolist() == [[False] * 7 + [True]]
    one = masked(tf.range(8)[None], maskable, SEED, 9, [8], 0.3, tf.constant([[True] + [False] * 7]))
    assert one[3].numpy().tolist() == [[0.0, 0.0]] and one[0].numpy().tolist() == [list(range(8))]


def test_short_rows_have_one_mask_and_empty_rows_none():
    maskable = [[False, True, False, False], [False] * 4, [True] * 4]
    weights = masked(np.full((3, 4), 7, "int32"), maskable, SEED, MASK, OTHERS)[3]
    assert weights.numpy().tolist() == [[1.0], [0.0], [1.0]]


def test_a_seed_repeats_and_another_does_not():
    tf.random.set_seed(1)
    first = drawn()
    tf.random.set_seed(2)  # the seed of the program is of no matter
    for part, again in zip(first, drawn(), strict=True):
        np.testing.assert_array_equal(part, again)
    for seed in ([3, 8], [4, 7]):
        other = drawn(seed)
        assert (first[1] != other[1])[first[3] > 0].mean() > 0.8


def test_masks_are_new_in_every_epoch_and_those_of_an_epoch_come_again():
    rows = tf.ragged.constant([[100 + i] * 20 for i in range(30)], tf.int32)
    plan = batches.plan(batches.lengths(rows), batch_size=8)

    def mask(token_ids, seed):
        result = masked(token_ids, token_ids > 0, seed, MASK, OTHERS)
        return {"inputs": result[0], "places": result[1]}

    def epoch(made, number, seed=1):
        made.epoch = number
        return np.concatenate([part["places"] for part in made.dataset.as_numpy_iterator()])

    def made(seed=1):
        return masking.Remasked(batches.Batches(rows, plan, None), mask, seed)

    one = made()
    first, second = epoch(one, 0), epoch(one, 1)
    assert len(one.dataset) == plan.batches and first.shape == (30, 3)
    assert (first != second).mean() > 0.5
    assert len({tuple(part.ravel()) for part in np.split(first[8:29], 3)}) == 3  # batches differ too
    np.testing.assert_array_equal(first, epoch(one, 0))
    np.testing.assert_array_equal(second, epoch(made(), 1))  # as after an interruption
    assert (first != epoch(made(2), 0)).any()
