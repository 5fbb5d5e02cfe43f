"""Lead and TextRank: sentences of the text, by the interface of a summarizer."""

import math

import pytest

from tests.reference import ranking as reference
from tfllm.extraction import Lead, TextRank

TEXT = (
    "Cats sleep all day. A storm came. Many cats sleep and dream all day long. The storm left. Do cats dream of birds?"
)
CHINESE = "北京今天下雨。猫在睡觉。今天北京下大雨。"


def test_lead_is_the_beginning():
    assert Lead(2).generate(TEXT) == "Cats sleep all day. A storm came."
    assert Lead(None, max_length=5).generate([TEXT, "One. Two."]) == ["Cats sleep all day. A", "One. Two."]
    assert Lead(1).generate([CHINESE, "", b"caf\xff. Bar."]) == ["北京今天下雨。", "", "caf\ufffd."]


@pytest.mark.parametrize(
    "text", ["वह घर गया। फिर सोया।", "ذهب؟ ثم نام.", "ខ្ញុំទៅ។ ខ្ញុំដេក។", "ငါသွား။ငါအိပ်။", "Кот спит. Пёс ест."]
)
def test_sentences_of_other_scripts(text):
    first, second = Lead(1).generate(text), Lead(2).generate(text)
    assert text.startswith(first) and len(first) < len(text) / 1.5 and second.replace(" ", "") == text.replace(" ", "")


def test_text_rank_takes_the_sentences_that_the_others_are_like():
    assert TextRank(1).generate(TEXT) == "Many cats sleep and dream all day long."
    assert TextRank(2).generate(CHINESE) == "北京今天下雨。 今天北京下大雨。"
    assert TextRank(9).generate(TEXT) == TEXT
    assert TextRank(2, max_length=3).generate(TEXT) == "Cats sleep all"
    assert Lead(None, max_length=8).generate([CHINESE, "แมวนั่ง"]) == ["北京今天下雨。 猫在", "แมวนั่ง"]


def test_its_ranks_are_the_papers():
    """By the loops of the reference: the best three, in the order of the text."""
    words = [sentence.split() for sentence in TEXT.lower().replace("?", ".").strip(".").split(". ")]
    assert len(words) == 5

    def like(a, b):
        return len({*a} & {*b}) / (math.log(len(a)) + math.log(len(b)))

    weights = [[0 if i == j else like(a, b) for j, b in enumerate(words)] for i, a in enumerate(words)]
    scores = reference.page_rank(weights)
    best = sorted(sorted(range(5), key=lambda i: -scores[i])[:3])
    output = TextRank(3).generate(TEXT).lower().replace("?", ".").strip(".").split(". ")
    assert output == [" ".join(words[i]) for i in best]


def test_scores_are_those_of_a_summarizer():
    pytest.importorskip("rouge_score")
    result = Lead(1).score([TEXT, "A dog. B."], ["cats sleep all day", "a cat"])
    assert result.rouge1.value == pytest.approx(75)
    chinese = TextRank(1).score([CHINESE], ["北京今天下雨"])
    assert chinese.rougeL.value == pytest.approx(100)
    assert TextRank(1).score([CHINESE], ["北京今天下雨"], tokens="words").rougeL.value == pytest.approx(100)
    assert TextRank(1).score([CHINESE], ["今天北京下雨"], tokens="words").rougeL.value == 0


def test_impossible_lengths_are_refused():
    with pytest.raises(ValueError, match="sentences must be None or at least 1; got 0"):
        Lead(0)
    with pytest.raises(ValueError, match="needs source and target"):
        Lead().score(["a"])
