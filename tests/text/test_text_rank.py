"""TextRank against loops from the paper, against networkx, and by hand."""

import math

import numpy as np
import pytest

from tests.reference import ranking
from tfllm.extraction.text_rank import best_sentences, page_rank, phrases, sentence_rank, split_sentences, word_rank


def random_graph(seed, size=9):
    draw = np.random.default_rng(seed)
    return draw.integers(1, 5, (size, size)) * (draw.random((size, size)) < 0.4) * (1 - np.eye(size, dtype=int))


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_the_paper(seed):
    weights = random_graph(seed)
    edges = {(i, j): float(w) for (i, j), w in np.ndenumerate(weights) if w}
    np.testing.assert_allclose(page_rank(edges, 9), ranking.page_rank(weights.tolist()), atol=1e-6)


def test_what_nothing_leads_to_has_the_least():
    assert page_rank({}, 3).tolist() == pytest.approx([0.15] * 3)
    scores = page_rank({(0, 1): 1.0}, 3)
    assert scores.tolist() == pytest.approx([0.15, 0.15 + 0.85 * 0.15, 0.15])


@pytest.mark.peers
def test_networkx_ranks_alike():
    networkx = pytest.importorskip("networkx")
    weights = random_graph(5)
    weights = weights + weights.T
    np.fill_diagonal(weights, 0)
    edges = {(i, j): float(w) for (i, j), w in np.ndenumerate(weights) if w}
    graph = networkx.Graph()
    graph.add_nodes_from(range(9))
    graph.add_weighted_edges_from((i, j, w) for (i, j), w in edges.items())
    theirs = networkx.pagerank(graph, alpha=0.85, tol=1e-12)  # its scores sum to 1, ours to the number of vertices
    np.testing.assert_allclose(page_rank(edges, 9) / 9, [theirs[i] for i in range(9)], atol=1e-7)


def test_words_are_linked_within_the_window():
    words = "cat the dog the bird".split()
    apart = word_rank(words, lambda word: word != "the")
    assert list(apart) == ["cat", "dog", "bird"] and list(apart.values()) == pytest.approx([0.15] * 3)
    near = word_rank(words, lambda word: word != "the", window=3)
    star = ranking.page_rank([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    assert list(near.values()) == pytest.approx(star, abs=1e-6)
    twice = word_rank("a b a b c".split(), lambda word: True)  # a-b three times, b-c once
    assert list(twice.values()) == pytest.approx(ranking.page_rank([[0, 3, 0], [3, 0, 1], [0, 1, 0]]), abs=1e-6)


def test_neighbours_among_the_best_become_phrases():
    scores = {"neural": 3.0, "net": 2.0, "dog": 1.0, "cat": 0.5}
    words = "neural net of a dog and neural cat".split()
    assert phrases(words, scores, share=0.5) == {("neural", "net"): 5.0, ("neural",): 3.0}
    assert phrases(words, scores, share=1.0, longest=1) == {(w,): s for w, s in scores.items()}
    assert phrases("net net".split(), {"net": 2.0}) == {("net",): 2.0}
    assert phrases([], {}) == {}


def test_sentences_by_hand():
    sentences = ["a b c".split(), "a b d".split(), "x y".split(), [], ["a"]]
    similarity = 2 / (math.log(3) + math.log(3))
    expected = ranking.page_rank([[0, similarity, 0, 0, 0], [similarity, 0, 0, 0, 0], *[[0] * 5] * 3])
    scores = sentence_rank(sentences)
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert best_sentences(["A.", "B.", "C.", "D.", "E."], [1, 5, 3, 4, 2], 3) == ["B.", "C.", "D."]
    assert sentence_rank([]).tolist() == []


def test_text_is_cut_into_sentences():
    assert split_sentences("One. Two!  Three? 3.5 four") == ["One.", "Two!", "Three?", "3.5 four"]
    assert split_sentences("他说：“好。”我走了！真的？！是") == ["他说：“好。”我走了！", "真的？！", "是"]
    assert split_sentences("title\n\ntext\ngoes on") == ["title", "text\ngoes on"] and split_sentences(" ") == []
