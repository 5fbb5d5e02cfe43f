"""Subwords: lossless on all bytes, equal to the plain greedy loop, quick on long lines, learned from odd texts too."""

import functools
import gzip
import logging
import os
import random
import time
from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfllm.text import Bytes, Subwords

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[3] / "shared" / "data"))
ENGLISH = ["the cat sat on the mat", "the dog sat on the cat's mat.", "a bat, a hat, a cat; that is that!"] * 4
CHINESE = ["你好世界", "世界很大", "你好，你在哪里"] * 4
SPECIALS = st.sampled_from(
    ["<pad>", "</s>", "<0x41>", "▁", "▅", "\0", "\t", "  ", "\r\n", "e\u0301", "🙂", "👩‍👩‍👧", "你好", "the"]
)
TEXT = st.lists(st.one_of(st.text(max_size=8), SPECIALS, st.text(alphabet="the a你好世界", max_size=12)), max_size=8)


@pytest.fixture(scope="module")
def tokenizer():
    return Subwords.learn(ENGLISH + CHINESE, vocab_size=330)


@pytest.fixture(scope="module")
def given_pieces():
    return Subwords(["th", "the", " the", " th", "at", "atat", "  ", "é", "你好", "世", "世界 ", "aa", "aaaa"])


def greedy(text, tokens):
    """One text, one token at a time: the longest token that fits."""
    ids = {token: token_id for token_id, token in enumerate(tokens) if token_id >= 4}
    out, at = [], 0
    while at < len(text):
        size = next(size for size in range(len(text) - at, 0, -1) if text[at : at + size] in ids)
        out.append(ids[text[at : at + size]])
        at += size
    return out


def graph(function, shape, dtype):
    return tf.function(function, input_signature=[tf.TensorSpec(shape, dtype)])


@functools.cache
def road(tokenizer):
    """texts -> (ids, the text that comes back), as one graph."""

    def there_and_back(texts):
        ids = tokenizer.encode(texts)
        return ids, tokenizer.decode(ids)

    return graph(there_and_back, [None], tf.string)


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(TEXT.map("".join), max_size=4))
def test_valid_text_comes_back_cut_as_by_the_greedy_loop(tokenizer, given_pieces, texts):
    for kind in (tokenizer, given_pieces):
        ids, back = road(kind)(tf.constant(texts, tf.string, [len(texts)]))
        assert back.numpy().tolist() == [text.encode() for text in texts]
        assert ids.to_list() == [greedy(text.encode(), kind.tokens) for text in texts]


def test_a_match_never_crosses_texts():
    tokenizer = Subwords(["ab", "abc", "c d"])
    assert tokenizer.pieces(["a", "b", "abc", "", "ab", "c", "c d"]).to_list() == [
        [b"a"], [b"b"], [b"abc"], [], [b"ab"], [b"c"], [b"c d"],
    ]  # fmt: skip


def test_without_a_vocabulary_it_is_bytes():
    assert Subwords().vocab_size == 260
    assert Subwords().encode(["aé\0"]).to_list() == Bytes().encode(["aé\0"]).to_list()


def test_nothing_is_lower_cased_unless_asked(tokenizer):
    assert tokenizer.decode(tokenizer.encode(["The ÄÖ"])).numpy()[0].decode() == "The ÄÖ"
    lower = Subwords.learn(["ÄRA ÄRA ÄRA Ära ära"] * 9, vocab_size=270, lowercase=True)
    assert "ära".encode() in lower.tokens and not any("Ä" in token.decode() for token in lower.tokens[260:])
    assert lower.decode(lower.encode(["The ÄRA"])).numpy()[0].decode() == "the ära"


