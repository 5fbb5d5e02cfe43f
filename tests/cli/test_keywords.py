"""`tfllm keywords ...` by `main([...])`: what it prints is what `Keywords` gives."""

import numpy as np
import pytest

from tests.cli.test_road import stderr_of
from tfllm.cli import main
from tfllm.extraction import Keywords
from tfllm.tasks import TextEmbedder
from tfllm.text import Segments
from tfllm.text.chinese import width
from tfllm.vectors import keyed_vectors, save

A = "A neural network is a network of neurons.\n\nThe network learns with a dog.\n"
B = "A dog chases the cat, and the dog sleeps.\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(A)
    (tmp_path / "b.txt").write_text(B)
    (tmp_path / "zh.txt").write_text("我们学习神经网络，网络Ａ很好。", encoding="utf-8")
    (tmp_path / "words.txt").write_text("神经 3\n网络 9\n学习 4\n我们 5\n", encoding="utf-8")
    (tmp_path / "stop.txt").write_text("network\na\n")
    save(keyed_vectors(["dog", "cat", "neural", "神经"], np.random.default_rng(0).normal(size=(4, 3))), "v.txt")
    return tmp_path


def output_of(capsys, line):
    main(["keywords", *line.split()])
    return capsys.readouterr().out


def shown(result):
    return "".join(f"{word}\t{score:.4f}\n" for word, score in result)


def test_tfidf_over_the_files(here, capsys):
    keywords = Keywords(longest=2).fit([A, B])
    result = keywords.extract([A, B], k=3)
    line = "a.txt b.txt --method tfidf --longest 2 --k 3"
    assert output_of(capsys, line) == f"a.txt\n{shown(result[0])}b.txt\n{shown(result[1])}"
    first, second = A.strip().split("\n\n")
    result = Keywords().fit([first, second]).extract([first, second])
    expected = f"a.txt 1\n{shown(result[0])}a.txt 2\n{shown(result[1])}"
    assert output_of(capsys, "a.txt --documents paragraph") == expected


def test_textrank_with_own_stop_words(here, capsys):
    result = Keywords("textrank", stopped={"network", "a"}).extract(A)
    assert output_of(capsys, "a.txt --method textrank --stop-words stop.txt") == shown(result)
    assert "network\t" not in shown(result) and "the\t" in shown(result)


def test_chinese_by_a_dictionary_of_one_s_own(here, capsys):
    words = {"神经": 3, "网络": 9, "学习": 4, "我们": 5}
    tokenizer = Segments(dictionary=words, characters=width.HALF_WIDTH, lowercase=True)
    text = (here / "zh.txt").read_text(encoding="utf-8")
    result = Keywords(language="zh", tokenizer=tokenizer).fit([text]).extract(text)
    assert output_of(capsys, "zh.txt --language zh --dictionary words.txt") == shown(result)
    assert result[0][0] == "网络" and {word for word, _ in result} == {"网络", "神经", "学习"}
    vectors = keyed_vectors(["神经"], np.ones((1, 3)))
    embedder = TextEmbedder.from_vectors(vectors, Segments(["神经"], words, width.HALF_WIDTH, True))
    near = Keywords("embedding", "zh", tokenizer, embedder=embedder).extract(text, k=1)
    line = "zh.txt --language zh --dictionary words.txt --method embedding --model v.txt --k 1"
    assert output_of(capsys, line) == shown(near) == "神经\t1.0000\n"


def test_embedding_by_word_vectors(here, capsys):
    from tfllm.vectors import load

    embedder = TextEmbedder.from_vectors(load("v.txt"))
    result = Keywords("embedding", embedder=embedder, diversity=0.5).extract(B)
    assert output_of(capsys, "b.txt --method embedding --model v.txt --diversity 0.5") == shown(result)


def test_what_a_user_can_mend_is_one_line(here, capsys):
    assert "expected FILE" in stderr_of(capsys, "keywords", "--k", "3")
    assert "--k must be at least 1" in stderr_of(capsys, "keywords", "a.txt", "--k", "0")
    assert "needs --model" in stderr_of(capsys, "keywords", "a.txt", "--method", "embedding")
    assert "other methods must not have one" in stderr_of(capsys, "keywords", "a.txt", "--model", "v.txt")
    assert "--dictionary needs" in stderr_of(capsys, "keywords", "a.txt", "--dictionary", "words.txt")
    assert "nowhere.txt" in stderr_of(capsys, "keywords", "nowhere.txt")
