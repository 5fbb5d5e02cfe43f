import keras
import pytest
import tensorflow as tf

from tests import zoo
from tfllm.export.examples import UNKNOWN, example_of
from tfllm.text import Characters, Subwords, Words

TEXT = ["the red dogs were running after some small cats", "a cat, the dogs and 3 men", "狗 跑 了"] * 9


class Owner(keras.layers.Layer):
    def __init__(self, tokenizer):
        super().__init__()
        self.tokenizer = tokenizer


@pytest.mark.parametrize("kind", [Words, Characters, Subwords])
def test_words_of_the_vocabulary(kind):
    tokenizer = kind.learn(TEXT)
    text = example_of(Owner(tokenizer))
    ids = tokenizer.encode([text])[0].numpy()
    assert len(ids) >= 4 and tokenizer.unknown not in ids and tf.strings.length(text) > 4
    assert not any(mark in text for mark in "3,")


def test_without_a_vocabulary_or_a_tokenizer():
    assert example_of(keras.layers.Dense(1)) == example_of(Owner(Words())) == UNKNOWN


def test_the_mask_is_part_of_it():
    assert example_of(zoo.made("masked language model"), "[MASK]").endswith(" [MASK]")
