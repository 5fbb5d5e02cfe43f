"""A model of letters for the tests of generation."""

from tests.tasks.text_generation.fading import fading
from tfllm.tasks import LanguageModel
from tfllm.text import END, Characters

PROMPTS = ["abc", "", "hgfedcbaabc", "b a"]


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
