"""Segments: what is cut, replaced, lost and written again. What all tokenizers share is in test_tokenizer.py."""

import random
import unicodedata

import pytest
import tensorflow as tf

from tfllm.text import UNKNOWN, Segments
from tfllm.text.chinese import width

DICTIONARY = {"喝": 5, "咖啡": 9, "怎么样": 7, "今晚": 6, "Ok吧": 2}


def test_words_come_from_the_dictionary_and_ids_from_the_vocabulary():
    tokenizer = Segments.learn(["今晚喝咖啡", "咖啡怎么样？"], dictionary=DICTIONARY)
    assert [token.decode() for token in tokenizer.tokens[4:]] == ["咖啡", "今晚", "喝", "怎么样", "？"]
    assert tokenizer.encode(["今晚 咖啡好？"]).to_list() == [[5, 4, UNKNOWN, 8]]
    assert tokenizer.cut(["今晚 咖啡好？"]).to_list()[0][2].decode() == "好"


def test_decode_puts_blanks_between_latin_words_only():
    tokenizer = Segments.learn(["今晚喝 good coffee，怎么样? Yes, 2 cups"], dictionary=DICTIONARY)
    text = "今晚喝good coffee，怎么样? Yes , 2 cups"
    assert tokenizer.decode(tokenizer.encode([text])).numpy()[0].decode() == text


def test_characters_are_replaced_before_the_cut():
    characters = width.HALF_WIDTH | {"樣": "样", "麼": "么"}
    tokenizer = Segments.learn(["今晚怎么样?ok"], dictionary=DICTIONARY, characters=characters, lowercase=True)
    assert tokenizer.encode(["今晚怎麼樣？ＯＫ"]).to_list() == tokenizer.encode(["今晚怎么样?OK"]).to_list()
    assert UNKNOWN not in tokenizer.encode(["今晚怎麼樣？ＯＫ"]).to_list()[0]


def test_a_dictionary_is_learned_where_none_is_given():
    draw = random.Random(0)
    made = ["咖啡", "今晚", *map(chr, range(0x4E00, 0x4E40))]
    texts = ["".join(draw.choices(made, k=30)) for _ in range(40)]
    tokenizer = Segments.learn(texts)
    assert [w.decode() for w in tokenizer.cut(["一今晚丁咖啡"]).to_list()[0]] == ["一", "今晚", "丁", "咖啡"]
    assert tokenizer.dictionary["咖啡"] == "".join(texts).count("咖啡")
    assert Segments.learn(iter(texts)).tokens == tokenizer.tokens
    with pytest.raises(ValueError, match="got one string"):
        Segments.learn("今晚")


def test_a_wrong_dictionary_is_explained():
    for dictionary in ({"咖 啡": 1}, {"": 1}, {3: 1}):
        with pytest.raises(ValueError, match="a word must be a str without white space"):
            Segments(dictionary=dictionary)
    for count in (0, -1, float("inf"), "many"):
        with pytest.raises(ValueError, match="a count above 0"):
            Segments(dictionary={"咖啡": count})
    with pytest.raises(ValueError, match="one character to one"):
        Segments(characters={"ab": "c"})


def test_half_width_is_that_of_unicode():
    for one, other in width.HALF_WIDTH.items():
        assert unicodedata.normalize("NFKC", one) == other
    texts = ["ＡＢＣ　（１２３）！～", "中文，ｆｕｌｌ", "", b"\xff\xef\xbc\xa1"]
    output = width.half_width(texts).numpy().tolist()
    assert [text.decode() for text in output] == ["ABC (123)!~", "中文,full", "", "\ufffdA"]
    graph = tf.function(width.half_width, input_signature=[tf.TensorSpec([None], tf.string)])
    assert graph(tf.constant(texts)).numpy().tolist() == output


def test_an_empty_table_changes_nothing():
    assert width.CharacterMap({})(tf.constant(["a，b"])).numpy()[0].decode() == "a，b"


@pytest.mark.peers
def test_simplified_characters_are_opencc_s():
    opencc = pytest.importorskip("opencc")
    convert = opencc.OpenCC("t2s").convert
    table = width.simplified_table()
    texts = ["漢語的書寫系統", "這個軟體讓您編輯圖片", "電腦"]
    output = [text.decode() for text in width.CharacterMap(table)(texts).numpy()]
    assert output == [convert(text) for text in texts]
    assert len(table) > 3000
