"""The encoder against loops over the real tokens alone: each direction begins at the text's own end."""

import keras
import numpy as np
import pytest

from tests.layers.parts import normal, recurrent, scatter
from tests.reference import seq2seq as reference
from tfllm.layers import BidirectionalEncoder
from tfllm.layers.bidirectional import reversal

B, S, D, U, LAYERS = 3, 5, 3, 4, 2
LENGTHS = [5, 3, 1]
X, MASK = normal(1, B, S, D), np.arange(S)[None] < np.array(LENGTHS)[:, None]


@pytest.fixture(scope="module", params=["lstm", "gru"])
def encoder(request):
    layer = BidirectionalEncoder(LAYERS, U, request.param)
    layer.build((None, None, D))
    return scatter(layer)


def test_it_is_the_loops(encoder):
    memory, finals = encoder(X, padding_mask=MASK)
    assert memory.shape == (B, S, U) and [final.shape for final in finals] == [(B, U)] * LAYERS
    pairs = zip(encoder.forwards, encoder.backwards, strict=True)
    layers = [(recurrent(ahead), recurrent(back)) for ahead, back in pairs]
    for b, length in enumerate(LENGTHS):
        expected, last = reference.encoder(X[b, :length], layers, encoder.numbers["cell"])
        np.testing.assert_allclose(memory[b, :length], expected, atol=1e-5)
        for final, right in zip(finals, last, strict=True):
            np.testing.assert_allclose(final[b], right, atol=1e-5)


def test_padding_changes_nothing(encoder):
    """Whatever stands there, and however much."""
    memory, finals = encoder(X, padding_mask=MASK)
    other = np.where(MASK[..., None], X, 100)
    other = np.concatenate([other, -np.ones((B, 3, D), "float32")], axis=1)
    again, last = encoder(other, padding_mask=np.pad(MASK, [[0, 0], [0, 3]]))
    np.testing.assert_allclose(again.numpy()[:, :S][MASK], memory.numpy()[MASK], atol=1e-6)
    for one, right in zip(last, finals, strict=True):
        np.testing.assert_allclose(one, right, atol=1e-6)


def test_real_tokens_are_turned_round_and_back():
    order = reversal(np.array([5, 3, 0]), 5).numpy()
    assert order.tolist() == [[4, 3, 2, 1, 0], [2, 1, 0, 3, 4], [0, 1, 2, 3, 4]]
    assert np.take_along_axis(order, order, axis=1).tolist() == [list(range(5))] * 3


def test_a_text_without_tokens_is_finite(encoder):
    memory, finals = encoder(X, padding_mask=np.zeros((B, S), bool))
    assert all(np.isfinite(part).all() for part in (memory, *finals))


def test_dropout_comes_after_each_layer():
    layer = BidirectionalEncoder(1, U, rate=0.5)
    layer.build((None, None, D))
    scatter(layer)
    calm, dropped = layer(X, padding_mask=MASK)[0].numpy(), layer(X, padding_mask=MASK, training=True)[0].numpy()
    assert 0 < (dropped == 0).mean() < 1
    np.testing.assert_allclose(dropped[dropped != 0], 2 * calm[dropped != 0], rtol=1e-5)


def test_an_odd_number_of_units_is_refused():
    with pytest.raises(ValueError, match="num_units must be even .*; got 5"):
        BidirectionalEncoder(1, 5)


def test_config_makes_the_same_layer():
    layer = BidirectionalEncoder(LAYERS, U, "gru", 0.2, name="read")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
