"""Rows that have ended leave the loops: the texts of all rows are the same, and fewer rows are computed."""

import numpy as np
import pytest
import tensorflow as tf

from tests import zoo
from tests.generation.test_growing_cache import LENGTH, WIDTH, Cached, assert_same
from tests.zoo import TEXTS
from tfllm.generation import beam_search, growing_cache, no_repeat_ngram, sample

ENDS = np.array([19, 2, 6, 30, 5, 11])  # the position at which each text ends, if it may be so long
START = tf.constant([2, 4, 5, 6, 7, 8])


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(growing_cache, "GROWTH", 4)


class Batch(Cached):
    """Each text ends at a position of its own."""

    def __init__(self):
        super().__init__(None)
        self.rows = []

    def select(self, width=1):
        def of(rows=None):
            ends = np.repeat(ENDS, width) if rows is None else tf.repeat(tf.gather(ENDS, rows), width)

            def step(last, state, position):
                self.ends = tf.cast(ends, tf.int32)[:, None]
                if tf.executing_eagerly():
                    self.rows.append(last.shape[0])
                return self.step(last, state, position)

            return step

        return of

    def searched(self, leaving, rules=(), limits=None):
        select = self.select(WIDTH)
        options = {"grow": self.grow, "capacity": 4, "n_best": 2, "rules": rules, "limits": limits}
        state = self.begin(START.shape[0] * WIDTH, 4)
        return beam_search(select(), state, START, LENGTH, WIDTH, select=select if leaving else None, **options)

    def written(self, leaving, rules=()):
        select, token_ids = self.select(), tf.pad(START[:, None], [[0, 0], [0, LENGTH - 1]])
        options = {"grow": self.grow, "capacity": 4, "rules": rules}
        state = self.begin(START.shape[0], 4)
        return sample(select(), state, token_ids, token_ids > 0, select=select if leaving else None, **options)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("rules", [(), (no_repeat_ngram(2),)])
def test_greedy_texts_are_the_same(rules, compiled):
    run = tf.function(Batch().written, autograph=False) if compiled else Batch().written
    assert_same(run(True, rules), run(False, rules))


@pytest.mark.parametrize("limits", [None, [23, 3, 9, 23, 1, 0]])
@pytest.mark.parametrize("rules", [(), (no_repeat_ngram(2),)])
def test_so_are_those_of_a_beam(rules, limits):
    assert_same(Batch().searched(True, rules, limits), Batch().searched(False, rules, limits))


def test_and_compiled():
    run = tf.function(Batch().searched, autograph=False)
    assert_same(run(True), run(False))


def test_fewer_rows_are_computed():
    alone, together = Batch(), Batch()
    result = alone.written(True)
    together.written(False)
    assert together.rows == [6] * len(together.rows) and len(alone.rows) == len(together.rows)
    reached = np.minimum(result.lengths, LENGTH) - 1  # the steps of each text
    expected = [(reached > 4 * (position // 4)).sum() for position in range(len(alone.rows))]
    assert alone.rows == expected


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["translator", "summarizer", "gpt"])
def test_the_texts_of_a_batch_are_those_of_each_alone(kind):
    """Two texts of one word, whose answers have a limit of their own, beside longer ones."""
    task, texts = zoo.made(kind), [*TEXTS, zoo.LONG, "dog", "no cat"]
    options = {"beam_width": 1 if kind == "gpt" else 2, "verbose": 0}
    assert task.generate(texts, **options) == [task.generate(text, **options) for text in texts]
