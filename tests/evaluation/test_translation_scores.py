"""Scores against sacrebleu itself and against numbers worked out by hand."""

import math
import sys
from typing import get_args

import pytest

from tfllm.evaluation import Scores, bleu, chrf, exact_match, translation_scores

HYPOTHESES = [
    "the cat sat on the mat .",
    "A dog runs over the meadow.",
    "two men are talking",
    "no word alike",
]
REFERENCES = [
    "the cat sat on a mat .",
    "A dog is running across the meadow.",
    "Two men are talking.",
    "wholly other",
]


def test_bleu_by_hand():
    """Unigrams 4/5 match, bigrams 3/4, trigrams 2/3, 4-grams 1/2; as long as the reference."""
    score = bleu(["a b c d e"], ["a b c d f"], tokenize="none")
    assert score.value == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_bleu_brevity_penalty_by_hand():
    score = bleu(["a b c d"], ["a b c d e f"], tokenize="none")
    assert score.value == pytest.approx(100 * math.exp(1 - 6 / 4))


def test_chrf_by_hand():
    """ "ab" in "abc": 1-grams P 2/2 R 2/3, 2-grams P 1/1 R 1/2, longer ones do not count; F with beta 2."""
    precision, recall = (1 + 1) / 2, (2 / 3 + 1 / 2) / 2
    expected = 5 * precision * recall / (4 * precision + recall)
    assert chrf(["ab"], ["abc"]).value == pytest.approx(100 * expected)


@pytest.mark.parametrize("tokenize, lowercase", [("13a", False), ("none", True), ("char", False)])
def test_bleu_is_that_of_sacrebleu(tokenize, lowercase):
    metrics = pytest.importorskip("sacrebleu.metrics")
    metric = metrics.BLEU(tokenize=tokenize, lowercase=lowercase)
    expected = metric.corpus_score(HYPOTHESES, [REFERENCES], n_bootstrap=1000)
    score = bleu(HYPOTHESES, REFERENCES, tokenize=tokenize, lowercase=lowercase)
    assert score.value == expected.score
    assert f"{(score.low + score.high) / 2:.2f} ± {(score.high - score.low) / 2:.2f}" in expected.format()
    assert score.signature == str(metric.get_signature())
    assert "bs:1000|seed:12345" in score.signature and f"tok:{tokenize}" in score.signature


def test_chrf_where_some_samples_match_in_nothing():
    """As of a model that has learned little: sacrebleu's own bootstrap raises TypeError here."""
    score = chrf(["a", "x y z"], ["bbb", "cat x"])
    assert 0 <= score.low < score.value < score.high


def test_chrf_is_that_of_sacrebleu():
    metrics = pytest.importorskip("sacrebleu.metrics")
    metric = metrics.CHRF(word_order=2)
    expected = metric.corpus_score(HYPOTHESES, [REFERENCES], n_bootstrap=1000)
    score = chrf(HYPOTHESES, REFERENCES, word_order=2)
    assert score.value == expected.score and score.name == "chrF2++"
    assert score.signature == str(metric.get_signature())


def test_several_references_may_differ_in_number():
    metrics = pytest.importorskip("sacrebleu.metrics")
    several = [[REFERENCES[0], HYPOTHESES[0]], [REFERENCES[1]], [REFERENCES[2]], [REFERENCES[3]]]
    columns = [REFERENCES, [HYPOTHESES[0], None, None, None]]
    assert bleu(HYPOTHESES, several).value == metrics.BLEU().corpus_score(HYPOTHESES, columns).score
    assert exact_match(HYPOTHESES, several).value == 25.0


def test_the_seed_of_the_environment_changes_nothing(monkeypatch):
    expected = bleu(HYPOTHESES, REFERENCES)
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    assert bleu(HYPOTHESES, REFERENCES) == expected
    assert __import__("os").environ["SACREBLEU_SEED"] == "7"


def test_exact_match_with_wilson_interval():
    """Wilson 1927 solves |p - share| = z √(p (1 - p) / n): both ends must satisfy it."""
    score = exact_match(["a", "b", "c", "d "], ["a", "b", "c", "d"])
    assert score.value == 75.0
    for end in (score.low / 100, score.high / 100):
        assert abs(end - 0.75) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / 4), rel=1e-6)
    assert exact_match(["a"] * 9, ["a"] * 9).high == 100.0 and exact_match(["a"], ["b"]).low == 0.0


def test_the_line_to_cite():
    line = str(bleu(HYPOTHESES, REFERENCES))
    score = bleu(HYPOTHESES, REFERENCES)
    assert line.startswith(f"BLEU {score.value:.2f} [{score.low:.2f}, {score.high:.2f}] nrefs:1|bs:1000|")
    both = Scores(score, chrf(HYPOTHESES, REFERENCES))
    assert str(both).splitlines()[0] == line and str(both).splitlines()[1].startswith("chrF2 ")
    assert float(score) == score.value and 0 <= score.low <= score.high <= 100


