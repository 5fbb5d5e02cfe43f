"""Attention maps: the model's own weights, under the names of its tokens."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfllm import fonts
from tfllm.explain import AttentionMap, FactMap, attention_map
from tfllm.extraction import TextRank
from tfllm.models import Seq2SeqRNNConfig, TransformerConfig
from tfllm.tasks import Summarizer, SummarizerConfig, Translator, TranslatorConfig


@pytest.fixture(scope="module")
def translator():
    keras.utils.set_random_seed(0)
    model = TransformerConfig(num_layers=2, d_model=8, num_heads=2, dff=8, pe_input=16, pe_target=16)
    return Translator.from_text(["ab c"], ["xyz"], TranslatorConfig(tokenizer="characters", model=model))


def test_rows_are_target_tokens_and_columns_source_tokens(translator):
    result = attention_map(translator, "ab c", "xy", layer=1)
    assert result.source == ["a", "b", "␣", "c", "</s>"]
    assert result.target == ["x", "y", "</s>"]
    assert result.weights.shape == (2, 3, 5)
    inputs, _, _ = translator.example({"source": tf.constant(["ab c"]), "target": tf.constant(["xy"])})
    weights = translator.model(inputs["source"].to_tensor(), inputs["target"].to_tensor())[1]
    np.testing.assert_array_equal(result.weights, weights["decoder_layer1_block2"][0])
    np.testing.assert_allclose(result.weights.sum(-1), 1, rtol=1e-5)


def test_the_last_layer_and_the_own_translation_by_default(translator):
    result = attention_map(translator, "ab")
    again = attention_map(translator, "ab", translator.generate("ab"), layer=2)
    np.testing.assert_array_equal(result.weights, again.weights)


def test_a_recurrent_model_has_one_look():
    config = TranslatorConfig(tokenizer="characters", model=Seq2SeqRNNConfig(embedding_dim=8, num_units=8))
    translator = Translator.from_text(["ab c"], ["xyz"], config)
    result = attention_map(translator, "ab c", "xy")
    assert (len(result.source), len(result.target), result.weights.shape) == (5, 3, (1, 3, 5))
    np.testing.assert_allclose(result.weights.sum(-1), 1, rtol=1e-5)
    with pytest.raises(ValueError, match="between 1 and 1; got 2"):
        attention_map(translator, "ab", layer=2)


def test_a_layer_that_is_not_there(translator):
    with pytest.raises(ValueError, match="between 1 and 2; got 3"):
        attention_map(translator, "ab", layer=3)


def test_the_picture(translator, tmp_path, monkeypatch):
    """The mean over the heads, colours from 0 to 1 whatever the weights are, long labels turned, a colour bar."""
    drawn, save = [], fonts.saved
    keep = lambda figure, path: drawn.append(figure) or save(figure, path)  # noqa: E731
    monkeypatch.setattr("tfllm.explain.attention_maps.saved", keep)
    result = attention_map(translator, "ab c", "xy")
    assert result.save(tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    axes, bar = drawn[0].axes
    np.testing.assert_allclose(axes.images[0].get_array(), result.weights.mean(0), rtol=1e-6)
    assert axes.images[0].get_clim() == bar.get_ylim() == (0, 1)
    assert {text.get_rotation() for text in axes.get_xticklabels()} == {45}
    AttentionMap(["x"], ["y"], np.ones((1, 1, 1))).save(tmp_path / "map.png")
    assert {text.get_rotation() for text in drawn[1].axes[0].get_xticklabels()} == {0}


def test_a_summarizer_s_map_and_what_has_none():
    """Words that are copied have ids beyond the vocabulary; they are named by the place they are copied from."""
    config = SummarizerConfig(model=Seq2SeqRNNConfig(embedding_dim=8, num_units=8, pe_input=8, pe_target=8))
    summarizer = Summarizer.from_text(["a dog runs"], ["a dog"], config)
    result = attention_map(summarizer, "a zebra runs", "a zebra unicorn")
    assert result.source == ["a", "<unk>", "runs", "</s>"]
    assert result.target == ["a", "<unk>", "<unk>", "</s>"] and result.weights.shape == (1, 4, 4)
    for layer in ("last", 1.0, 0):
        with pytest.raises(ValueError, match=f"between 1 and 1; got {layer!r}"):
            attention_map(summarizer, "a", layer=layer)
    with pytest.raises(TypeError, match="needs a Translator or a Summarizer; got a TextRank"):
        attention_map(TextRank(), "a")


def test_a_picture_without_an_ending_or_without_anything(tmp_path):
    assert AttentionMap(["x"], ["y"], np.ones((1, 1, 1))).save(tmp_path / "map").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="there is nothing to draw: there is no fact"):
        FactMap("", 0.0, [], ["hop 1"], np.ones((1, 0))).save(tmp_path / "facts.png")
    assert [path.name for path in tmp_path.iterdir()] == ["map"]
