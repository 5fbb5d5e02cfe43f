"""MemoryNetwork against loops over the real words of the real facts, and by its laws."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tests.reference import memory_network as reference
from tfllm.models import MemoryNetwork, MemoryNetworkConfig

V, F, D = 13, 4, 6
FACTS = [[[4, 5, 6], [7, 8], [5]], [[9, 10, 11, 12]], []]
QUESTIONS = [[4, 11], [8, 5, 6], [7]]
VARIANTS = {
    "adjacent": {},
    "adjacent, one hop": {"num_hops": 1},
    "adjacent, a bag of words": {"num_hops": 2, "positions": False},
    "layerwise": {"tying": "layerwise"},
}


def padded(facts, questions, rows=3, words=4, length=3):
    token_ids = np.zeros((len(facts), rows, words), "int32")
    asked = np.zeros((len(questions), length), "int32")
    for b, story in enumerate(facts):
        for i, fact in enumerate(story):
            token_ids[b, i, : len(fact)] = fact
        asked[b, : len(questions[b])] = questions[b]
    return token_ids, asked


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS)
def model(request):
    return parts.scatter(MemoryNetwork(V, F, embedding_dim=D, **request.param))


def weights(model):
    p = {"words": [parts.number(part.embeddings) for part in model.embed]}
    p["ages"] = [parts.number(part.embeddings) for part in model.age]
    return p if model.to_next is None else p | {"H": parts.kernel(model.to_next), "W": parts.kernel(model.to_logits)}


@pytest.mark.parametrize("linear", [False, True])
def test_it_is_the_loops(model, linear):
    model.linear.assign(float(linear))
    logits, seen = model(*padded(FACTS, QUESTIONS))
    model.linear.assign(0.0)
    hops = model.num_hops
    assert logits.shape == (3, V) and seen["attention"].shape == (3, hops, 3)
    for b, (facts, question) in enumerate(zip(FACTS, QUESTIONS, strict=True)):
        expected, looks = reference.memory_network(
            facts, question, weights(model), hops, model.numbers["positions"], linear
        )
        np.testing.assert_allclose(logits[b], expected, rtol=1e-4, atol=1e-4)
        looks = looks.reshape(hops, len(facts))
        np.testing.assert_allclose(seen["attention"][b, :, : len(facts)], looks, rtol=1e-4, atol=1e-5)
        assert not seen["attention"].numpy()[b, :, len(facts) :].any()


def test_padding_changes_nothing(model):
    """Words, facts behind the others and between them, and other stories beside this one."""
    logits, seen = model(*padded(FACTS, QUESTIONS))
    wide, looks = model(*padded(FACTS, QUESTIONS, rows=5, words=7, length=6))
    np.testing.assert_allclose(wide, logits, atol=1e-5)
    np.testing.assert_allclose(looks["attention"][:, :, :3], seen["attention"], atol=1e-5)
    holes = [[FACTS[0][0], [], FACTS[0][1], [], FACTS[0][2]]]
    apart, looks = model(*padded(holes, QUESTIONS[:1], rows=5))
    np.testing.assert_allclose(apart, logits[:1], atol=1e-5)
    np.testing.assert_allclose(looks["attention"].numpy()[:, :, ::2], seen["attention"][:1], atol=1e-5)
    for b in range(3):
        alone, _ = model(*padded(FACTS[b : b + 1], QUESTIONS[b : b + 1]))
        np.testing.assert_allclose(alone, logits[b : b + 1], atol=1e-5)


def test_no_facts_at_all_is_the_question_alone(model):
    empty, seen = model(np.zeros((1, 0, 4), "int32"), padded(FACTS, QUESTIONS)[1][2:])
    np.testing.assert_allclose(empty, model(*padded(FACTS, QUESTIONS))[0][2:], atol=1e-5)
    assert np.isfinite(empty).all() and seen["attention"].shape == (1, model.num_hops, 0)


def test_facts_older_than_the_memory_have_one_age():
    model = parts.scatter(MemoryNetwork(V, 2, embedding_dim=D))
    facts = [[[4], [5], [6], [7]]]
    logits, _ = model(*padded(facts, [[4]], rows=4))
    expected, _ = reference.memory_network(facts[0], [4], weights(model), 3)
    np.testing.assert_allclose(logits[0], expected, atol=1e-4)
    swapped, _ = model(*padded([[[5], [4], [6], [7]]], [[4]], rows=4))
    np.testing.assert_allclose(swapped, logits, atol=1e-5)  # the oldest two are of the same age
    late, _ = model(*padded([[[4], [5], [7], [6]]], [[4]], rows=4))
    assert np.abs(late - logits).max() > 1e-3


def test_noise_keeps_the_order_and_is_as_often_as_it_should():
    """Of n facts and e empty ones, e drawn evenly from 0 .. ceil(noise · n), each choice of places is as likely."""
    keras.utils.set_random_seed(1)
    model = MemoryNetwork(V, 50, noise=0.3)
    there = np.tile([True] * 4 + [False] * 2, (6000, 1))
    ages = model.ages(there, training=True).numpy()[:, :4]
    assert (np.diff(ages) < 0).all() and ages.min() == 0 and ages.max() == 5  # at most ceil(1.2) = 2 are empty
    result = {tuple(row): count for row, count in zip(*np.unique(ages, axis=0, return_counts=True), strict=True)}
    # e = 0: one way; e = 1: 4 of 5 places; e = 2: 4 of 6. The last empty ones, behind the oldest fact, do not show
    expected = {(3, 2, 1, 0): 1 / 3 * (1 + 1 / 5 + 1 / 15), (5, 4, 3, 2): 1 / 3 * 1 / 15}
    for row, share in expected.items():
        assert abs(result[row] / 6000 - share) < 4 * np.sqrt(share * (1 - share) / 6000)
    assert len(result) == 15
    calm = model.ages(there).numpy()
    np.testing.assert_array_equal(calm, np.tile([3, 2, 1, 0, 0, 0], (6000, 1)))


def test_noise_is_of_training_only(model):
    facts, questions = padded(FACTS, QUESTIONS)
    calm = model(facts, questions, training=False)[0]
    np.testing.assert_array_equal(calm, model(facts, questions)[0])
    drawn = [model(facts, questions, training=True)[0] for _ in range(5)]
    assert max(np.abs(one - calm).max() for one in drawn) > 1e-3
    silent = type(model).from_config(model.get_config() | {"noise": 0.0})
    silent.set_weights(model.get_weights())
    np.testing.assert_allclose(silent(facts, questions, training=True)[0], calm, atol=1e-6)


def test_a_loss_reaches_every_weight(model):
    with tf.GradientTape() as tape:
        logits, _ = model(*padded([[[4, 5], [6], [7, 8, 9], [10]]], [[4, 11]], rows=4))
        loss = tf.reduce_sum(logits * parts.normal(0, 1, V))
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True):
        assert isinstance(gradient, tf.Tensor), "clipping by norm does not add up the rows of a sparse one"
        assert np.abs(gradient).max() > 1e-5, weight.path


def test_saved_and_loaded_it_is_the_same(model, tmp_path):
    model.linear.assign(1.0)
    model.save(tmp_path / "it.keras")
    again = keras.saving.load_model(tmp_path / "it.keras")
    inputs = padded(FACTS, QUESTIONS)
    assert again.get_config() == model.get_config()
    np.testing.assert_array_equal(again(*inputs)[0], model(*inputs)[0])
    model.linear.assign(0.0)
    assert np.abs(again(*inputs)[0] - model(*inputs)[0]).max() > 1e-3


def test_half_precision_is_near_the_whole(model):
    half = type(model).from_config(model.get_config() | {"dtype": "mixed_bfloat16"})
    half.set_weights(model.get_weights())
    result, whole = half(*padded(FACTS, QUESTIONS))[0], model(*padded(FACTS, QUESTIONS))[0].numpy()
    assert result.dtype == "bfloat16" and half.trainable_weights[0].dtype == "float32"
    np.testing.assert_allclose(np.float32(result), whole, atol=0.1 * whole.std() + 0.02)


def test_adjacent_hops_share_their_matrices():
    adjacent, layerwise = MemoryNetwork(V, F, 3, D), MemoryNetwork(V, F, 3, D, "layerwise")
    assert adjacent.count_params() - 1 == 4 * (V + F) * D  # the one: linear
    assert layerwise.count_params() - 1 == 2 * (V + F) * D + D * D + V * D


def test_the_config_has_the_arguments():
    assert {"vocab_size", *MemoryNetworkConfig.__dataclass_fields__} == set(MemoryNetwork(V).numbers)


def test_impossible_numbers_are_refused():
    with pytest.raises(ValueError, match="tying must be one of .*got 'none'"):
        MemoryNetwork(V, tying="none")
    for wrong in ({"max_facts": 0}, {"num_hops": 0}, {"noise": 1.5}):
        with pytest.raises(ValueError, match="must be a (whole number, 1 or more|share from 0 to 1); got"):
            MemoryNetwork(V, **wrong)


def test_facts_are_spread_where_floats_are_double():
    keras.config.set_floatx("float64")
    try:
        model = MemoryNetwork(9, 3, 1, 4, noise=1.0)
        assert np.isfinite(model(np.ones((2, 3, 2), int), np.ones((2, 3), int), training=True)[0]).all()
    finally:
        keras.config.set_floatx("float32")
