"""Positions against the paper's formula, number by number, and against keras-nlp."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.parts import normal
from tests.reference import positions as reference
from tfllm.layers import LearnedPositions, SinusoidalPositions
from tfllm.layers.positions import sinusoids
from tfllm.layers.rotary import rotate

KINDS = (SinusoidalPositions, LearnedPositions)


def test_a_table_that_fills_the_memory_is_not_made():
    with pytest.raises(ValueError, match="a table of 1000000000 positions of width 8 is too large"):
        sinusoids(10**9, 8)


@pytest.mark.parametrize("width", [1, 2, 7, 12])
def test_sinusoids_are_the_paper_s(width):
    np.testing.assert_allclose(sinusoids(40, width), reference.sinusoids(40, width), atol=1e-6)


def test_a_distance_is_one_turn_wherever_it_starts():
    """PE(p + k) is a linear function of PE(p), sec. 3.5: the same rotation for every p."""
    table = sinusoids(30, 6)
    for k in (1, 7):
        turn, *_ = np.linalg.lstsq(table[:-k], table[k:], rcond=None)
        np.testing.assert_allclose(table[:-k] @ turn, table[k:], atol=1e-5)


def test_the_table_is_added():
    x = normal(0, 2, 5, 6)
    positions = SinusoidalPositions(9, 6)
    np.testing.assert_allclose(positions(x), x + sinusoids(5, 6), atol=1e-6)
    positions = LearnedPositions(9, 6)
    np.testing.assert_allclose(positions(x), x + positions.table.numpy()[:5], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_one_place_at_a_time_is_all_at_once(kind):
    x, positions = normal(1, 2, 5, 6), kind(5, 6)
    whole = positions(x).numpy()
    for t in range(5):
        for position in (t, keras.ops.convert_to_tensor(t)):
            np.testing.assert_array_equal(positions(x[:, t : t + 1], position=position)[:, 0], whole[:, t])


@pytest.mark.parametrize("kind", KINDS)
def test_more_tokens_than_positions_are_refused(kind):
    positions = kind(5, 6)
    with pytest.raises(ValueError, match="positions for 5 tokens, got 6"):
        positions(normal(0, 1, 6, 6))
    with pytest.raises(ValueError, match="positions for 5 tokens, got 7"):
        positions(normal(0, 1, 3, 6), position=4)


@pytest.mark.parametrize("kind", KINDS)
def test_config_makes_the_same_layer(kind):
    positions = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(kind(5, 6, name="places")))
    assert type(positions) is kind and (positions.max_length, positions.d_model, positions.name) == (5, 6, "places")


def test_learned_positions_learn():
    positions = LearnedPositions(5, 6)
    positions(normal(0, 1, 2, 6))
    assert [weight.shape for weight in positions.trainable_weights] == [(5, 6)]


def paired(x):
    """Our order of a head's numbers, (x_i, x_{i + K/2}), in the paper's, (x_{2i}, x_{2i + 1})."""
    return np.stack(np.split(np.asarray(x), 2, axis=-1), axis=-1).reshape(x.shape)


@pytest.mark.parametrize("base", [10000.0, 50.0])
@pytest.mark.parametrize("position", [0, 3])
def test_rotations_are_the_paper_s(position, base):
    x = normal(2, 2, 5, 3, 6)  # [B, T, H, K]
    result = paired(rotate(x, position, base))
    for b, h in np.ndindex(2, 3):
        np.testing.assert_allclose(result[b, :, h], reference.rotary(paired(x)[b, :, h], position, base), atol=1e-5)


def test_a_product_of_rotated_vectors_knows_their_distance_alone():
    """Su et al. 2021, eq. 16; and the first place is not turned."""
    q, k = normal(3, 1, 1, 1, 8), normal(4, 1, 1, 1, 8)
    np.testing.assert_array_equal(rotate(q), q)
    products = {p: np.sum(rotate(q, p + 4) * rotate(k, p)) for p in (0, 1, 30, 500)}
    np.testing.assert_allclose(list(products.values()), products[0], atol=1e-4)
    assert abs(np.sum(rotate(q, 5) * rotate(k)) - products[0]) > 0.01


def test_rotated_one_place_at_a_time_is_all_at_once():
    x = normal(5, 2, 5, 3, 4)
    whole, turn = rotate(x).numpy(), tf.function(rotate)
    for t in range(5):
        for one in (rotate(x[:, t : t + 1], t), turn(x[:, t : t + 1], tf.constant(t))):
            np.testing.assert_allclose(one[:, 0], whole[:, t], atol=1e-6)


def test_an_odd_width_has_no_pairs():
    with pytest.raises(ValueError, match="even head width; got 3"):
        rotate(normal(0, 1, 2, 2, 3))


@pytest.mark.peers
def test_keras_nlp_has_the_same_rotations():
    layers = pytest.importorskip("keras_hub").layers
    x = normal(6, 2, 7, 3, 8)
    np.testing.assert_allclose(rotate(x, 2), layers.RotaryEmbedding()(x, start_index=2), atol=1e-5)


@pytest.mark.peers
def test_keras_nlp_has_the_same_sinusoids():
    layers = pytest.importorskip("keras_hub").layers
    x = np.zeros((1, 20, 8), "float32")
    np.testing.assert_allclose(SinusoidalPositions(20, 8)(x), layers.SinePositionEncoding()(x), atol=1e-5)
