"""Growing states: the same answers as with full capacity from the start, and no more capacity than needed."""

import numpy as np
import pytest
import tensorflow as tf

from tfllm.generation import beam_search, growing_cache, sample, sampling

START, END, V, D, WIDTH, LENGTH, GROWTH = 2, 3, 12, 5, 3, 23, 4


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(growing_cache, "GROWTH", GROWTH)


class Cached:
    """Logits of the mean of all tokens so far, which are in a cache; END becomes probable at position `ends`."""

    def __init__(self, ends):
        rng = np.random.default_rng(1)
        self.into, self.out = (tf.constant(rng.normal(0, 2, shape), tf.float32) for shape in ((V, D), (D, V)))
        self.ends, self.capacities = ends, []

    def step(self, last, state, position):
        cache = state["cache"]
        here = tf.range(tf.shape(cache)[1])[:, None]
        cache = tf.where(here == position, tf.gather(self.into, last), cache)
        if tf.executing_eagerly():
            self.capacities.append(cache.shape[1])
        mean = tf.reduce_sum(tf.where(here <= position, cache, 0.0), axis=1) / tf.cast(position + 1, tf.float32)
        bonus = tf.where(position + 1 >= self.ends, 30.0, -30.0) * tf.one_hot(END, V)
        return mean @ self.out + bonus, {"cache": cache, "seen": state["seen"] + 1}

    @staticmethod
    def begin(rows, capacity):
        return {"cache": tf.fill([rows, capacity, D], 7.0), "seen": tf.zeros([rows], tf.int32)}

    @staticmethod
    def grow(state, capacity):
        more = capacity - tf.shape(state["cache"])[1]
        return {"cache": tf.pad(state["cache"], [[0, 0], [0, more], [0, 0]]), "seen": state["seen"]}

    def beams(self, starts, longest, capacity=None):
        options = {"n_best": 2} if capacity is None else {"n_best": 2, "grow": self.grow, "capacity": capacity}
        state = self.begin(tf.shape(starts)[0] * WIDTH, longest if capacity is None else tf.minimum(capacity, longest))
        return beam_search(self.step, state, starts, longest, WIDTH, **options)

    def sampled(self, prompt, capacity=None):
        """prompt [B, 2] and LENGTH - 2 positions more."""
        token_ids = tf.pad(prompt, [[0, 0], [0, LENGTH - 2]])
        options = {} if capacity is None else {"grow": self.grow, "capacity": capacity}
        state = self.begin(prompt.shape[0], LENGTH if capacity is None else min(capacity, LENGTH))
        return sample(self.step, state, token_ids, token_ids > 0, sampling(1), **options)


def assert_same(result, expected):
    for one, other in zip(result, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.parametrize("ends", [1, 5, 9, 99])
@pytest.mark.parametrize("capacity", [1, 4, 5, 64])
def test_a_growing_state_gives_the_same_beams(capacity, ends):
    model, starts = Cached(ends), tf.constant([START, 5, 6])
    expected = model.beams(starts, LENGTH)
    steps, model.capacities = model.capacities, []
    assert set(steps) == {LENGTH} and (len(steps) < LENGTH) == (ends < 99)
    assert_same(model.beams(starts, LENGTH, capacity), expected)
    positions = [*range(capacity, LENGTH, GROWTH), LENGTH]
    assert model.capacities == [next(n for n in positions if n > position) for position in range(len(steps))]


@pytest.mark.parametrize("capacity", [4, 64])
def test_one_graph_for_all_lengths_and_batches(capacity):
    """The longest answer known only as a tensor, as in a served translator."""
    spec = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)]
    for ends in (3, 99):
        model = Cached(ends)
        run = tf.function(lambda starts, longest, m=model: m.beams(starts, longest, capacity), spec, autograph=False)
        for starts, longest in (([START, 5], 3), ([4], 9), ([START, 5, 6], LENGTH)):
            starts = tf.constant(starts)
            assert_same(run(starts, longest), model.beams(starts, longest))


@pytest.mark.parametrize("ends", [6, 99])
@pytest.mark.parametrize("capacity", [1, 4, 64])
def test_a_growing_state_gives_the_same_sample(capacity, ends):
    model, prompt = Cached(ends), tf.constant([[START, 5], [START, 6], [7, 8]])
    expected = model.sampled(prompt)
    steps, model.capacities = model.capacities, []
    assert_same(model.sampled(prompt, capacity), expected)
    assert len(model.capacities) == len(steps) and model.capacities[0] == min(capacity, LENGTH) == min(model.capacities)
    assert max(model.capacities) <= max(len(steps) + GROWTH, capacity)
    assert_same(tf.function(lambda prompt: model.sampled(prompt, capacity), autograph=False)(prompt), expected)
