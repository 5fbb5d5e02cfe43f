"""BERT against loops, and by the laws of an encoder."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tests.reference import bert as reference
from tfllm import training
from tfllm.layers import MaskedTokenHead, NextSentenceHead, PretrainedEmbedding, replace_embedding
from tfllm.models.bert import BERT, POOLINGS
from tfllm.models.configs import BERTConfig

LAYERS, D, H, F, V, EPSILON = 2, 12, 3, 20, 17, 1e-3
TEXTS = np.array([[2, 5, 11, 4, 6, 3], [2, 8, 3, 9, 3, 0], [2, 3, 0, 0, 0, 0]])  # [B, T]
SEGMENTS = np.array([[0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 0], [0] * 6])
REAL = TEXTS != 0
B, T = TEXTS.shape
SIZES = dict(vocab_size=V, max_length=9, num_layers=LAYERS, d_model=D, num_heads=H, dff=F, rate=0.0, epsilon=EPSILON)


def build(**options):
    return parts.scatter(BERT(**SIZES | options))


@pytest.fixture(scope="module")
def model():
    return build()


def test_it_is_the_paper_s(model):
    x, weights = model(TEXTS, segment_ids=SEGMENTS).numpy(), model.attention(TEXTS, segment_ids=SEGMENTS)
    pooled = model.pool(x).numpy()
    assert list(weights) == ["layer1", "layer2"]
    p = parts.bert(model)
    for b in range(B):
        expected, blocks = reference.bert(TEXTS[b], SEGMENTS[b], p, H, EPSILON, REAL[b])
        np.testing.assert_allclose(x[b], expected, atol=1e-4)
        np.testing.assert_allclose(pooled[b], reference.pooled(expected, p), atol=1e-4)
        for result, right in zip(weights.values(), blocks, strict=True):
            np.testing.assert_allclose(result[b], right, atol=1e-5)


def test_the_head_of_masked_tokens_is_the_authors(model):
    head = MaskedTokenHead(V, D, epsilon=EPSILON)
    x = model(TEXTS)[:2, 1]  # chosen places [2, D]
    head(x, embeddings=model.embed.embeddings)
    parts.scatter(head, seed=5)
    logits, p = head(x, embeddings=model.embed.embeddings), parts.bert(model, head)
    for result, position in zip(logits.numpy(), np.float64(x.numpy()), strict=True):
        np.testing.assert_allclose(result, reference.masked_token(position, p, EPSILON), atol=1e-4)
    again = MaskedTokenHead.from_config(head.get_config())
    again.build((None, D))
    again.set_weights(head.get_weights())
    np.testing.assert_array_equal(again(x, embeddings=model.embed.embeddings), logits)


def test_the_head_of_next_sentences_is_one_dense_layer():
    head = NextSentenceHead.from_config(NextSentenceHead(D).get_config())
    pooled = parts.normal(0, B, D)
    head.build((None, D))
    parts.scatter(head)
    kernel, bias = (weight.numpy() for weight in head.weights)
    np.testing.assert_allclose(head(pooled), pooled @ kernel + bias, atol=1e-5)
    assert kernel.shape == (D, 2)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_padding_and_neighbours_change_nothing(pooling):
    """Nor does what stands at a padded place, if the mask says so."""
    model = build(pooling=pooling)
    x = model(TEXTS, segment_ids=SEGMENTS)
    pooled = model.pool(x, padding_mask=REAL).numpy()
    assert pooled.shape == (B, model.pooled_width)
    wide = [[0, 0], [0, 3]]
    longer = model(np.pad(TEXTS, wide), segment_ids=np.pad(SEGMENTS, wide))
    noise = np.where(REAL, TEXTS, 7)
    noisy = model(noise, segment_ids=SEGMENTS, padding_mask=REAL)
    np.testing.assert_allclose(model.pool(longer, padding_mask=np.pad(REAL, wide)), pooled, atol=1e-5)
    np.testing.assert_allclose(model.pool(noisy, padding_mask=REAL), pooled, atol=1e-5)
    for b in range(B):
        size = REAL[b].sum()
        own = slice(b, b + 1), slice(size)
        alone = model(TEXTS[own], segment_ids=SEGMENTS[own])
        for whole in (x, longer, noisy):
            np.testing.assert_allclose(whole[b, :size], alone[0], atol=1e-5)
        np.testing.assert_allclose(model.pool(alone)[0], pooled[b], atol=1e-5)
    assert np.abs(model(noise, segment_ids=SEGMENTS)[1, :5] - x[1, :5]).max() > 1e-3  # without a mask 7 is a token


def test_pooling_by_hand():
    x, real = parts.normal(1, 2, 3, D), np.array([[True, True, False], [True, False, False]])
    expected = {"first": x[:, 0], "mean": [x[0, :2].mean(0), x[1, 0]], "max": [x[0, :2].max(0), x[1, 0]]}
    for pooling, right in expected.items():
        np.testing.assert_allclose(build(pooling=pooling).pool(x, padding_mask=real), right, atol=1e-6)


def test_segments_and_places_matter(model):
    before = model(TEXTS).numpy()
    np.testing.assert_allclose(model(TEXTS, segment_ids=np.zeros_like(TEXTS)), before, atol=1e-6)
    assert np.abs(model(TEXTS, segment_ids=SEGMENTS) - before)[0].min(axis=-1).max() > 1e-4
    turned = TEXTS[:1, [0, 2, 1, 3, 4, 5]]
    assert np.abs(model(turned)[0, 5] - before[0, 5]).max() > 1e-3
    plain = build(num_segments=0)
    assert plain.segments == 0 and model.segments == 2 and plain(TEXTS).shape == before.shape
    with pytest.raises(ValueError, match="no segments"):
        plain(TEXTS, segment_ids=SEGMENTS)


def test_every_place_sees_both_sides(model):
    before = model(TEXTS[:1]).numpy()
    for t in range(T):
        changed = TEXTS[:1].copy()
        changed[0, t] = 13
        assert np.abs(model(changed) - before).max(axis=-1).min() > 1e-4


@pytest.mark.parametrize("pooling", ["pooler", "mean"])
def test_saved_and_loaded_it_is_the_same(pooling, tmp_path):
    model = build(pooling=pooling)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config() and loaded.pooling == pooling
    x = model(TEXTS, segment_ids=SEGMENTS)
    np.testing.assert_array_equal(loaded(TEXTS, segment_ids=SEGMENTS), x)
    np.testing.assert_array_equal(loaded.pool(x, padding_mask=REAL), model.pool(x, padding_mask=REAL))
    paths = [weight.path.split("/", 1)[1] for weight in loaded.weights]
    assert paths == [weight.path.split("/", 1)[1] for weight in model.weights] and len(set(paths)) == len(paths)


@pytest.mark.slow
def test_it_learns_one_batch_as_part_of_a_functional_model():
    keras.utils.set_random_seed(0)
    model = BERT(**SIZES | {"rate": 0.1})
    token_ids = keras.Input((None,), dtype="int32")
    output = keras.layers.Dense(2)(model.pool(model(token_ids)))
    whole = keras.Model(token_ids, output)
    whole.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    texts = np.random.default_rng(0).integers(1, V, (8, T)).astype("int32")
    history = whole.fit(texts, np.arange(8) % 2, epochs=40, batch_size=8, verbose=0).history["loss"]
    assert history[0] > 0.5 and history[-1] < 0.1, history


def test_a_loss_reaches_every_weight(model):
    """All but the keys' biases, which move every score of a query alike."""
    with tf.GradientTape() as tape:
        x = model(TEXTS, segment_ids=SEGMENTS, training=True)
        loss = tf.reduce_sum(model.pool(x) ** 2) + tf.reduce_sum(x[..., 3] ** 2)
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True):
        size = np.abs(tf.convert_to_tensor(gradient)).max()
        assert size < 1e-3 if weight.path.endswith("key/bias") else size > 1e-2, weight.path


