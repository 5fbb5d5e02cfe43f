"""Similarity and analogies: gensim's own figures on made vectors, hand-made sets, and the figures of real vectors."""

import gzip
import math
import os
import random
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors

from tests.vectors.glove_6b import glove_6b
from tfllm.vectors import intrinsic
from tfllm.vectors.intrinsic import analogies, similarity

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[3] / "shared" / "data")) / "wordsim"


def table(words):
    """{word: vector} -> KeyedVectors"""
    vectors = KeyedVectors(len(next(iter(words.values()))), count=0)
    vectors.add_vectors(list(words), np.array(list(words.values()), "float32"))
    return vectors


@pytest.fixture(scope="module")
def made():
    """60 words of 5 numbers each; a third of them has a second spelling elsewhere in the table."""
    draw, noise = random.Random(2), np.random.default_rng(2)
    words = [f"word{i}" for i in range(45)] + [f"Word{i}" for i in range(0, 45, 3)]
    draw.shuffle(words)
    return table(dict(zip(words, noise.normal(size=(60, 5)), strict=True)))


@pytest.fixture
def pairs_file(tmp_path):
    draw = random.Random(3)
    rows = [(*draw.sample([f"word{i}" for i in range(50)], 2), draw.randint(0, 9)) for _ in range(80)]
    (tmp_path / "pairs.txt").write_text("# judged\n" + "".join("{}\t{}\t{}\n".format(*row) for row in rows))
    return tmp_path / "pairs.txt"


@pytest.fixture
def questions_file(tmp_path):
    draw, lines = random.Random(4), []
    for section in ("capitals", "gram1-plural", "capitals"):
        lines += [f": {section}"] + [" ".join(draw.sample([f"wORD{i}" for i in range(48)], 4)) for _ in range(40)]
    (tmp_path / "questions.txt").write_text("\n".join(lines) + "\n")
    return tmp_path / "questions.txt"


SETTINGS = [
    {"case_insensitive": case, "restrict_vocab": size, "dummy4unknown": dummy}
    for case in (True, False) for size in (None, 40) for dummy in (True, False)
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_similarity_is_that_of_gensim(made, pairs_file, settings):
    pearson, spearman, unknown = made.evaluate_word_pairs(pairs_file, **settings)
    result = similarity(made, pairs_file, **settings)
    np.testing.assert_allclose([result.pearson, result.spearman], [pearson[0], spearman[0]], rtol=1e-5)
    assert result.pairs == 80 and 0 < result.missing == round(unknown * 80 / 100)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_analogies_are_those_of_gensim(made, questions_file, settings, monkeypatch):
    monkeypatch.setattr(intrinsic, "QUESTIONS", 7)  # many blocks, the last ones not full
    monkeypatch.setattr(intrinsic, "WORDS", 11)
    if not settings["case_insensitive"]:
        questions_file.write_text(questions_file.read_text().replace("wORD", "word"))
    # As right answers by chance are few, every third question gets the answer that gensim gives.
    lines = questions_file.read_text().splitlines()
    for i in range(1, len(lines), 3):
        words = [word.lower() for word in lines[i].split()]
        if not lines[i].startswith(":") and all(word in made for word in words[:3]):
            a, b, c = words[:3]
            lines[i] = f"{a} {b} {c} {made.most_similar([b, c], [a], topn=1)[0][0]}"
    questions_file.write_text("\n".join(lines))
    _, expected = made.evaluate_word_analogies(questions_file, **settings)
    result = analogies(made, questions_file, **settings)
    counts = [(part["section"], len(part["correct"]), len(part["incorrect"])) for part in expected[:-1]]
    assert [(part.name, part.correct, part.asked - part.correct) for part in result.sections] == counts
    assert result.total.correct == len(expected[-1]["correct"]) > 0 and result.total.missing > 0
    assert result.semantic.asked + result.syntactic.asked == result.total.asked
    assert result.syntactic.asked == result.sections[1].asked


def test_a_question_about_kings(tmp_path):
    corners = {"man": (1, 0, 0.1), "woman": (1, 1, 0.1), "king": (1, 0, 2), "queen": (1, 1, 2), "nil": (0, 0, 0)}
    path = tmp_path / "questions.txt.gz"
    path.write_bytes(gzip.compress(b": family\nMan Woman King Queen\nman woman king nil\nman woman king prince\n"))
    result = analogies(table(corners), path)
    assert result.total == intrinsic.Section("total", correct=1, asked=2, missing=1)
    assert result.total.accuracy == 0.5 and math.isnan(result.syntactic.accuracy)
    assert str(result).splitlines()[-1].split() == ["total", "50.00", "%", "1", "/", "2,", "1", "unknown"]


def test_pairs_may_be_a_list_and_files_have_headers_and_other_separators(tmp_path):
    vectors = table({"a": (1, 0), "b": (1, 0.1), "c": (1, 1), "d": (0, 1)})
    pairs = [("a", "b", 3), ("a", "c", 2), ("a", "d", 1.5), ("a", "x", 9)]
    result = similarity(vectors, pairs)
    assert result == intrinsic.Similarity(1.0, result.pearson, pairs=4, missing=1) and result.pearson > 0.9
    for separator in "\t", ",", " ", ", ":
        lines = [separator.join(map(str, pair)) for pair in [("Word", "Other", "Mean"), *pairs]]
        (tmp_path / "set.csv").write_text("\r\n".join(lines))
        assert similarity(vectors, tmp_path / "set.csv") == result
    assert math.isnan(similarity(vectors, [("a", "b", 3), ("a", "c", 3)]).spearman)


@pytest.mark.parametrize(
    "ask, text, message",
    [
        (similarity, "a\tb\t1\na\tb\n", "line 2: expected two words and a number, got 'a\\tb'"),
        (similarity, "a\tb\t1\na\tc\tx", "line 2"),
        (similarity, "a b\n", "line 1"),
        (similarity, "a b 1\na x 2\n", "only 1 of 2 pairs have vectors"),
        (similarity, "", "expected lines of two words and a number, got none"),
        (analogies, ": family\na b c\n", "line 2: expected four words, got 'a b c'"),
        (analogies, "a b c a\n", "line 1: expected ': section' above"),
    ],
)
def test_lines_that_are_not_understood(ask, text, message, tmp_path):
    (tmp_path / "set.txt").write_text(text)
    with pytest.raises(ValueError) as error:
        ask(table({"a": (1, 0), "b": (1, 1), "c": (0, 1)}), tmp_path / "set.txt")
    assert message in str(error.value)


def test_an_empty_vocabulary_is_refused():
    with pytest.raises(ValueError, match="restrict_vocab .* got 0"):
        similarity(table({"a": (1, 0)}), [("a", "a", 1)], restrict_vocab=0)


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the folder of real data, TFLLM_DATA")
def test_the_figures_of_glove_6b():
    vectors = glove_6b()
    for name, expected in (("WS-353-ALL", 0.503), ("SIMLEX-999", 0.265), ("MEN-TR-3k", 0.652)):
        result = similarity(vectors, DATA / f"EN-{name}.txt")
        assert round(result.spearman, 3) == expected and result.missing == 0
    result = analogies(vectors, DATA / "questions-words.txt")
    assert (result.total.asked, result.total.missing) == (19544, 0)
    assert round(100 * result.total.accuracy, 2) == 46.22
