"""Words: how text is cut, what is lost, and text that comes already cut."""

import pytest

from tfllm.text import UNKNOWN, Words


def words(text, **options):
    return [piece.decode() for piece in Words.learn([text], **options).pieces([text]).to_list()[0]]


def test_punctuation_and_symbols_stand_alone():
    assert words("Hello, world! It's 3.5€ (ok)…") == [
        "Hello", ",", "world", "!", "It", "'", "s", "3", ".", "5", "€", "(", "ok", ")", "…",
    ]  # fmt: skip
    assert words("我们 like 茶。") == ["我", "们", "like", "茶", "。"]
    assert words("日本 カタカナ café e\u0301") == ["日", "本", "カタカナ", "café", "e\u0301"]


def test_white_space_only():
    assert words(" Hello,  world!\tIt's\n", split="whitespace") == ["Hello,", "world!", "It's"]


def test_decode_puts_one_space():
    tokenizer = Words.learn(["a  b,c"])
    assert tokenizer.decode(tokenizer.encode(["a  b,c", "", "a"])).numpy().tolist() == [b"a b , c", b"", b"a"]


def test_unseen_words_are_unknown_even_when_named_like_a_special():
    tokenizer = Words(["cat", "<pad>"], split="whitespace")
    assert tokenizer.encode(["cat dog <pad> <unk> </s>"]).to_list() == [[4, UNKNOWN, 5, UNKNOWN, UNKNOWN]]
    assert tokenizer.decode([[4, UNKNOWN, 5]]).numpy()[0].decode() == "cat \ufffd <pad>"
    assert Words().encode(["cat"]).to_list() == [[UNKNOWN]]


def test_order_is_by_count_then_by_bytes():
    texts = ["b a c c d d d", "e"]
    assert Words.learn(texts).tokens[4:] == [b"d", b"c", b"a", b"b", b"e"]
    assert Words.learn(texts, vocab_size=6).tokens[4:] == [b"d", b"c"]
    assert Words.learn(texts, min_count=2).tokens[4:] == [b"d", b"c"]
    assert Words.learn(["The the THE ÄH äh"], lowercase=True).tokens[4:] == [b"the", "äh".encode()]


def test_continuation_marks_are_joined_and_removed():
    text = "ein gro@@ ßer Hun@@ d @ home a@@"
    tokenizer = Words.learn([text], split="whitespace", continuation="@@")
    assert tokenizer.decode(tokenizer.encode([text])).numpy()[0].decode() == "ein großer Hund @ home a"
    starred = Words.learn(["a.* b"], split="whitespace", continuation=".*")  # a mark is no pattern
    assert starred.decode(starred.encode(["a.* b"])).numpy().tolist() == [b"ab"]


def test_invalid_utf8_is_read_as_the_replacement_character():
    tokenizer = Words.learn([b"caf\xe9 au lait"])
    assert tokenizer.decode(tokenizer.encode([b"caf\xe9 lait"])).numpy()[0].decode() == "caf \ufffd lait"


def test_what_stands_behind_a_nul_is_read():
    tokenizer = Words.learn(["a dog"], lowercase=True)
    assert tokenizer.encode(["A\0 Dog", "a dog"]).to_list() == [[UNKNOWN, 5], [4, 5]]


def test_wrong_options_are_explained():
    with pytest.raises(ValueError, match="split must be one of"):
        Words(split="spaces")
    with pytest.raises(ValueError, match="no text"):
        Words.learn(["", "  "])
    with pytest.raises(ValueError, match="at least 5, got 4|at least 5"):
        Words.learn(["a"], vocab_size=4)


def test_a_line_of_a_megabyte():
    tokenizer = Words.learn(["你 a ,"])
    ids = tokenizer.encode(["你a," * 2**18, "x" * 2**20]).to_list()
    assert [len(row) for row in ids] == [3 * 2**18, 1]