@pytest.mark.parametrize("unit", ["abc", "a b ", "你好世界", " ", "🙂", "the"])
def test_a_line_of_a_megabyte(tokenizer, unit):
    text = (unit * (2**20 // len(unit.encode()) + 1)).encode()
    encode = graph(tokenizer.encode, [None], tf.string)
    encode(["warm up"])
    ids = encode([text])  # 0.3 s; what takes long fails by tests/timing.py
    assert tokenizer.decode(ids).numpy()[0] == text


def test_learning_keeps_the_sizes(tokenizer):
    assert tokenizer.vocab_size <= 330 and {b" cat", "你好".encode()} <= set(tokenizer.tokens)
    assert len(set(tokenizer.tokens)) == tokenizer.vocab_size
    assert all(len(token) > 1 for token in tokenizer.tokens[260:])
    again = Subwords.learn((text for text in ENGLISH + CHINESE), vocab_size=330)
    assert again.tokens == tokenizer.tokens
    data = tf.data.Dataset.from_tensor_slices(ENGLISH + CHINESE)
    assert Subwords.learn(data, vocab_size=330).tokens == tokenizer.tokens
    assert Subwords.learn(data.batch(7), vocab_size=330).tokens == tokenizer.tokens


def test_a_small_text_gives_a_small_vocabulary(caplog):
    with caplog.at_level(logging.WARNING):
        tokenizer = Subwords.learn(["2021-01-01", "January 1, 2021"] * 5)
    assert 260 < tokenizer.vocab_size < 300 and "of the 7740 subwords" in caplog.text


def test_repeated_words_are_pieces_where_one_character_always_follows():
    """Of these words, each with a space behind it, sentencepiece's trainer alone makes fragments: " g", "re", "en"."""
    draw, words = random.Random(1), ["small", "green", "white", "horse", "river", "chair", "sees", "likes", "finds"]
    texts = ["the {} {} and the {} .".format(*draw.sample(words, 3)) for _ in range(60)]
    assert {f" {word}".encode() for word in words} <= set(Subwords.learn(texts).tokens)


def test_more_characters_than_room():
    texts = [chr(0x4E00 + i) + chr(0x4E00 + i * 7 % 500) for i in range(500)]
    assert Subwords.learn(texts, vocab_size=300).vocab_size <= 300


@pytest.mark.parametrize("texts", [["\0▁▅ a b a b"], ["a\nb\tc\r\n" * 9], [b"\xff\xfea a a"], ["x" * 5000], ["a"]])
def test_odd_texts_can_be_learned_from(texts):
    tokenizer = Subwords.learn(texts, vocab_size=280)
    raw = [text if isinstance(text, bytes) else text.encode() for text in texts]
    assert tokenizer.decode(tokenizer.encode(texts)).numpy().tolist() == raw


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([], "no text"),
        (["", " \n"], "no text"),
        ("one", "one string"),
        ([3], "got a int"),
        ([{"text": "a"}], "got a dict"),
    ],
)
def test_what_cannot_be_learned_from_is_explained(texts, reason):
    with pytest.raises(ValueError, match=reason):
        Subwords.learn(texts)


def test_wrong_datasets_and_sizes_are_explained():
    with pytest.raises(ValueError, match="choose a field"):
        Subwords.learn(tf.data.Dataset.from_tensor_slices({"source": ["a"], "target": ["b"]}))
    with pytest.raises(ValueError, match="at least 260, got 100"):
        Subwords.learn(["a"], vocab_size=100)


@pytest.mark.shared
@pytest.mark.slow
def test_multi30k_is_learned_in_a_minute_and_comes_back():
    files = [DATA / "multi30k" / "raw" / f"train.{language}.gz" for language in ("en", "de")]
    if not all(file.exists() for file in files):
        pytest.skip(f"needs {files[0]}")
    lines = [line for file in files for line in gzip.open(file, "rt", encoding="utf-8").read().splitlines()]
    started = time.process_time()
    tokenizer = Subwords.learn(lines, vocab_size=8000)
    assert time.process_time() - started < 60
    assert tokenizer.vocab_size == 8000
    assert road(tokenizer)(lines)[1].numpy().tolist() == [line.encode() for line in lines]
