"""Characters and bytes: one id a code point, one id a byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfllm.text import UNKNOWN, Bytes, Characters


def test_a_code_point_is_an_id():
    tokenizer = Characters.learn(["e\u0301 é🙂\0"])
    assert len(tokenizer.encode(["e\u0301 é🙂\0"]).to_list()[0]) == 6
    assert tokenizer.decode(tokenizer.encode(["🙂 \0e\u0301"])).numpy()[0].decode() == "🙂 \0e\u0301"


@settings(max_examples=100, deadline=None)
@given(learned=st.text(min_size=1, max_size=10), text=st.text(max_size=20))
def test_what_was_not_seen_is_unknown(learned, text):
    tokenizer = Characters.learn([learned])
    ids = tokenizer.encode([text]).to_list()[0]
    known = {token.decode(): i for i, token in enumerate(tokenizer.tokens) if i >= 4}
    assert ids == [known.get(character, UNKNOWN) for character in text]
    back = "".join(c if c in learned else "\ufffd" for c in text)
    assert tokenizer.decode([ids]).numpy()[0].decode() == back


def test_order_and_limits():
    assert Characters.learn(["bbaac"], vocab_size=6).tokens[4:] == [b"a", b"b"]
    assert Characters.learn(["bbac"], min_count=2).tokens[4:] == [b"b"]
    assert Characters.learn(["Ää"], lowercase=True).tokens[4:] == ["ä".encode()]
    with pytest.raises(ValueError, match="single characters, got 'ab'"):
        Characters(["ab"])


def test_invalid_utf8_is_the_replacement_character():
    assert Characters(["a"]).encode([b"a\xffa"]).to_list() == [[4, UNKNOWN, 4]]
    assert Characters(["a", "\ufffd"]).encode([b"a\xff"]).to_list() == [[4, 5]]


def test_a_byte_is_its_value_plus_four():
    tokenizer = Bytes.learn(["anything"])
    assert tokenizer.vocab_size == 260
    assert tokenizer.encode([bytes(range(256)), ""]).to_list() == [list(range(4, 260)), []]
    assert Bytes(lowercase=True).encode(["AÄ"]).to_list() == [[b + 4 for b in "aä".encode()]]


def test_lines_of_a_megabyte():
    text = "你a\0" * 2**18
    for tokenizer in (Bytes(), Characters.learn([text])):
        assert tokenizer.decode(tokenizer.encode([text])).numpy()[0].decode() == text