@pytest.mark.parametrize("score", [bleu, chrf, exact_match])
@pytest.mark.parametrize(
    "hypotheses, references, message",
    [
        (["a"], ["a", "b"], "1 hypotheses but 2 references: give one per hypothesis"),
        ([], [], "nothing to score"),
        ("a b", ["a b"], "hypotheses: expected a list of strings, got one string"),
        ([b"a"], ["a"], "item 0: expected str, got bytes; decode it first"),
        (["a"], [[]], "item 0 has no reference"),
    ],
)
def test_wrong_input_is_explained(score, hypotheses, references, message):
    with pytest.raises(ValueError, match=message):
        score(hypotheses, references)


SCRIPTS = {
    "zh": (["猫坐在垫子上。", "他在 2023 年用 GPT-4。"], ["猫坐在垫子上面。", "他于 2023 年使用 GPT-4。"]),
    "char": (["ねこがすわっている", "これはペンです"], ["ねこが座っている", "これはペンでした"]),
    "char ": (["แมวนั่งอยู่บนเสื่อ"], ["แมวนั่งบนเสื่อ"]),
    "13a": (["Кошка сидит на коврике.", "Да."], ["Кошка сидит на ковре.", "Да."]),
    "13a ": (["고양이가 매트 위에 앉아 있다."], ["고양이가 매트에 앉아 있다."]),
    "13a  ": (["Xi Jinping (习近平) said so to the press."], ["Xi Jinping (习近平) said it to the press."]),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_tokenizer_follows_the_script(name, caplog):
    metrics = pytest.importorskip("sacrebleu.metrics")
    hypotheses, references = SCRIPTS[name]
    score = bleu(hypotheses, references)
    assert score.value == metrics.BLEU(tokenize=name.strip()).corpus_score(hypotheses, [references]).score > 1
    assert f"|tok:{name.strip()}|" in score.signature and not caplog.text
    assert bleu(references, references).value == pytest.approx(100)


def test_chinese_by_hand():
    """猫 坐 着 了 against 猫 坐 着 吧: 3/4, 2/3, 1/2, and none of one 4-gram, which smoothing makes 1/2."""
    assert bleu(["猫坐着了"], ["猫坐着吧"]).value == pytest.approx(100 * (3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** 0.25)


@pytest.mark.parametrize(
    "references, options, message",
    [
        (["猫坐着", "a cat"], {"tokenize": "13a"}, "BLEU: 1 of 2 references have no spaces between words"),
        (["猫坐着", "two cats and a dog"], {}, "and tokenize='13a' treats each run"),
        (["ねこがすわる", "猫坐着"], {"tokenize": "zh"}, "1 of 2 references"),
        (["ねこがすわる", "แมวนั่ง"], {"tokenize": "char"}, None),
        (["我 喜欢 猫", "a cat"], {"tokenize": "none"}, None),
        (["猫坐着"] + ["a cat"] * 19, {}, None),  # fewer than a tenth
    ],
)
def test_bleu_warns_of_what_it_cannot_read(references, options, message, caplog):
    bleu(["x"] * len(references), references, **options)
    assert message in caplog.text if message else not caplog.text


def test_words_of_chrf_stand_between_spaces(caplog):
    assert chrf(["猫坐着"], ["猫坐着"]).value == pytest.approx(100) and not caplog.text
    chrf(["猫坐着"], ["猫坐着"], word_order=2)
    assert "chrF++: 1 of 1 references" in caplog.text


def test_the_names_of_tokenizers_are_those_of_sacrebleu(monkeypatch):
    metrics = pytest.importorskip("sacrebleu.metrics")
    assert {*get_args(translation_scores.TOKENIZERS), "none", "spm"} == {*metrics.BLEU.TOKENIZERS}
    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_ja_mecab.MeCab", None)
    with pytest.raises(ImportError, match=r"pip install 'sacrebleu\[ja\]'"):
        bleu(["ねこ"], ["ねこ"], tokenize="ja-mecab")


def test_unknown_tokenizer():
    with pytest.raises(ValueError, match="sacrebleu has no tokenizer '14a'; it has 13a, char"):
        bleu(["a"], ["a"], tokenize="14a")


def test_without_sacrebleu(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    for score in (bleu, chrf):
        with pytest.raises(ImportError, match=r"pip install 'tfllm\[eval\]'"):
            score(["a"], ["a"])
    assert exact_match(["a"], ["a"]).value == 100.0
