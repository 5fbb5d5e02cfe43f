"""EM and F1 by hand; on a thousand answers as the official scripts define them; the threshold; characters."""

import itertools

import numpy as np
import pytest

from tests.reference import squad as reference
from tfllm.evaluation import squad
from tfllm.evaluation.squad import best_threshold, normalized

WORDS = ["the", "a", "An", "cat", "Cat.", "dog", "'s", "U.S.", "half-time", "é", "É", "茶", "3,000", "$5", "½",
         "theatre", "a.", "\u00a0", "…", "!", "\t", "  ", "Ǆ", "the\u2019"]  # fmt: skip


def drawn(seed, without):
    """A thousand answers, references of one to three for each; `without`: some questions have none."""
    draw = np.random.default_rng(seed)

    def text(low):
        return " ".join(draw.choice(WORDS, draw.integers(low, 5)))

    output, references = [], []
    for i in range(1000):
        right = [] if without and i % 3 == 0 else [text(1) for _ in range(draw.integers(1, 4))]
        near = right and i % 4 == 0
        output.append(right[0].upper() + "." if near else text(0))
        references.append(right)
    return output, references


def test_normalisation_by_hand():
    assert normalized("  The U.S.  Army's a-team ") == "us armys ateam"
    assert normalized("An apple, a day; THE end") == "apple day end"
    assert normalized("theatre Anna") == "theatre anna"  # not the article
    assert normalized("a.the") == "athe"  # marks go first, and leave no blank
    assert normalized("½ of “them”…") == "½ of “them”…"  # ASCII's marks alone
    assert normalized("É\u00a0é\tÉ") == "é é é"
    assert normalized("the") == "" and normalized("!") == ""


def test_scores_by_hand():
    """2 of 3 words said are in the reference of 4: precision 2/3, recall 1/2, F1 4/7. The best reference counts."""
    result = squad(["big red cat"], [["the red cat sat down"], ["dog"]][:1])
    assert (result.exact.value, result.f1.value) == (0, pytest.approx(100 * 4 / 7))
    result = squad(["The cat!"], [["dog", "cat"]])
    assert (result.exact.value, result.f1.value) == (100, 100)
    twice = squad(["cat cat"], [["cat"]])
    assert twice.f1.value == pytest.approx(100 * 2 / 3)  # the second cat is one too many
    nothing = squad(["the"], [["a"]])
    assert (nothing.exact.value, nothing.f1.value) == (100, 0)  # version 1.1 says so, 2.0 does not
    assert squad(["the"], [["a"]], no_answer=[0.0]).f1.value == 100
    both = squad(["", "", "cat", "cat"], [[], ["cat"], [], ["the cat"]])
    assert both.exacts.tolist() == both.f1s.tolist() == [1, 0, 0, 1]
    assert both.answerable.tolist() == [False, True, False, True]
    message = str(both).splitlines()
    assert message[0].startswith("EM 50.00 [0.00, 100.00] n:4|rules:SQuAD 2.0|tokens:words|interval:bootstrap")
    assert message[2:] == ["with an answer: EM 50.00, F1 50.00 of 2", "without: EM 50.00, F1 50.00 of 2"]


@pytest.mark.parametrize("without", [False, True], ids=["1.1", "2.0"])
def test_a_thousand_answers_are_as_the_official_scripts_count_them(without):
    output, references = drawn(int(without), without)
    exact, f1 = (reference.version2 if without else reference.version1)(output, references)
    result = squad(output, references, resamples=10)
    np.testing.assert_array_equal(result.exacts, exact)
    np.testing.assert_allclose(result.f1s, f1, rtol=1e-12)
    assert result.exact.value == pytest.approx(100 * np.mean(exact)) and 15 < result.exact.value < 85
    assert len(set(np.round(f1, 6))) > 8  # F1 between, too


