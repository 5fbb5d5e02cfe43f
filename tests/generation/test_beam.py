"""Beam search against every sequence there is, against a beam of Python lists, and against its own laws."""

import numpy as np
import pytest
import tensorflow as tf

from tests.generation.models import Tree, told
from tests.reference import generation as reference
from tfllm.generation import beam_search

ALPHAS = (0.0, 0.6, 1.0, 2.0)


def searched(trees, max_length, width, **options):
    """Beams of all `trees` in one batch, by a compiled tf.function."""

    @tf.function(autograph=False)
    def run(table):
        start = tf.fill([len(trees)], 2)
        return beam_search(
            Tree.step(table), Tree.begin(len(trees), width), start, max_length, width, forbidden=(), pad=-1, **options
        )

    return told(run(tf.stack([tree.table for tree in trees])))


def assert_same(found, expected):
    assert [ids for ids, _, _ in found] == [ids for ids, _, _ in expected]
    np.testing.assert_allclose([h[1:] for h in found], [h[1:] for h in expected], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(("vocab_size", "max_length", "n_best"), [(2, 6, 7), (3, 4, 5), (4, 3, 3), (5, 2, 1)])
def test_wide_beam_is_exhaustive_search(vocab_size, max_length, n_best, alpha):
    """200 models whose logits depend on the whole prefix, 50 a shape; the beam holds V ** T prefixes."""
    end = vocab_size - 1
    trees = [Tree(seed, vocab_size, max_length) for seed in range(50)]
    found = searched(
        trees, max_length, vocab_size**max_length, end=end, n_best=n_best, length_penalty=alpha
    )
    for tree, hypotheses in zip(trees, found, strict=True):
        assert_same(hypotheses, reference.exhaustive(tree, vocab_size, max_length, end, alpha)[:n_best])


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_narrow_beam_is_the_beam_of_lists(width, alpha):
    """The reference never stops early: equality also proves the stop."""
    trees = [Tree(seed, 4, 6) for seed in range(40)]
    found = searched(trees, 6, width, end=3, n_best=width, length_penalty=alpha)
    for tree, hypotheses in zip(trees, found, strict=True):
        expected = reference.beam(tree, 6, width, 3, alpha, width)
        assert_same(hypotheses, expected)
