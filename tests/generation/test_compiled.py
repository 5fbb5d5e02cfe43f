"""The loops in graph: no Python per token, and one result from eager code, tf.function, XLA and a SavedModel."""

import numpy as np
import pytest
import tensorflow as tf

from tfllm.generation import beam_search, sample, sampling

START, END, V, D, WIDTH, LENGTH = 2, 3, 1500, 4, 3, 12


class Recurrent(tf.Module):
    """A tiny recurrent model: its state is a nest, its vocabulary long enough for the search by blocks."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.into = tf.Variable(rng.normal(0, 1, (V, D)), dtype=tf.float32)
        self.out = tf.Variable(rng.normal(0, 1.5, (D, V)), dtype=tf.float32)
        self.end = tf.constant(4.0 * np.eye(V)[END], tf.float32)

    def step(self, last, state, position):
        h = tf.tanh(0.5 * state["h"] + tf.gather(self.into, last[:, 0]))
        seen = tf.where(tf.range(LENGTH) == position, last, state["cache"][0])
        return h @ self.out + self.end, {"h": h, "cache": [seen]}

    def begin(self, starts, rows):
        h = tf.repeat(tf.gather(self.into, starts), rows, 0)
        return {"h": h, "cache": [tf.zeros([tf.shape(h)[0], LENGTH], tf.int32)]}

    def beams(self, starts):
        return beam_search(self.step, self.begin(starts, WIDTH), starts, LENGTH, WIDTH, n_best=2)

    def sampled(self, starts):
        token_ids = tf.pad(starts[:, None], [[0, 0], [0, LENGTH - 1]])
        mask = tf.broadcast_to(tf.range(LENGTH) == 0, tf.shape(token_ids))
        choose = sampling(seed=5, temperature=0.8, top_k=200, top_p=0.9)
        return sample(self.step, self.begin(starts, 1), token_ids, mask, choose)


def exported(model, method, folder):
    """The method in a SavedModel, for any batch, plain and compiled."""
    served, run, spec = tf.Module(), getattr(model, method), [tf.TensorSpec([None], tf.int32)]
    served.model = model
    served.plain = tf.function(run, spec, autograph=False)
    served.compiled = tf.function(run, spec, autograph=False, jit_compile=True)
    tf.saved_model.save(served, folder)
    return tf.saved_model.load(folder)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["beams", "sampled"])
def test_eager_graph_xla_and_saved_model_agree(method, tmp_path):
    model, starts = Recurrent(), tf.constant([START, 7, 8, 9, 10])
    run = getattr(model, method)
    expected = run(starts)
    assert len(np.unique(expected[0].numpy()[..., 1:])) > 10
    loaded = exported(model, method, str(tmp_path / "1"))
    for other in (
        tf.function(run, autograph=False)(starts),
        tf.function(run)(starts),
        tf.function(run, jit_compile=True, autograph=False)(starts),
        loaded.plain(starts),
        loaded.compiled(starts),
    ):
        for result, wanted in zip(other, expected, strict=True):
            np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-5)
    alone = [loaded.plain(starts[i : i + 1])[0][0].numpy().tolist() for i in range(5)]
    if method == "beams":
        assert alone == expected[0].numpy().tolist()


def test_a_length_known_only_as_a_tensor():
    """max_length from the shape of the input, as a translator wants it: XLA folds it, a graph carries it."""
    model, starts = Recurrent(), tf.constant([START, 7])

    def run(source):
        longest = tf.shape(source)[1] + 3
        return beam_search(model.step, model.begin(starts, WIDTH), starts, longest, WIDTH)

    source = tf.zeros([2, 4])
    expected = run(source)
    spec = [tf.TensorSpec([2, None])]
    for other in (tf.function(run, spec, autograph=False), tf.function(run, jit_compile=True, autograph=False)):
        assert other(source).token_ids.numpy().tolist() == expected.token_ids.numpy().tolist()


def count(function, *arguments):
    """Operations in a trace, those of its loops' bodies included."""
    graph = tf.function(function, autograph=False).get_concrete_function(*arguments).graph.as_graph_def()
    return len(graph.node) + sum(len(f.node_def) for f in graph.library.function)


def test_traces_do_not_grow_with_the_text():
    table = tf.random.stateless_normal([9, 9], [1, 2])

    def step(last, state, position):
        return tf.gather(table, last[:, 0]), state

    def beams(length):
        return count(lambda starts: beam_search(step, (), starts, length, 2), tf.constant([START]))

    def sampled(length):
        ids = tf.constant([[START] + [0] * length])
        return count(lambda ids: sample(step, (), ids, ids > 0, sampling(seed=1)), ids)

    assert beams(5) == beams(50) and sampled(5) == sampled(50)
