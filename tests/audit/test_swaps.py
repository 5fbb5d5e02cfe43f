"""Counterfactual swaps: words, and planted effects."""

import numpy as np
import pytest
from scipy import stats

from tests import zoo
from tfllm.audit import counterfactuals, label_score, swapped, word_pairs
from tfllm.audit.swaps import LISTS


@pytest.mark.parametrize(
    "name, text, expected",
    [
        ("en_gender", "He lost HIS hat, the man.", "She lost HER hat, the woman."),
        ("en_gender", "I saw her. Her book", "I saw him. His book"),
        ("en_gender", "the theme of mankind", "the theme of mankind"),
        ("en_nationality", "An American in Germany", "An Mexican in Turkey"),
        ("zh_gender", "他们爱爸爸", "她们爱妈妈"),
        ("zh_gender", "男孩是她的儿子", "女孩是他的女儿"),
        ("zh_names", "王伟来了", "王芳来了"),
        ("en_gender", "ſhe and hİs; he", "ſhe and hİs; she"),
    ],
)
def test_words_are_swapped(name, text, expected):
    assert swapped(text, word_pairs(name)) == expected


@pytest.mark.parametrize("name", LISTS)
def test_swapping_twice_gives_the_text_again(name):
    pairs = word_pairs(name)
    first = dict(pairs) if name != "en_gender" else {"he": "she", "men": "women"}
    for word in first:
        assert swapped(swapped(word, pairs), pairs) == word and swapped(word, pairs) != word


def test_own_lists(tmp_path):
    (tmp_path / "own.txt").write_text("# two\nold\tyoung\n\n")
    assert word_pairs(tmp_path / "own.txt") == [("old", "young")]
    (tmp_path / "dots.txt").write_text("Mr.\tMs.\n")
    assert swapped("Mr. Li, mr.x", word_pairs(tmp_path / "dots.txt")) == "Ms. Li, mr.x"
    (tmp_path / "bad.txt").write_text("old young\n")
    with pytest.raises(ValueError, match="bad.txt:1: expected two words"):
        word_pairs(tmp_path / "bad.txt")


def test_a_planted_effect_is_measured():
    draw = np.random.default_rng(1)
    noise = {f"{who} saw {i}": draw.normal() / 50 for who in ("he", "she") for i in range(30)}

    def score(texts):
        return [noise[text] + 0.5 * text.startswith("she") for text in texts]

    texts = [f"he saw {i}" for i in range(30)] + ["no word of the list"]
    effect = counterfactuals(score, texts, {"gender": word_pairs("en_gender"), "zh": word_pairs("zh_names")})["gender"]
    differences = [score([swapped(text, word_pairs("en_gender"))])[0] - score([text])[0] for text in texts[:30]]
    assert effect.texts == 30 and effect.difference == pytest.approx(np.mean(differences))
    assert effect.absolute == pytest.approx(np.mean(np.abs(differences)))
    interval = stats.bootstrap((differences,), np.mean, method="percentile", rng=0).confidence_interval
    assert effect.interval == pytest.approx((interval.low, interval.high), abs=0.005)
    assert effect.p_value == effect.corrected < 0.001 and "30 texts" in str(effect)


def test_a_classifier(eager):
    task, _ = zoo.classifier()
    score, texts = label_score(task, "dog"), ["he runs", "a cat sat"]
    effect = counterfactuals(score, texts, {"gender": [("he", "she")]})["gender"]
    answers = task.classify(["he runs", "she runs"], verbose=0)
    assert (effect.before, effect.after) == pytest.approx(tuple(one["probabilities"]["dog"] for one in answers))
    with pytest.raises(ValueError, match="no label 'x'"):
        label_score(task, "x")(texts)


def test_nothing_to_swap_and_wrong_scores():
    with pytest.raises(ValueError, match="none of 1 texts"):
        counterfactuals(len, ["nothing"], {"gender": [("he", "she")]})
    with pytest.raises(ValueError, match="one number for each"):
        counterfactuals(lambda texts: [1.0], ["he", "she he"], {"gender": [("he", "she")]})
