"""Seq2SeqRNN walks the Translator's road: config, fit, generate, export."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import bare
from tests.layers.parts import scatter
from tests.tasks.conftest import pairs
from tests.tasks.text_generation.test_one_road import naive
from tfllm.models import Seq2SeqRNN, Seq2SeqRNNConfig
from tfllm.tasks import Decoding, Translator, TranslatorConfig

CONFIG = TranslatorConfig(
    tokenizer="characters",
    label_smoothing=0.0,
    model=Seq2SeqRNNConfig(embedding_dim=16, num_units=64, pe_input=None, pe_target=12, cell="gru", rate=0.0),
)
SOURCES = pairs(5, seed=7)[0]


@pytest.fixture(scope="module", params=["bahdanau", "luong"])
def translator(request):
    """Large random weights, so that its answers are of all sorts."""
    model = Seq2SeqRNNConfig(num_layers=2, embedding_dim=6, num_units=8, pe_target=6, attention=request.param)
    made = Translator.from_text(*pairs(40), replace(CONFIG, model=model))
    for weight in scatter(made.model, seed=6).trainable_weights:
        weight.assign(3 * weight)
    return made


def test_the_config_says_which_model(translator):
    assert isinstance(translator.model, Seq2SeqRNN)
    assert translator.model.embed_input is translator.model.embed_target
    assert (translator.model.pe_input, translator.model.pe_target) == (256, 6)


@pytest.mark.slow
def test_greedy_equals_the_naive_loop(translator):
    output = translator.generate(SOURCES, beam_width=1)
    assert output == [naive(translator, text) for text in SOURCES]
    assert len(set(output)) > 1


def test_neighbours_change_nothing_in_beam_search(translator):
    output = translator.generate(SOURCES, n_best=3, beam_width=3)
    for source, result in zip(SOURCES[:4], output, strict=False):
        alone = translator.generate(source, n_best=3, beam_width=3)
        assert [text for text, _ in result] == [text for text, _ in alone]
        scores = ([score for _, score in one] for one in (result, alone))
        np.testing.assert_allclose(*scores, rtol=1e-6, atol=1e-5)  # of a score of 30, float32 keeps 6 decimal digits


def test_without_a_limit_nothing_is_truncated():
    translator = Translator.from_text(["abc"], ["ABC"], CONFIG)
    assert translator.prepare(["abc" * 100]).row_lengths().numpy().tolist() == [301]
    long = replace(CONFIG, model=replace(CONFIG.model, pe_target=None))
    outputs, _ = Translator.from_text(["abc"], ["ABC"], long).writer.search(tf.constant([[5, 5, 3]]), 1, Decoding())
    assert outputs.shape[-1] == 3 * 3 + 20


@pytest.mark.slow
def test_one_batch_can_be_learned_by_heart():
    keras.utils.set_random_seed(0)
    sources, targets = pairs(8)
    translator = Translator.from_text(sources, targets, CONFIG)
    translator.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    losses = translator.fit(sources, targets, epochs=60, batch_size=8, verbose=0).history["loss"]
    assert losses[0] > 2 and losses[-1] < 0.02
    assert translator.generate(sources, beam_width=1) == targets


@pytest.fixture(scope="module", params=["bahdanau", "luong"])
def trained(request):
    """Five epochs on reversed strings of up to ten letters, as long as can be read aloud backwards."""
    keras.utils.set_random_seed(0)
    sources, targets = reversed_strings(4000)
    model = replace(CONFIG.model, attention=request.param, cell="gru" if request.param == "bahdanau" else "lstm")
    translator = Translator.from_text(sources, targets, replace(CONFIG, model=model))
    schedule = keras.optimizers.schedules.CosineDecay(5e-3, 5 * 40)
    translator.compile(keras.optimizers.Adam(schedule, global_clipnorm=1.0), jit_compile=False)
    translator.fit(sources, targets, epochs=5, batch_size=100, shapes=1, verbose=0)
    return translator


def reversed_strings(size, seed=0):
    draw = np.random.default_rng(seed)
    sources = ["".join(draw.choice(list("abcdefgh"), draw.integers(1, 11))) for _ in range(size)]
    return sources, [source[::-1].upper() for source in sources]


@pytest.mark.slow
def test_it_learns_to_reverse(trained, tmp_path):
    """Unseen strings; and its attention walks backwards over the source."""
    sources, targets = reversed_strings(200, seed=9)
    output = trained.generate(sources, beam_width=1, batch_size=200)
    assert np.mean([one == right for one, right in zip(output, targets, strict=True)]) > 0.95
    path = trained.export(tmp_path, Decoding(beam_width=2))
    expected = trained.generate(sources[:20], beam_width=2)
    asked = [(path, name, {"texts": sources[i : i + 8]}, {})
             for name, i in (("serving_default", 0), ("serving_default", 8), ("serving_xla", 0))]  # fmt: skip
    result = [[text.decode() for text in one["text"]] for one in bare.answers(asked)]
    assert result == [expected[:8], expected[8:16], expected[:8]]
