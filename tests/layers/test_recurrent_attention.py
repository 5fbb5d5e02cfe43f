"""Additive and multiplicative attention against loops, and by their laws."""

import keras
import numpy as np
import pytest

from tests.layers.parts import kernel, normal, scatter
from tests.reference import seq2seq as reference
from tfllm.layers import AdditiveAttention, MultiplicativeAttention

B, T, S, Q, D, A = 2, 3, 4, 5, 6, 7
X, MEMORY = normal(1, B, T, Q), normal(2, B, S, D)
MASK = np.array([[True, True, True, True], [True, True, False, False]])[:, None]  # [B, 1, S]


def made(name):
    layer = AdditiveAttention(A) if name == "additive" else MultiplicativeAttention(name)
    width = Q if name == "dot" else D
    layer.build((None, None, Q), (None, None, width))
    return scatter(layer), MEMORY[..., :width]


@pytest.fixture(scope="module", params=["additive", "general", "dot"])
def pair(request):
    return made(request.param)


def loops(layer, query, memory):
    if isinstance(layer, AdditiveAttention):
        p = {"W": kernel(layer.to_query), "U": kernel(layer.to_key), "v": kernel(layer.to_score)[:, 0]}
        return reference.additive(query, memory, p)
    p = {"W": kernel(layer.to_key)} if layer.kind == "general" else {}
    return reference.multiplicative(query, memory, p)


def test_it_is_the_formula(pair):
    layer, memory = pair
    context, weights = layer(X, memory=memory, attention_mask=MASK)
    assert weights.dtype.name == "float32" and (weights.numpy()[1, :, 2:] == 0).all()
    for b, real in enumerate((4, 2)):
        for t in range(T):
            expected, looks = loops(layer, X[b, t], memory[b, :real])
            np.testing.assert_allclose(context[b, t], expected, atol=1e-5)
            np.testing.assert_allclose(weights[b, t, :real], looks, atol=1e-6)


def test_keys_projected_once_are_the_same(pair):
    layer, memory = pair
    keys = layer.project(memory)
    for result, right in zip(layer(X, memory=memory, keys=keys), layer(X, memory=memory), strict=True):
        np.testing.assert_array_equal(result, right)


def test_the_beams_of_a_sentence_share_its_memory(pair):
    """Three rows for each of the memory, one query each, are three queries of that row."""
    layer, memory = pair
    expected = layer(X, memory=memory, attention_mask=MASK)
    result = layer(X.reshape(B * T, 1, Q), memory=memory, keys=layer.project(memory), attention_mask=MASK)
    for one, right in zip(result, expected, strict=True):
        np.testing.assert_allclose(np.reshape(one, right.shape), right, atol=1e-6)


def test_without_a_mask_all_is_seen_and_order_means_nothing(pair):
    layer, memory = pair
    turned = [2, 0, 3, 1]
    context, weights = layer(X, memory=memory)
    assert (weights.numpy() > 0).all()
    again, moved = layer(X, memory=memory[:, turned])
    np.testing.assert_allclose(again, context, atol=1e-5)
    np.testing.assert_allclose(moved, weights.numpy()[..., turned], atol=1e-6)


def test_a_source_without_a_token_gives_zeros(pair):
    layer, memory = pair
    context, weights = layer(X, memory=memory, attention_mask=np.zeros((B, 1, S), bool))
    assert not context.numpy().any() and not weights.numpy().any()


def test_one_key_is_all_there_is(pair):
    layer, memory = pair
    context, weights = layer(X, memory=memory[:, :1])
    assert (weights.numpy() == 1).all()
    np.testing.assert_allclose(context, np.repeat(memory[:, :1], T, axis=1), atol=1e-6)


def test_called_first_it_builds_itself():
    assert AdditiveAttention(A)(X, memory=MEMORY)[0].shape == (B, T, D)
    assert MultiplicativeAttention("general")(X, memory=MEMORY)[0].shape == (B, T, D)


def test_impossible_choices_are_refused():
    with pytest.raises(ValueError, match="score must be 'general' or 'dot'; got 'concat'"):
        MultiplicativeAttention("concat")
    with pytest.raises(ValueError, match="'dot' needs queries and memory of equal width; got 5 and 6"):
        MultiplicativeAttention("dot").build((None, None, Q), (None, None, D))


@pytest.mark.parametrize("layer", [AdditiveAttention(3, name="a"), MultiplicativeAttention("dot", dtype="float64")])
def test_config_makes_the_same_layer(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer) and again.get_config() == layer.get_config()
