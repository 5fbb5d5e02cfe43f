"""Steps that change their state in place: the same answers as with copies, also where empty caches are equal."""

import numpy as np
import pytest
import tensorflow as tf

from tfllm.generation import beam_search, in_place, sample

START, END, V, D, LENGTH = 2, 3, 12, 5, 9
RNG = np.random.default_rng(1)
INTO, OTHER, OUT = (tf.constant(RNG.normal(0, 2, shape), tf.float32) for shape in ((V, D), (V, D), (2 * D, V)))


def step_by(update):
    """Logits of the means of two caches of all tokens so far, each of other vectors."""

    def stored(cache, position, table, last):
        rows = tf.shape(cache)[0]
        where = (tf.range(rows) * tf.shape(cache)[1] + position)[:, None]
        return tf.reshape(update(tf.reshape(cache, [-1, D]), where, tf.gather(table, last[:, 0])), tf.shape(cache))

    def step(last, state, position):
        state = tuple(stored(c, position, table, last) for c, table in zip(state, (INTO, OTHER), strict=True))
        means = [tf.reduce_sum(c, axis=1) / tf.cast(position + 1, tf.float32) for c in state]
        return tf.concat(means, axis=1) @ OUT, state

    return step


def empty(rows, length=LENGTH):
    return tuple(tf.zeros([rows, length, D]) for _ in range(2))


def answers(kind, starts, update, own):
    step = step_by(update)
    if kind == "beam":
        return beam_search(step, empty(3 * tf.shape(starts)[0]), starts, LENGTH, 3, n_best=2, in_place=own)
    prompt = tf.pad(starts[:, None], [[0, 0], [0, LENGTH - 1]])
    if kind == "sample":
        return sample(step, empty(tf.shape(starts)[0]), prompt, prompt > 0, in_place=own)

    def grow(state, length):
        return tuple(tf.pad(c, [[0, 0], [0, length - tf.shape(c)[1]], [0, 0]]) for c in state)

    state = empty(tf.shape(starts)[0], 4)
    return sample(step, state, prompt, prompt > 0, grow=grow, capacity=4, in_place=own)


@pytest.mark.parametrize("kind", ["sample", "growing", "beam"])
def test_the_answers_are_those_of_copies(kind):
    """Called twice: what the first call wrote is not there in the second."""
    starts = tf.constant([START, 5, 6])
    expected = answers(kind, starts, tf.tensor_scatter_nd_update, own=False)
    run = tf.function(lambda starts: answers(kind, starts, in_place.update, own=True), autograph=False)
    for _ in range(2):
        for one, right in zip(run(starts), expected, strict=True):
            np.testing.assert_allclose(one, right, rtol=1e-5)
    kinds = {node.op for f in run.get_concrete_function(starts).graph.as_graph_def().library.function
             for node in f.node_def}  # fmt: skip
    assert "InplaceUpdate" in kinds and "TensorScatterUpdate" not in kinds


def test_no_two_tensors_share_memory():
    """Two zeros of one shape are one tensor in a compiled graph, and a constant is that of all calls."""

    @tf.function(autograph=False)
    def changed():
        first, second, fixed = in_place.owned((tf.zeros([4, 2]), tf.zeros([4, 2]), tf.constant([[1.0, 2.0]] * 4)))
        where, new = tf.constant([[1]]), tf.constant([[7.0, 8.0]])
        with tf.control_dependencies([in_place.update(first, where, new), in_place.update(fixed, where, new)]):
            return tf.identity(second), tf.identity(fixed)[2]

    for _ in range(2):
        second, row = changed()
        assert not second.numpy().any() and row.numpy().tolist() == [1.0, 2.0]
