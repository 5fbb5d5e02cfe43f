"""TF-IDF by hand and against scikit-learn; stop words."""

import math

import pytest
import tensorflow as tf

from tfllm.extraction.tf_idf import TfIdf
from tfllm.text import Segments, Words
from tfllm.text.stop_words import read_words, remove_stop_words, stop_words

TEXTS = ["the cat sat on the mat", "the dog sat", "a cat and a dog and a bird", "mat"]


def test_weights_by_hand():
    result = TfIdf([["a", "b"], ["a"]]).weights(["a", "a", "b", "new"])
    raw = {"a": 2 * (math.log(3 / 3) + 1), "b": math.log(3 / 2) + 1, "new": math.log(3 / 1) + 1}
    length = math.sqrt(sum(weight**2 for weight in raw.values()))
    assert result == {word: pytest.approx(weight / length) for word, weight in raw.items()}
    with pytest.raises(ValueError, match="at least one document"):
        TfIdf([])


@pytest.mark.peers
def test_weights_are_scikit_learn_s():
    text = pytest.importorskip("sklearn.feature_extraction.text")
    vectorizer = text.TfidfVectorizer(token_pattern=r"\w+")
    matrix, names = vectorizer.fit_transform(TEXTS).toarray(), vectorizer.get_feature_names_out()
    known = TfIdf(one.split() for one in TEXTS)
    for row, one in zip(matrix, TEXTS, strict=True):
        expected = {name: pytest.approx(value) for name, value in zip(names, row, strict=True) if value}
        assert known.weights(one.split()) == expected


@pytest.mark.parametrize(("language", "some"), [("en", {"the", "of", "is"}), ("zh", {"的", "我们", "因为"})])
def test_the_lists_have_words_of_no_content(language, some):
    words = stop_words(language)
    assert some < words and 250 < len(words) < 700
    assert all(word == word.lower().strip() for word in words)
    assert not words & {"cat", "system", "猫", "系统"}


def test_stop_words_are_left_out_of_words(tmp_path):
    words = Words().cut(["The cat IS on the mat", "of the", ""])
    kept = [[b"cat", b"mat"], [], []]
    assert remove_stop_words(words, stop_words("en")).to_list() == kept
    graph = tf.function(lambda texts: remove_stop_words(tf.strings.split(texts), stop_words("en")))
    assert graph(tf.constant(["The cat IS on the mat", "of the", ""])).to_list() == kept
    chinese = Segments(dictionary={"我们": 3, "咖啡": 2}).cut(["我们喝的咖啡"])
    assert [w.decode() for w in remove_stop_words(chinese, stop_words("zh")).to_list()[0]] == ["喝", "咖啡"]
    (tmp_path / "own.txt").write_text("\ufeff# of mine\n mat \n\nCAT\n", encoding="utf-8")
    own = read_words(tmp_path / "own.txt")
    assert own == {"mat", "CAT"}
    assert remove_stop_words(words, own).to_list()[0] == [b"The", b"IS", b"on", b"the"]
    assert remove_stop_words(words, set()).to_list() == words.to_list()


def test_wrong_input_is_explained():
    with pytest.raises(ValueError, match="'de'"):
        stop_words("de")
    with pytest.raises(ValueError, match="ragged"):
        remove_stop_words(tf.constant(["a b"]), {"a"})
