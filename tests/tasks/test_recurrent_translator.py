"""Seq2SeqRNN walks the Translator's road: config, fit, generate, export."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import bare
from tests.conftest import eagerly
from tests.layers.parts import scatter
from tests.tasks.conftest import pairs
from tests.tasks.test_one_road import naive
from tfllm.export import export
from tfllm.models import Seq2SeqRNN, Seq2SeqRNNConfig
from tfllm.tasks import Decoding, Translator, TranslatorConfig

CONFIG = TranslatorConfig(
    tokenizer="characters",
    label_smoothing=0.0,
    model=Seq2SeqRNNConfig(embedding_dim=16, num_units=48, pe_input=None, pe_target=12, cell="gru", rate=0.0),
)
SOURCES = pairs(4, seed=7)[0]


def random_translator(attention):
    """Large random weights, so that its answers are of all sorts."""
    model = Seq2SeqRNNConfig(num_layers=2, embedding_dim=6, num_units=8, pe_target=6, attention=attention)
    made = Translator.from_text(*pairs(40), replace(CONFIG, model=model))
    for weight in scatter(made.model, seed=6).trainable_weights:
        weight.assign(3 * weight)
    return made


@pytest.fixture(scope="module", params=["bahdanau", "luong"])
def translator(request):
    return random_translator(request.param)


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
    for source, result in zip(SOURCES[:2], output, strict=False):
        alone = translator.generate(source, n_best=3, beam_width=3)
        assert [text for text, _ in result] == [text for text, _ in alone]
        np.testing.assert_allclose([score for _, score in result], [score for _, score in alone], atol=1e-5)


def test_without_a_limit_nothing_is_truncated():
    translator = Translator.from_text(["abc"], ["ABC"], CONFIG)
    assert translator.prepare(["abc" * 100]).row_lengths().numpy().tolist() == [301]
    long = replace(CONFIG, model=replace(CONFIG.model, pe_target=None))
    outputs, _ = Translator.from_text(["abc"], ["ABC"], long).writer.search(tf.constant([[5, 5, 3]]), 1, Decoding())
    assert outputs.shape[-1] == 3 * 3 + 20


@pytest.mark.slow
def test_it_learns_to_reverse():
    """Six epochs on strings of up to six letters; unseen ones too are reversed."""
    keras.utils.set_random_seed(0)
    sources, targets = reversed_strings(1000)
    translator = Translator.from_text(sources, targets, CONFIG)
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 6 * 10)
    translator.compile(keras.optimizers.Adam(schedule, global_clipnorm=1.0), jit_compile=False)
    translator.fit(sources, targets, epochs=6, batch_size=100, shapes=1, verbose=0)
    asked = [pair for pair in zip(*reversed_strings(200, seed=9), strict=True) if pair[0] not in sources]
    unseen, expected = zip(*asked, strict=True)
    with eagerly():
        output = translator.generate(unseen, beam_width=1, batch_size=200)
    assert np.mean([one == right for one, right in zip(output, expected, strict=True)]) > 0.95 and len(unseen) > 50


def reversed_strings(size, seed=0):
    draw = np.random.default_rng(seed)
    sources = ["".join(draw.choice(list("abcd"), draw.integers(1, 7))) for _ in range(size)]
    return sources, [source[::-1].upper() for source in sources]


@pytest.mark.slow
def test_the_compiled_signature_is_served(tmp_path):
    """In a process without tfllm and Keras; the other signatures: tests/test_roads.py."""
    translator = random_translator("luong")
    with eagerly():
        expected = translator.generate(SOURCES, beam_width=2)
    compiled = translator.signatures(Decoding(beam_width=2))["serving_xla"]
    path = export(translator, tmp_path, {"serving_xla": compiled.served})
    (result,) = bare.answers([(path, "serving_xla", {"texts": SOURCES}, {})])
    assert [text.decode() for text in result["text"]] == expected and len(set(expected)) > 1
