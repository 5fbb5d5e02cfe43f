"""Streams: the very tokens of `sample`, in parts, from one graph."""

import numpy as np
import pytest
import tensorflow as tf

from tests.generation.models import Markov
from tfllm.generation import Loop, drawing, min_length, no_repeat_ngram, sample, sampling, stream

START, END, V = 2, 3, 40
PROMPT = np.array([[2, 7, 8, 9, 0, 0], [2, 0, 0, 0, 0, 0], [9, 9, 0, 0, 0, 0]])
RULES = (no_repeat_ngram(3), min_length(8))


def made():
    """-> model, prompts of three lengths in 20 positions, their mask, stops: 11 followed by 12 or more ends a text."""
    token_ids = tf.constant(np.pad(PROMPT, [[0, 0], [0, 14]]))
    stops = np.zeros((3, V), "int32")
    stops[:, 11], stops[1, 12:] = 1, 2
    return Markov(np.random.default_rng(2).normal(0, 1.5, (V, V))), token_ids, token_ids > 0, stops


@pytest.mark.parametrize("chunk", [1, 3, 50])
def test_streamed_texts_are_the_sampled_ones(chunk):
    model, token_ids, given, stops = made()
    traced, ends = [], set()

    def loop(seed):
        return Loop(drawing(model.step, sampling(seed), RULES), stops)

    @tf.function(autograph=False)
    def run(now, until, seed):
        traced.append(seed)
        return loop(seed).run(now, until)

    @tf.function(autograph=False)
    def whole(seed):
        parts = {"choose": sampling(seed), "rules": RULES, "stops": stops}
        return sample(model.step, model.begin(3), token_ids, given, **parts)

    for seed in map(tf.constant, range(12)):
        now = loop(seed).begin(model.begin(3), token_ids, given)
        pieces = list(stream(lambda now, until, seed=seed: run(now, until, seed), now, chunk))
        texts = whole(seed)
        for row, size, prompt in zip(range(3), texts.lengths.numpy(), PROMPT, strict=True):
            output = np.concatenate([prompt[prompt > 0], *(piece[row] for piece in pieces)])
            assert output.tolist() == texts.token_ids.numpy()[row, :size].tolist()
            ends.add("length" if size == 20 else "END" if output[-1] == END else "stop")
        assert all(any(len(row) for row in piece) and max(map(len, piece)) <= chunk for piece in pieces)
    assert ends == {"length", "END", "stop"} and len(traced) == 1


def test_a_stream_comes_while_it_is_made():
    """The first token is there after one step, and a text that has ended costs none."""
    shown = []

    def step(last, state, position):
        shown.append(int(position))
        return tf.one_hot(tf.where(position < 3, [7], [END]), 9), state

    loop = Loop(drawing(step))
    now = loop.begin((), tf.constant([[2] + [0] * 9]), tf.constant([[True] + [False] * 9]))
    pieces = stream(loop.run, now)
    assert next(pieces)[0].tolist() == [7] and shown == [0]
    assert [piece[0].tolist() for piece in pieces] == [[7], [7], [END]] and shown == [0, 1, 2, 3]


def test_prompts_are_passed_in_one_run():
    model, token_ids, given, _ = made()
    loop, runs = Loop(drawing(model.step)), []

    def run(now, until):
        runs.append((int(now.position), int(until)))
        return loop.run(now, until)

    now = loop.begin(model.begin(1), token_ids[:1], given[:1])
    assert len(next(stream(run, now, 2))[0]) == 2 and runs == [(0, 5)]
    now = loop.begin(model.begin(1), token_ids[:1], given[:1], position=3)
    assert len(next(stream(run, now, 2))[0]) == 2 and runs[1:] == [(3, 5)]


def test_an_empty_text_yields_nothing():
    def step(last, state, position):
        raise AssertionError("shown a token")

    loop = Loop(drawing(step))
    now = loop.begin((), tf.constant([[2, 7]]), tf.constant([[True, True]]))
    assert list(stream(loop.run, now)) == []


def test_chunks_have_a_size():
    with pytest.raises(ValueError, match="chunk must be at least 1, not 0"):
        next(stream(None, None, 0))