def test_every_dropout_acts_and_only_in_training():
    """Each alone, the others set to 0: one on the embeddings, three in each block."""
    model = build(rate=0.5, num_layers=1)
    drops = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dropout)]
    calm = model(TEXTS).numpy()
    assert len(drops) == 1 + 3
    np.testing.assert_array_equal(model(TEXTS, training=False), calm)
    for chosen in drops:
        for layer in drops:
            layer.rate = 0.5 if layer is chosen else 0
        assert np.abs(model(TEXTS, training=True) - calm).max() > 1e-3, chosen.path


def test_first_values_are_the_authors():
    """N(0, 0.02²) cut off at 0.04 has a deviation of 0.0176; learned positions alone are not cut off."""
    keras.utils.set_random_seed(0)
    model = BERT(500, 100, 4, 64, 4, 100)
    for weight in model.weights:
        kind = weight.path.split("/")[-1]
        if kind in ("kernel", "embeddings") and "segment" not in weight.path:
            np.testing.assert_allclose(float(keras.ops.std(weight)), 0.0176, rtol=0.06, err_msg=weight.path)
            assert np.abs(weight.numpy()).max() <= 0.04
        elif kind not in ("table", "embeddings"):
            assert (weight.numpy() == (1.0 if kind == "gamma" else 0.0)).all(), weight.path
    kernels = [part.kernel.numpy() for b in model.blocks for part in (b.look.to_query, b.look.to_key, b.look.to_output)]
    assert all(np.abs(a - b).max() > 1e-3 for i, a in enumerate(kernels) for b in kernels[:i])


