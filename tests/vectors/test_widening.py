"""Words of the vectors that a text lacks."""

import numpy as np
import pytest

from tfllm.models import BiDAFConfig
from tfllm.tasks import QuestionAnswering, QuestionAnsweringConfig, TextClassifier, TextClassifierConfig
from tfllm.text import UNKNOWN, Subwords, Words
from tfllm.vectors import widened

VECTORS = {word: np.full(4, i, "float32") for i, word in enumerate(["the", "Film", "movie", "u.s.", "awful", "dull"])}


def words(tokenizer):
    return [token.decode() for token in tokenizer.tokens[len(tokenizer.fixed) :]]


def test_new_words_stand_behind_the_old_ones():
    tokenizer = Words.learn(["a film , a movie"])
    assert words(widened(tokenizer, VECTORS, 5)) == [*words(tokenizer), "the", "Film", "awful"]
    assert words(widened(tokenizer, VECTORS, 0)) == words(tokenizer)


def test_words_that_are_never_met_are_left_out():
    lower = Words.learn(["a film"], lowercase=True)
    assert words(widened(lower, VECTORS, 6)) == [*words(lower), "the", "movie", "awful", "dull"]
    assert widened(lower, VECTORS, 6).get_config() | {"learned": ""} == lower.get_config() | {"learned": ""}
    blanks = Words.learn(["a film"], split="whitespace")
    assert "u.s." in words(widened(blanks, VECTORS, 6)) and "u.s." not in words(widened(lower, VECTORS, 6))


def test_the_ids_of_the_old_words_stay():
    tokenizer, text = Words.learn(["a film , a movie"]), ["a movie , a film"]
    assert widened(tokenizer, VECTORS, 6).encode(text).to_list() == tokenizer.encode(text).to_list()


def test_only_for_words():
    with pytest.raises(ValueError, match="got a Subwords"):
        widened(Subwords.learn(["a film"], vocab_size=300), VECTORS, 6)


def test_a_classifier_knows_words_that_it_has_not_read():
    texts, labels = ["a movie", "a film"], ["down", "up"]
    config = TextClassifierConfig(embeddings_words=6)
    task = TextClassifier.from_text(texts, labels, config, embeddings=VECTORS, embeddings_trainable=False)
    (ids,) = task.tokenizer.encode(["awful dull nonsense"]).to_list()
    assert UNKNOWN not in ids[:2] and ids[2] == UNKNOWN
    first, second = np.array(task.encoder.embed.embeddings)[ids[:2]]
    np.testing.assert_allclose(first / 4, second / 5, rtol=1e-4)  # scaled, as the others
    with pytest.raises(ValueError, match="needs word vectors"):
        TextClassifier.from_text(texts, labels, config)


def test_a_reader_does_too():
    records = [{"context": "a film", "question": "a what ?", "answers": ["film"], "starts": [2]}]
    config = QuestionAnsweringConfig(embeddings_words=6, model=BiDAFConfig(4, 4, 1))
    task = QuestionAnswering.from_text(records, config, embeddings=VECTORS)
    assert UNKNOWN not in task.tokenizer.encode(["awful dull movie"]).flat_values.numpy()
