"""The cut by a dictionary against all cuts there are, and against jieba without its hidden Markov model."""

import gzip
import os
import random
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.reference.segmentation import best_probability, probability
from tfllm.text.chinese import best_cut
from tfllm.text.chinese.best_cut import BestCut, trie
from tfllm.text.chinese.dictionaries import HAN, jieba_dictionary, learn_dictionary, read_dictionary

WORDS = {
    "研究": 30, "研究生": 12, "生命": 20, "命": 8, "的": 90, "起源": 15, "命的": 2, "T恤": 5, "卡拉OK": 4, "AA制": 3
}  # fmt: skip
SHARED = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[3] / "shared" / "data"))


def cut(texts, dictionary=WORDS):
    return [[word.decode() for word in row] for row in BestCut(dictionary)(tf.constant(texts)).to_list()]


def test_the_most_probable_cut_by_hand():
    assert cut(["研究生命的起源"]) == [["研究", "生命", "的", "起源"]]  # 12/189 * 8/189 is less than 30/189 * 20/189
    assert cut(["研究生命的起源"], WORDS | {"生命": 1}) == [["研究生", "命", "的", "起源"]]
    assert cut(["T恤，AA制 卡拉OK"]) == [["T恤", "，", "AA制", "卡拉OK"]]
    assert cut(["XT恤 卡拉OKs AAA制"]) == [["XT", "恤", "卡", "拉", "OKs", "AAA", "制"]]  # atoms are not divided
    assert cut(["", " \u3000\t ", "don't (3.5)", "研 究"]) == [
        [], [], ["don", "'", "t", "(", "3", ".", "5", ")"], ["研", "究"]
    ]  # fmt: skip
    assert cut(["研究生，好", ""], {}) == [["研", "究", "生", "，", "好"], []]
    assert BestCut(WORDS)(tf.constant([], tf.string)).to_list() == []


@pytest.mark.parametrize("seed", range(4))
def test_no_cut_is_more_probable(seed):
    draw = random.Random(seed)
    letters = "天地人你我"
    dictionary = {"".join(draw.choices(letters, k=draw.randint(1, 4))): draw.randint(1, 50) for _ in range(40)}
    texts = ["".join(draw.choices(letters, k=draw.randint(1, 11))) for _ in range(25)]
    for text, words in zip(texts, cut(texts, dictionary), strict=True):
        result = probability(words, dictionary, list(text))
        assert "".join(words) == text
        assert result == pytest.approx(best_probability(list(text), dictionary), abs=1e-9)


def test_a_text_is_cut_alike_alone_in_any_batch_and_in_a_graph():
    draw = random.Random(1)
    texts = ["".join(draw.choices("研究生命的起源T恤 ，A", k=draw.randint(0, 30))) for _ in range(40)]
    together = cut(texts)
    assert together == [cut([text])[0] for text in texts]
    assert cut(["，".join(texts)])[0] == [w for row in together for w in (*row, "，")][:-1]
    best = BestCut(WORDS)
    data = tf.data.Dataset.from_tensor_slices(texts).batch(7).map(best)
    assert [[w.decode() for w in row] for batch in data for row in batch.to_list()] == together


def test_what_has_no_pause_is_cut_at_a_limit(monkeypatch):
    monkeypatch.setattr(best_cut, "LIMIT", 8)
    assert cut(["哈" * 21], {"哈哈": 3, "哈": 1}) == [["哈哈"] * 8 + ["哈哈", "哈哈", "哈"]]
    long = cut(["哈" * 50_001], {"哈哈": 3, "哈哈哈": 2})
    assert "".join(long[0]) == "哈" * 50_001


def test_the_trie_holds_the_words_and_their_prefixes():
    words = sorted(WORDS)
    edges, ends = trie(words)
    prefixes = {word[:size] for word in words for size in range(1, len(word) + 1)}
    assert len(edges) == len(prefixes) and len(set(ends.tolist())) == len(words)
    assert (np.diff(edges) > 0).all()
    for word, end in zip(words, ends.tolist(), strict=True):
        node = 0
        for character in word:
            node = edges.tolist().index(node << 21 | ord(character)) + 1
        assert node == end


def test_a_dictionary_from_a_file(tmp_path):
    (tmp_path / "words.txt").write_text("\ufeff研究 30 v\n\n生命 20\n起源\n自定义 nz\n", encoding="utf-8")
    assert read_dictionary(tmp_path / "words.txt") == {"研究": 30, "生命": 20, "起源": 1, "自定义": 1}
    (tmp_path / "words.gz").write_bytes(gzip.compress((tmp_path / "words.txt").read_bytes()))
    assert read_dictionary(tmp_path / "words.gz") == read_dictionary(tmp_path / "words.txt")
    (tmp_path / "wrong.txt").write_text("研究 30\n生命 2x\n", encoding="utf-8")
    with pytest.raises(ValueError, match="wrong.txt, line 2: expected a word and its count"):
        read_dictionary(tmp_path / "wrong.txt")
    (tmp_path / "negative.txt").write_text("研究 -3\n", encoding="utf-8")
    with pytest.raises(ValueError, match="count above 0"):
        read_dictionary(tmp_path / "negative.txt")
    with pytest.raises(FileNotFoundError):
        read_dictionary(tmp_path / "nowhere.txt")


def test_a_dictionary_from_text_finds_the_words_that_made_it():
    draw = random.Random(3)
    characters = [chr(0x4E00 + i) for i in range(200)]
    draw.shuffle(characters)
    made = ["".join(characters[2 * i : 2 * i + 2]) for i in range(60)] + characters[120:]
    texts = ["".join(draw.choices(made, k=30)) + "。" for _ in range(200)]
    result = learn_dictionary(texts)
    assert {word for word in result if len(word) == 2} == set(made[:60])
    chance = sum(count for word, count in result.items() if word not in made and len(word) > 1)
    assert chance < 0.02 * sum(result.values())  # neighbours by chance
    assert cut(["".join(made[:3]) + made[70]], result) == [[*made[:3], made[70]]]
    assert len(learn_dictionary(texts, size=50)) == 50 and learn_dictionary(["only English"]) == {}
    assert learn_dictionary(texts) == result


def spans(words):
    """Where the words with Chinese characters stand, white space not counted."""
    result, at = set(), 0
    for word in words:
        size = len("".join(word.split()))
        if HAN.search(word):
            result.add((at, at + size))
        at += size
    return result


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_jieba_without_its_markov_model_cuts_alike():
    jieba = pytest.importorskip("jieba")
    jieba.setLogLevel(60)
    texts = [
        "我来到北京清华大学",
        "他来到了网易杭研大厦",
        "小明硕士毕业于中国科学院计算所，后在日本京都大学深造",
        "研究生命的起源",
    ]
    if (SHARED / "xdailydialog").is_dir():
        lines = (SHARED / "xdailydialog" / "zh_test_human.txt").read_text(encoding="utf-8").splitlines()
        texts += [line.split("\t")[0].replace("__eou__", " ") for line in lines]
    same = ours = theirs = 0
    for text, words in zip(texts, cut(texts, jieba_dictionary()), strict=True):
        result, expected = spans(words), spans(jieba.cut(text, HMM=False))
        same, ours, theirs = same + len(result & expected), ours + len(result), theirs + len(expected)
    assert 2 * same / (ours + theirs) > 0.999