def test_the_size_of_bert_base():
    """109,482,240 weights: 12 layers, 768, 30,522 tokens, 512 places; counted by hand, no weight is made."""

    def count(vocabulary, positions, layers, d, f):
        block = 4 * (d * d + d) + 2 * d * f + f + d + 2 * 2 * d
        return (vocabulary + positions + 2) * d + 2 * d + layers * block + d * d + d

    assert count(30522, 512, 12, 768, 3072) == 109_482_240
    assert BERT(**SIZES).count_params() == count(V, 9, LAYERS, D, F)


@pytest.mark.parametrize(("policy", "near"), [("mixed_bfloat16", 0.05), ("mixed_float16", 0.01)])
def test_half_precision_is_near_the_whole(model, policy, near):
    """Root mean square of the difference, relative to the spread."""
    for pooling in ("pooler", "mean"):
        half = BERT.from_config(model.get_config() | {"dtype": policy, "pooling": pooling})
        half.set_weights(model.get_weights())
        x, expected = half(TEXTS, segment_ids=SEGMENTS), model(TEXTS, segment_ids=SEGMENTS).numpy()
        assert x.dtype.name == policy.removeprefix("mixed_") and half.weights[0].dtype == "float32"
        assert np.std((np.float32(x) - expected)[REAL]) < near * expected[REAL].std()
        assert half.pool(x, padding_mask=REAL).dtype == x.dtype
    head = MaskedTokenHead(V, D, dtype=policy)
    assert head(x, embeddings=half.embed.embeddings).dtype == x.dtype


def test_freezing_and_lora_by_name_and_the_file_keeps_them(tmp_path):
    model = build()
    before = model(TEXTS).numpy()
    names = {"embed*", "segment", "place", "layer1"}
    count = training.freeze(model, *names)
    frozen = (V + 2 + 9) * D + sum(int(np.prod(weight.shape)) for weight in model.blocks[0].weights)
    assert count.total - count.trained == frozen
    training.lora(model, 2, 4, ["query", "value"])
    np.testing.assert_allclose(model(TEXTS), before, atol=1e-6)
    model.blocks[1].look.to_query.b.assign(parts.normal(3, 2, D))
    after = model(TEXTS).numpy()
    assert np.abs(after - before).max() > 1e-3
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(TEXTS), after)
    assert [w.path.split("/", 1)[1] for w in loaded.trainable_weights] == [
        w.path.split("/", 1)[1] for w in model.trainable_weights
    ]


def test_its_embedding_may_be_word_vectors():
    model, table = build(), parts.normal(4, V, D)
    replace_embedding(model, model.embed, PretrainedEmbedding.of(table, np.arange(V) > 3))
    other = build()
    other.embed.embeddings.assign(table)
    np.testing.assert_allclose(model(TEXTS, segment_ids=SEGMENTS), other(TEXTS, segment_ids=SEGMENTS), atol=1e-5)


def test_impossible_sizes_are_refused(model):
    with pytest.raises(ValueError, match="pooling must be one of .*'mean'.* got 'sum'"):
        BERT(**SIZES, pooling="sum")
    with pytest.raises(ValueError, match="d_model must be a multiple of num_heads; got 12 and 5"):
        BERT(**SIZES | {"num_heads": 5})
    with pytest.raises(ValueError, match="positions for 9 tokens, got 10"):
        model(np.ones((1, 10), int))


def test_the_config_has_the_arguments():
    assert set(BERTConfig.__dataclass_fields__) | {"vocab_size"} == set(build().numbers)
