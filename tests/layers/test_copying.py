"""Copying and coverage against loops from the paper, and by their laws."""

import keras
import numpy as np
import pytest

from tests.layers.parts import kernel, normal, number, scatter
from tests.reference import copying as reference
from tfllm.layers.decoders.copying import CopyAttention, Copying, CoverageCell, uncovered

B, T, S, Q, D, A, X, V, EXTRA = 2, 3, 4, 5, 6, 7, 8, 9, 4
STATES, MEMORY = normal(1, B, T, Q), normal(2, B, S, D)
MASK = np.array([[True, True, True, True], [True, True, False, False]])[:, None]  # [B, 1, S]
SOURCE = np.array([[5, 10, 5, 12], [9, 3, 0, 0]])  # a word twice, and such as the vocabulary has not
NOTHING = np.zeros((B, S), "float32")


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "coverage"])
def attention(request):
    layer = CopyAttention(A, request.param)
    layer.build((None, None, Q), (None, None, D))
    return scatter(layer, seed=5)


def weights_of(layer):
    p = {"W_h": kernel(layer.to_key), "W_s": kernel(layer.to_query), "b": number(layer.to_query.bias)}
    cell = layer.loop.cell
    return p | {"v": kernel(cell.to_score)[:, 0]} | ({"w_c": number(cell.of_coverage)} if layer.coverage else {})


def call(layer, x, **options):
    covered = {"covered": NOTHING} if layer.coverage else {}
    return layer(x, keys=layer.project(MEMORY), attention_mask=MASK, **covered | options)


def test_it_looks_as_the_paper_says(attention):
    weights, covered = call(attention, STATES)
    lost = np.array(uncovered(weights))
    for b, real in enumerate((4, 2)):
        expected, right = reference.copies(STATES[b], MEMORY[b, :real], weights_of(attention), attention.coverage)
        np.testing.assert_allclose(weights[b, :, :real], expected, atol=1e-6)
        np.testing.assert_allclose(lost[b], right, atol=1e-6)
        assert not np.array(weights)[b, :, real:].any()
    assert isinstance(covered, tuple) != attention.coverage
    if attention.coverage:
        np.testing.assert_allclose(covered, np.sum(weights, axis=1), atol=1e-6)


def test_one_token_at_a_time_with_beams_side_by_side(attention):
    """Two rows for each of the memory, one token after the other: as all tokens at once."""
    expected, covered = call(attention, STATES)[0], np.repeat(NOTHING, 2, axis=0)
    for t in range(T):
        options = {"covered": covered} if attention.coverage else {}
        weights, covered = call(attention, np.repeat(STATES[:, t : t + 1], 2, axis=0), **options)
        np.testing.assert_allclose(weights[:, 0], np.repeat(expected[:, t], 2, axis=0), atol=1e-6)


def test_coverage_keeps_from_looking_twice():
    """With a large negative w_c the second look goes elsewhere, whatever the state."""
    layer = CopyAttention(1, coverage=True)
    layer.build((None, None, Q), (None, None, D))
    layer.loop.cell.to_score.kernel.assign([[50.0]])
    layer.loop.cell.of_coverage.assign([-50.0])
    same = np.repeat(STATES[:1, :1], 2, axis=1)
    keys = normal(3, 1, S, 1)
    weights = np.array(layer(same, keys=keys, attention_mask=MASK[:1], covered=NOTHING[:1])[0])
    assert weights[0, 0].argmax() != weights[0, 1].argmax()
    np.testing.assert_allclose(uncovered(weights)[0], [0, np.minimum(*weights[0]).sum()], atol=1e-6)


@pytest.fixture(scope="module")
def copying():
    layer = Copying(EXTRA)
    layer.build((None, None, Q), (None, None, X), (None, None, D))
    return scatter(layer, seed=4)


def outputs(copying, rows=1):
    """Log-probabilities of all rows, each `rows` times, and what they are made of."""
    logits, x = normal(6, B, T, V), normal(7, B, T, X)
    looks = np.array(keras.ops.softmax(normal(8, B, T, S))) * MASK
    repeated = [np.repeat(part, rows, axis=0) for part in (logits, STATES, x, looks)]
    out = copying(repeated[0], s=repeated[1], x=repeated[2], memory=MEMORY, weights=repeated[3], source_ids=SOURCE)
    return np.array(out), (logits, x, looks)


def test_it_says_what_the_paper_says(copying):
    out, (logits, x, looks) = outputs(copying)
    assert out.shape == (B, T, V + EXTRA)
    switch = kernel(copying.to_switch)[:, 0]
    p = {
        "w_h": switch[:D],
        "w_s": switch[D : D + Q],
        "w_x": switch[D + Q :],
        "b_ptr": number(copying.to_switch.bias)[0],
    }
    for b in range(B):
        for t in range(T):
            expected = reference.distribution(
                logits[b, t], STATES[b, t], x[b, t], MEMORY[b], looks[b, t], SOURCE[b], EXTRA, p
            )
            np.testing.assert_allclose(np.exp(out[b, t]), expected, atol=1e-6)
    assert (out[0, :, [9, 11]] < -60).all() and (out[0, :, [10, 12]] > -20).all()  # said are words of this source


def test_beams_share_the_memory_of_their_text(copying):
    np.testing.assert_allclose(outputs(copying, rows=3)[0], np.repeat(outputs(copying)[0], 3, axis=0), atol=1e-5)


@pytest.mark.parametrize("layer", [CopyAttention(3, True, name="a"), Copying(4), CoverageCell(2, False)])
def test_config_makes_the_same_layer(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer) and again.get_config() == layer.get_config()
