"""TextCNN, TextRNN and MeanOfVectors against loops over the real tokens alone, and by the laws of every encoder."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tests.reference import text_encoders as reference
from tfllm import models

V, E = 11, 5
IDS = np.array([[2, 5, 7, 4, 6, 9], [2, 8, 3, 0, 0, 0], [7, 0, 0, 0, 0, 0]])  # [B, T]
LENGTHS = [6, 3, 1]
VARIANTS = {
    "cnn": ("TextCNN", {"widths": (3, 4, 5), "filters": 2}),
    "cnn of even width": ("TextCNN", {"widths": [2], "filters": 3}),
    "cnn of width 1": ("TextCNN", {"widths": (1, 7), "filters": 2}),
    "lstm, ends": ("TextRNN", {"num_units": 4, "num_layers": 2, "pooling": "ends"}),
    "gru, max": ("TextRNN", {"num_units": 6, "cell": "gru", "pooling": "max"}),
    "lstm, mean": ("TextRNN", {"num_units": 4, "pooling": "mean"}),
    "lstm, attention": ("TextRNN", {"num_units": 4, "pooling": "attention"}),
    "mean": ("MeanOfVectors", {}),
    "averaging network": ("MeanOfVectors", {"hidden_dim": 7, "num_layers": 2}),
}


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS)
def model(request):
    name, options = request.param
    return parts.scatter(getattr(models, name)(V, E, **options))


def expected(model, token_ids):
    p = {"embed": parts.number(model.embed.embeddings)}
    if isinstance(model, models.TextCNN):
        p["windows"] = [(parts.number(part.kernel), parts.number(part.bias)) for part in model.windows]
        return reference.text_cnn(token_ids, p)
    if isinstance(model, models.MeanOfVectors):
        return reference.mean_of_vectors(token_ids, p | {"layers": [parts.dense(part) for part in model.hidden]})
    both = zip(model.encode.forwards, model.encode.backwards, strict=True)
    p["layers"] = [(parts.recurrent(ahead), parts.recurrent(back)) for ahead, back in both]
    if model.pooling == "attention":
        p["kernel"] = parts.number(model.gather.average.kernel)
    return reference.text_rnn(token_ids, p, model.numbers["cell"], model.pooling)


def pooled(model, token_ids, padding_mask=None, training=None):
    mask = token_ids != 0 if padding_mask is None else padding_mask
    return model.pool(model(token_ids, padding_mask=padding_mask, training=training), padding_mask=mask)


def test_it_is_the_loops(model):
    result = pooled(model, IDS)
    assert result.shape == (len(IDS), model.pooled_width) and model(IDS).shape == (*IDS.shape, model.width)
    for b, length in enumerate(LENGTHS):
        np.testing.assert_allclose(result[b], expected(model, IDS[b, :length]), atol=1e-5)


def test_padding_changes_nothing(model):
    """However much there is, whatever its id, and whatever the other texts are."""
    before, x = pooled(model, IDS), model(IDS).numpy()
    real = np.pad(IDS != 0, [[0, 0], [0, 4]])
    other = np.where(real, np.pad(IDS, [[0, 0], [0, 4]]), 10)
    np.testing.assert_allclose(pooled(model, other, real), before, atol=1e-5)
    np.testing.assert_allclose(model(other, padding_mask=real).numpy()[:, :6][IDS != 0], x[IDS != 0], atol=1e-5)
    for b, length in enumerate(LENGTHS):
        np.testing.assert_allclose(pooled(model, IDS[b : b + 1, :length]), before[b : b + 1], atol=1e-5)


def test_a_text_of_nothing_is_a_number(model):
    assert np.isfinite(pooled(model, np.zeros((1, 3), int))).all()


def test_saved_and_loaded_it_is_the_same(model, tmp_path):
    model.save(tmp_path / "it.keras")
    again = keras.saving.load_model(tmp_path / "it.keras")
    assert again.get_config() == model.get_config()
    np.testing.assert_array_equal(pooled(again, IDS), pooled(model, IDS))


def test_a_loss_reaches_every_weight(model):
    with tf.GradientTape() as tape:
        result = pooled(model, IDS)
        loss = tf.reduce_sum(result * parts.normal(0, *result.shape))
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 1e-5, weight.path


def test_half_precision_is_near_the_whole(model):
    half = type(model).from_config(model.get_config() | {"dtype": "mixed_bfloat16"})
    half.set_weights(model.get_weights())
    result, whole = pooled(half, IDS), pooled(model, IDS).numpy()
    assert result.dtype == "bfloat16" and half.weights[0].dtype == "float32"
    np.testing.assert_allclose(np.float32(result), whole, atol=0.1 * whole.std() + 0.02)


@pytest.mark.parametrize("name", ["TextRNN", "MeanOfVectors"])
def test_dropout_is_of_training_only(name):
    model = getattr(models, name)(V, E, rate=0.5)

    class Whole(keras.Model):
        """What a task does: dropout is on where the outermost call says so."""

        def __init__(self):
            super().__init__()
            self.model = model
            self.built = True

        def call(self, token_ids, training=None):
            return pooled(self.model, token_ids, training=training)

    calm = pooled(model, IDS).numpy()
    whole = Whole()
    np.testing.assert_array_equal(whole(IDS, training=False), calm)
    assert np.abs(whole(IDS, training=True) - calm).max() > 1e-3


def test_a_dropped_word_is_dropped_whole():
    model = parts.scatter(models.MeanOfVectors(V, E, rate=0.5))
    keras.utils.set_random_seed(0)
    x = model(np.tile(IDS[:1], (20, 1)), training=True).numpy()
    kept = (x != 0).any(-1)
    assert 0.2 < kept.mean() < 0.8 and ((x != 0).all(-1) == kept).all()
    np.testing.assert_allclose(x[kept], 2 * np.tile(model(IDS[:1]), (20, 1, 1))[kept], atol=1e-5)


@pytest.mark.parametrize("name", ["TextCNN", "TextRNN", "MeanOfVectors"])
def test_the_config_has_the_arguments(name):
    model, config = getattr(models, name)(V), getattr(models, f"{name}Config")
    assert {"vocab_size", *config.__dataclass_fields__} == set(model.numbers)


def test_impossible_numbers_are_refused():
    with pytest.raises(ValueError, match="widths must be one whole number or more"):
        models.TextCNN(V, widths=())
    with pytest.raises(ValueError, match="widths must be .* 1 or more; got"):
        models.TextCNN(V, widths=(3, 0))
    with pytest.raises(ValueError, match="pooling must be one of .*got 'first'"):
        models.TextRNN(V, pooling="first")
    with pytest.raises(ValueError, match="num_units must be even"):
        models.TextRNN(V, num_units=3)
