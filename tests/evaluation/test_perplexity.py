"""Perplexity from sums and counts, by hand."""

import math

import pytest

from tfllm.evaluation import Perplexity, counts


def test_what_is_counted():
    result = counts(["Ein Hund, \tzwei  中文\n", "", b"a\xffb"])
    assert (result.texts, result.words, result.characters, result.bytes) == (3, 5, 20 + 3, 24 + 3)
    assert counts(iter(["中文"])).bytes == 6


def test_a_uniform_model_has_the_size_of_its_vocabulary():
    result = Perplexity(-12 * math.log(260), 12, counts(["hello world"]))  # 11 bytes and END
    assert result.per_token == pytest.approx(260) and result.loss == pytest.approx(math.log(260))
    assert result.per_byte == pytest.approx(260 ** (12 / 11))
    assert result.per_word == pytest.approx(260**6)
    assert result.bits_per_byte == result.bits_per_character == pytest.approx(12 / 11 * math.log2(260))


def test_bits_of_a_character_and_of_its_bytes():
    result = Perplexity(-8.0, 3, counts(["中a"]))
    assert result.bits_per_character == pytest.approx(8 / math.log(2) / 2)
    assert result.bits_per_byte == pytest.approx(8 / math.log(2) / 4)
    assert result.per_byte == pytest.approx(2**result.bits_per_byte) == pytest.approx(math.e**2)


def test_texts_without_spaces_have_no_words():
    result = Perplexity(-8.0, 3, counts(["今天天气很好。", "แมวนั่ง GPT"]))
    assert result.of.words is None and math.isnan(result.per_word)
    assert [line.split()[0] for line in str(result).splitlines()] == ["per", "token", "character", "byte"]
    assert counts(["고양이가 앉아 있다"]).words == 3


def test_the_table():
    message = str(Perplexity(-12 * math.log(2), 6, counts(["one two"]), unknown=3)).splitlines()
    assert message[0].split() == ["per", "count", "bits", "perplexity"]
    assert message[1].split() == ["token", "6", "2.0000", "4"]
    assert message[2].split() == ["word", "2", "6.0000", "64"]
    assert [line.split()[0] for line in message[3:5]] == ["character", "byte"]
    assert message[5].startswith("50.0% of the tokens are UNKNOWN")
    assert len({len(line) for line in message[:5]}) == 1


def test_what_has_no_words_and_what_is_hopeless_can_be_told():
    result = Perplexity(-1e6, 2, counts([" "]))
    assert math.isnan(result.per_word) and result.per_byte == math.inf
    assert "nan" in str(result) and "inf" in str(result)


def test_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing to score: 1 tokens, 0 bytes"):
        Perplexity(-1.0, 1, counts([""]))
