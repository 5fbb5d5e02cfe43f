"""ROUGE against counts by hand, in English and Chinese; its interval against all draws."""

import itertools

import numpy as np
import pytest

pytest.importorskip("rouge_score")
from tfllm.evaluation import rouge  # noqa: E402


def f1(hits, output, reference):
    """In percent, of counts."""
    return 100 * 2 * hits / (output + reference)


def test_it_counts_words_pairs_and_the_longest_common_sequence():
    """the cat was found under the bed / the cat was under the bed: Lin's measures by hand."""
    result = rouge(["the cat was found under the bed"], ["The cat was under the bed."], stemming=False)
    assert result.as_dict() == pytest.approx({"rouge1": f1(6, 7, 6), "rouge2": f1(4, 6, 5), "rougeL": f1(6, 7, 6)})
    swapped = rouge(["bed the under was cat the"], ["the cat was under the bed"], stemming=False)
    assert swapped.as_dict() == pytest.approx({"rouge1": 100, "rouge2": 0, "rougeL": f1(3, 6, 6)})


def test_stems_are_equal_on_request():
    assert rouge(["he jumps"], ["he jumped"]).rouge1.value == pytest.approx(100)
    assert rouge(["he jumps"], ["he jumped"], stemming=False).rouge1.value == pytest.approx(50)


def test_chinese_by_characters():
    """北京 in common, of 4 and 6 characters; numbers and Latin words are whole."""
    result = rouge(["北京下雨"], ["昨天北京大雨"], tokens="characters")
    assert result.as_dict() == pytest.approx({"rouge1": f1(3, 4, 6), "rouge2": f1(1, 3, 5), "rougeL": f1(3, 4, 6)})
    mixed = rouge(["GPT-4在2023年发布"], ["gpt 4 2024 发布"], tokens="characters")
    assert mixed.rouge1.value == pytest.approx(f1(4, 7, 5))
    assert rouge(["北京 下 雨"], ["北京下雨"], tokens="characters").rougeL.value == pytest.approx(100)
    by_script = rouge(["北京下雨"], ["昨天北京大雨"])
    assert by_script == result and "|tokens:characters|stemming:no|" in by_script.rouge1.signature


TEXTS = {  # a text, and another with its last word changed; words by hand
    "Greek": ("Η ΓΆΤΑ κάθεται", "η γάτα κοιμάται"), "Cyrillic": ("Кошка, сидит!", "кошка спит"),
    "Arabic": ("القِطّة تجلس", "القِطّة تنام"), "Hindi": ("बिल्ली बैठी है", "बिल्ली बैठी थी"),
    "Hebrew": ("הֶחָתוּל יושב", "הֶחָתוּל ישן"), "Korean": ("고양이가 앉아", "고양이가 잔다"),
    "Vietnamese": ("con mèo đang ngồi", "con mèo đang ngủ"), "Tamil": ("பூனை உட்கார்ந்தது", "பூனை தூங்கியது"),
    "German": ("die Größe zählt", "die größe täuscht"), "decomposed": ("cafe\u0301 noir", "café blanc"),
}  # fmt: skip


@pytest.mark.parametrize("one, other", TEXTS.values(), ids=TEXTS)
def test_words_of_every_script(one, other):
    """All words but the last are common; equal texts have 100."""
    size = len(one.split())
    result = rouge([one, one], [other, one])
    assert result.rouge1.value == pytest.approx((100 * (size - 1) / size + 100) / 2)
    assert "|tokens:words|" in result.rouge1.signature


@pytest.mark.parametrize(
    "one, other, common, sizes",
    [
        ("แมวนั่ง", "แมวนอน", 4, (7, 6)),  # แ ม ว น
        ("ねこがすわる。", "ねこがねる", 4, (6, 5)),  # marks do not count
        ("ແມວນັ່ງ", "ແມວນອນ", 4, (7, 6)),
        ("ឆ្មាអង្គុយ", "ឆ្មាដេក", 4, (10, 7)),
        ("ကြောင်", "ကြောင်", 6, (6, 6)),
    ],
    ids=["Thai", "Japanese", "Lao", "Khmer", "Burmese"],
)
def test_characters_of_scripts_without_spaces(one, other, common, sizes):
    result = rouge([one], [other])
    assert result.rouge1.value == pytest.approx(f1(common, *sizes))
    assert "|tokens:characters|" in result.rouge1.signature


def test_ascii_words_are_those_of_rouge_score():
    """Against the official scorer with its own tokenizer; and with one that cuts at spaces, of Russian."""
    scorer = pytest.importorskip("rouge_score.rouge_scorer")
    output = ["Don't count_on U.S. jumping-jacks, 3.5 times!", "The cats' jumped", "a1-b2 ... running runs"]
    references = ["do not count on the US jump", "the CAT jumps", "A1 B2; he ran running"]
    for stemming in (True, False):
        official = scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=stemming)
        scores = [official.score(right, one) for one, right in zip(output, references, strict=True)]
        means = {name: np.mean([100 * one[name].fmeasure for one in scores]) for name in scores[0]}
        assert rouge(output, references, stemming=stemming, resamples=10).as_dict() == pytest.approx(means)

    class Spaces:
        def tokenize(self, text):
            return text.split()

    official = scorer.RougeScorer(["rouge2"], tokenizer=Spaces()).score("кот сидит на окне", "кот сидит у окна")
    assert rouge(["Кот сидит у окна."], ["Кот сидит на окне."]).rouge2.value == 100 * official["rouge2"].fmeasure


@pytest.mark.parametrize(
    "references, tokens, message",
    [
        (["猫坐着", "a cat"], "words", "1 of 2 references have no spaces between words, and tokens='words'"),
        (["猫坐着", "a cat and a dog"], None, "1 of 2 references have no spaces"),
        (["🙂!", "a cat"], None, "1 of 2 references have neither letters nor numbers"),
        (["The name is 习近平, he said", "a cat"], None, None),
        (["我 喜欢 猫", "a cat"], "characters", None),
    ],
)
def test_what_it_cannot_read_is_told(references, tokens, message, caplog):
    rouge(["x", "y"], references, tokens=tokens, resamples=1)
    assert message in caplog.text if message else not caplog.text


def test_the_interval_is_that_of_all_draws():
    output, references = ["a b c d", "a x", "q"], ["a b c d", "a b", "z"]
    result = rouge(output, references, stemming=False, resamples=4000).rouge1
    values = np.array([100, 50, 0])
    means = sorted(np.mean(values[list(draw)]) for draw in itertools.product(range(3), repeat=3))
    assert (result.low, result.high) == (pytest.approx(means[0], abs=1), pytest.approx(means[-1], abs=1))
    assert result.value == pytest.approx(50)
    assert str(result).startswith("ROUGE-1 50.00 [0.00, 100.00] n:3|tokens:words|stemming:no|interval:bootstrap|rouge")


def test_the_mean_is_over_summaries():
    result = rouge(["a b", "c"], ["a b", "d"], stemming=False)
    assert result.rouge1.value == pytest.approx(50) and len(str(result).splitlines()) == 3


@pytest.mark.parametrize(
    "output, references, options, message",
    [
        ("a", ["a"], {}, "summaries: expected a list of strings"),
        (["a"], [], {}, "1 summaries but 0 references"),
        ([], [], {}, "nothing to score"),
        (["a"], [b"a"], {}, "item 0: expected str, got bytes"),
        (["a"], ["a"], {"tokens": "letters"}, "'words' or 'characters'; got 'letters'"),
    ],
)
def test_errors_say_what_to_do(output, references, options, message):
    with pytest.raises(ValueError, match=message):
        rouge(output, references, **options)
