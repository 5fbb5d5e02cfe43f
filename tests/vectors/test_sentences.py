"""Texts -> lists of words, from every kind of texts, again and again."""

import pytest
import tensorflow as tf

from tfllm.text import Segments, Subwords, Words
from tfllm.vectors.sentences import GROUP, Sentences

TEXTS = ["A dog. runs", "", "早上 hi"]
WORDS = [["A", "dog", ".", "runs"], [], ["早", "上", "hi"]]


class Again:
    def __iter__(self):
        return (text.encode() for text in TEXTS)


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        tuple(TEXTS),
        Again(),
        tf.data.Dataset.from_tensor_slices(TEXTS),
        tf.data.Dataset.from_tensor_slices(TEXTS).batch(2),
        tf.data.Dataset.from_tensor_slices({"text": TEXTS}),
        tf.data.Dataset.from_tensor_slices({"other": TEXTS}),
        tf.data.Dataset.from_tensor_slices({"other": TEXTS[::-1], "text": TEXTS}),
        [tuple(words) for words in WORDS],
    ],
    ids=["list", "tuple", "iterable of bytes", "dataset", "batches", "records", "field", "fields", "words"],
)
def test_texts_may_come_in_many_ways_and_are_read_as_often_as_asked(texts):
    sentences = Sentences(texts)
    for _ in range(2):
        assert [list(words) for words in sentences] == WORDS


def test_groups_lose_no_text():
    texts = [f"w{i} " * (i % 3) for i in range(2 * GROUP + 5)]
    assert list(Sentences(texts)) == [text.split() for text in texts]
    assert [len(lengths) for _, lengths in Sentences(texts).groups()] == [GROUP, GROUP, 5]


def test_words_are_those_of_the_tokenizer():
    assert list(Sentences(["A-b c"], lambda text: text.lower().split("-"))) == [["a", "b c"]]
    assert list(Sentences(["A-b c"], Words(["c"], split="whitespace", lowercase=True))) == [["a-b", "c"]]


def test_chinese_words_are_those_of_the_dictionary():
    tokenizer = Segments(dictionary={"咖啡": 3}, lowercase=True)
    assert list(Sentences(["我喝 咖啡， OK", ""], tokenizer)) == [["我", "喝", "咖啡", "，", "ok"], []]


def test_words_are_the_pieces_of_a_learned_tokenizer():
    tokenizer = Subwords(["dog", " run"])
    assert list(Sentences(["dog runs"], tokenizer)) == [["dog", " run", "s"]]
    assert list(Sentences([b"dog\xff"], tokenizer)) == [["dog", "\\xff"]]


def test_pieces_that_the_vocabulary_lacks_are_left_out():
    from tfllm.text import Characters

    assert list(Sentences(["abca", "c", "ba"], Characters(["a", "b"]))) == [["a", "b", "a"], [], ["b", "a"]]


@pytest.mark.parametrize(
    "texts, output",
    [
        ("a dog", r"got one string: put it into a list, \['a dog'\]"),
        (b"a dog", "got one string"),
        ((text for text in TEXTS), "a generator can be read only once"),
        (iter(TEXTS), "read more than once"),
        (5, "texts must be a list"),
        (["a", 1], "got 1"),
        (["a", ["b"]], r"got \['b'\]"),
        ([["a", 1]], "must contain strings"),
        (tf.data.Dataset.range(3), "dataset of strings"),
        (tf.data.Dataset.from_tensor_slices({"a": TEXTS, "b": TEXTS}), r"\['a', 'b'\]: choose a field"),
    ],
)
def test_what_is_no_texts_is_refused(texts, output):
    with pytest.raises(ValueError, match=output):
        list(Sentences(texts))


def test_what_is_no_tokenizer_is_refused():
    with pytest.raises(ValueError, match="tokenizer must be"):
        Sentences(TEXTS, tokenizer="words")


def test_a_function_that_gives_no_list_of_words_is_refused():
    with pytest.raises(ValueError, match="list of words"):
        list(Sentences(["a b"], tokenizer=lambda text: text))
