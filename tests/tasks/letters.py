"""A model of letters for the tests of generation, run eagerly: nothing is compiled, which takes most of its time."""

import pytest
import tensorflow as tf

from tests.tasks.fading import fading
from tfllm.tasks import LanguageModel
from tfllm.text import END, Characters

PROMPTS = ["abc", "", "hgfedcbaabc", "b a"]


@pytest.fixture(scope="module", autouse=True)
def eager():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def made(seed=1, **options):
    """A model of letters, each text its own, of which END is likely enough."""
    lm = LanguageModel(fading(13, seed, **options), Characters(list("abcdefgh ")))
    bias = lm.model.to_logits.bias.numpy()
    bias[END] = 4.0
    lm.model.to_logits.bias.assign(bias)
    return lm


def endless(**options):
    lm = made(**options)
    bias = lm.model.to_logits.bias.numpy()
    bias[END] = -99.0
    lm.model.to_logits.bias.assign(bias)
    return lm
