"""The characters of each token, with every tokenizer."""

import pytest
import tensorflow as tf

from tfllm import text
from tfllm.explain.subjects.token_spans import token_spans
from tfllm.text.chinese.width import HALF_WIDTH

TEXTS = ["A dog's café.", "Zwölf Boxkämpfer!", "乾隆 ate 123 apples", " two  spaces ", "İstanbul ẞ x", "👍🏽 ok é"]


def spans(tokenizer, one):
    found = token_spans(tokenizer, one)
    assert len(found) == len(tokenizer.encode([one])[0])
    assert all(0 <= start <= end <= len(one) for start, end in found)
    return [one[start:end] for start, end in found]


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("one", TEXTS)
def test_tokenizers_that_lose_nothing_cover_the_text(one, lowercase):
    for tokenizer in (text.Bytes(lowercase=lowercase), text.Subwords([" dog", "ood", "café", " two"], lowercase)):
        found = token_spans(tokenizer, one)
        assert len(found) == len(tokenizer.encode([one])[0])
        assert {i for start, end in found for i in range(start, end)} == set(range(len(one)))
        assert found == sorted(found)


def test_each_has_its_letters():
    assert spans(text.Subwords([" dog", "café"]), "A dog café") == ["A", " dog", " ", "café"]
    assert spans(text.Bytes(), "aé") == ["a", "é", "é"]
    assert spans(text.Characters(["a", "b", "é"]), "aZé") == ["a", "Z", "é"]
    assert spans(text.Characters(["a", "b", "i"], lowercase=True), "aİb") == ["a", "İ", "İ", "b"]
    assert spans(text.Words(["dog"]), "A dog!") == ["A", "dog", "!"]
    assert spans(text.Segments(["你好"], {"你好": 9, "世界": 5}), "你好 世界, OK!") == ["你好", "世界", ",", "OK", "!"]
    wide = text.Segments(["ok"], {"你好": 9}, HALF_WIDTH, lowercase=True)
    assert spans(wide, "ＯＫ，你好") == ["ＯＫ", "，", "你好"]


def test_a_tokenizer_of_elsewhere():
    """Words are looked for one behind the other; what is not in the text has an empty span."""

    class Odd:
        lowercase = False

        def pieces(self, texts):
            return tf.ragged.constant([["a", "zzz", "b"]])

    assert token_spans(Odd(), "xa b") == [(1, 2), (2, 2), (3, 4)]