def test_thresholds_are_as_the_official_script_finds_them():
    output, references = drawn(5, True)
    output = [one if normalized(one) else "" for one in output]  # the script takes "the" for an answer here, else not
    answerable = reference.has_answer(references)
    draw = np.random.default_rng(3)
    chances = draw.random(1000) * 0.6 + 0.4 * ~np.array(answerable)
    chances[0] = 0.0
    result = squad(output, references, no_answer=chances, threshold=0.5, resamples=10)
    exact, f1 = reference.version2(output, references)
    np.testing.assert_allclose(result.exacts, reference.with_threshold(exact, chances, answerable, 0.5))
    np.testing.assert_allclose(result.f1s, reference.with_threshold(f1, chances, answerable, 0.5))
    for mine, scores in ((result.best_exact, exact), (result.best_f1, f1)):
        assert (mine.score, mine.at) == pytest.approx(reference.best(output, scores, chances, answerable))
        assert mine.score > 100 * np.mean(scores) and 0 < mine.at < 1
    again = squad(output, references, no_answer=chances, threshold=result.best_f1.at, resamples=10)
    assert again.f1.value == pytest.approx(result.best_f1.score)  # what is promised is what it gives
    assert {"best_f1_thresh", "HasAns_f1", "NoAns_total"} < set(result.as_dict())


def test_equal_probabilities_stay_together():
    """Every threshold there is, tried out: with ties the promise still holds."""
    draw = np.random.default_rng(0)
    for _ in range(50):
        result, answerable, empty = draw.random(6), draw.random(6) < 0.5, draw.random(6) < 0.3
        result = np.where(answerable, np.where(empty, 0.0, result), empty)
        chance = draw.integers(0, 3, 6) / 2
        best = best_threshold(result, answerable, empty, chance)
        tried = [100 * np.where(chance > at, ~answerable, result).mean() for at in (-1, 0.0, 0.5, 1.0)]
        at_best = 100 * np.where(chance > best.at, ~answerable, result).mean()
        assert best.score == pytest.approx(max(tried))
        assert at_best == pytest.approx(best.score) or best.at == 0.0


def test_chinese_by_characters():
    """北京市 of 2 in 3 characters; white space and marks are nothing, a run of Latin letters is one token."""
    result = squad(["北京 市"], [["北京"]])
    assert "|tokens:characters|" in result.f1.signature
    assert (result.exact.value, result.f1.value) == (0, pytest.approx(100 * 2 * 2 / 5))
    assert squad(["《北京》，"], [["北京"]], tokens="characters").exact.value == 100
    assert squad(["แมวนั่ง"], [["แมว"]]).f1.value == pytest.approx(100 * 2 * 3 / (3 + 7))
    assert squad(["北京市"], [["北京", "Beijing, the capital", "in Peking"]]).f1.value == 0  # mostly English
    assert squad(["《北京》，"], [["北京"]], tokens="words").exact.value == 0
    assert squad(["the GPU卡"], [["THE gpu 卡"]], tokens="characters").exact.value == 100


def test_the_interval_is_that_of_all_draws():
    result = squad(["a cat", "dog", "x"], [["cat"], ["dog bone"], ["y"]], resamples=4000)
    values = np.array([100, 100 * 2 / 3, 0])
    means = [np.mean(values[list(draw)]) for draw in itertools.product(range(3), repeat=3)]
    assert (result.f1.low, result.f1.high) == (pytest.approx(min(means), abs=1), pytest.approx(max(means), abs=1))


@pytest.mark.parametrize(
    "output, references, options, message",
    [
        ("a", [["a"]], {}, "answers: expected a list, got one string"),
        (["a"], ["a"], {}, "question 0: expected a list of references, got one string: 'a'"),
        (["a"], [], {}, "1 answers but references for 0 questions"),
        ([], [], {}, "nothing to score"),
        (["a"], [[b"a"]], {}, "question 0: expected str, got bytes"),
        (["a"], [["a"]], {"tokens": "letters"}, "'words' or 'characters'; got 'letters'"),
        (["a"], [["a"]], {"threshold": 0.5}, "give no_answer"),
        (["a"], [["a"]], {"no_answer": [0.1, 0.2]}, r"1 answers but no_answer of shape \(2,\)"),
    ],
)
def test_errors_say_what_to_do(output, references, options, message):
    with pytest.raises(ValueError, match=message):
        squad(output, references, **options)
