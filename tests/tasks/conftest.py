"""A tiny translator that has learned a little: reversed letters, upper-cased. Trained once for all tests here."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfllm.models import TransformerConfig
from tfllm.tasks import Translator, TranslatorConfig

CONFIG = TranslatorConfig(
    tokenizer="characters",
    label_smoothing=0.0,
    model=TransformerConfig(num_layers=1, d_model=32, num_heads=2, dff=64, pe_input=32, pe_target=32, rate=0.0),
)


def pairs(size, seed=0):
    draw = np.random.default_rng(seed)
    sources = ["".join(draw.choice(list("abcdeé中"), draw.integers(1, 7))) for _ in range(size)]
    return sources, [source[::-1].upper() for source in sources]


@pytest.fixture(scope="session")
def trained():
    keras.utils.set_random_seed(0)
    sources, targets = pairs(1000)
    translator = Translator.from_text(sources, targets, CONFIG)
    translator.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    translator.fit(sources, targets, epochs=10, batch_size=64, shapes=1, verbose=0)
    return translator


@pytest.fixture
def graphs(eager):
    tf.config.run_functions_eagerly(False)
