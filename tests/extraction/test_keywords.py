"""Keywords: candidates by hand, each method by its parts, maximal marginal relevance against KeyBERT's."""

import numpy as np
import pytest

from tfllm.extraction.key_phrases import Keywords, diverse
from tfllm.extraction.text_rank import word_rank
from tfllm.extraction.tf_idf import TfIdf
from tfllm.tasks import TextEmbedder
from tfllm.text import Segments, Words
from tfllm.vectors import keyed_vectors

CORPUS = [
    "A neural network is a network of neurons. The network learns!", "A dog chases the cat.", "Cats sleep; a dog runs.",
    "The network is down", "",
]  # fmt: skip


def test_candidates_are_runs_between_stop_words_and_marks():
    keywords = Keywords(longest=2)
    words = "the neural network , deep neural nets 3d of x 42".split()
    assert keywords.candidates(words) == [
        "neural", "neural network", "network", "deep", "deep neural", "neural", "neural nets", "nets", "nets 3d", "3d",
    ]  # fmt: skip
    assert Keywords(longest=1, stopped={"Neural"}).candidates(words) == ["the", "network", "deep", "nets", "3d", "of"]


def test_tfidf_is_that_of_the_corpus():
    keywords = Keywords(longest=1).fit(CORPUS)
    known = TfIdf([["neural", "network", "network", "neurons", "network", "learns"], ["dog", "chases", "cat"],
                   ["cats", "sleep", "dog", "runs"], ["network"], []])  # fmt: skip
    result = known.weights(["network", "dog", "dog", "elephants"])
    expected = sorted(result.items(), key=lambda item: -item[1])
    assert keywords.extract("The network: dog, Dog & elephants") == [(w, pytest.approx(s)) for w, s in expected]
    assert keywords.extract(CORPUS, k=2)[0][0][0] == "network" and keywords.extract(["", "42 of"]) == [[], []]
    with pytest.raises(ValueError, match="call fit"):
        Keywords().extract("a text")


def test_textrank_is_word_rank_of_the_text():
    text = "compatible systems of linear constraints over linear systems, minimal systems"
    words = "compatible systems of linear constraints over linear systems , minimal systems".split()
    scores = word_rank(words, lambda word: word not in ("of", "over", ","), window=2)
    expected = sorted(scores.items(), key=lambda item: -item[1])  # of equal ones the first in the text
    assert Keywords("textrank", window=2).extract(text) == expected and expected[0][0] == "systems"
    joined = dict(Keywords("textrank", window=2, longest=3).extract(text))
    assert joined["linear systems"] == pytest.approx(scores["linear"] + scores["systems"])


@pytest.fixture(scope="module")
def embedder():
    draw = np.random.default_rng(2)
    words = ["neural", "network", "dog", "cat", "网络", "神经", "狗"]
    return TextEmbedder.from_vectors(keyed_vectors(words, draw.normal(size=(7, 5)).astype("float32")))


def test_embedding_takes_the_nearest_and_then_the_different(embedder):
    keywords = Keywords("embedding", embedder=embedder, diversity=0.0)
    text = "A network of neural network dog and cat"
    cosines = embedder.similarity(["network", "neural", "dog", "cat"], text)
    order = np.argsort(-cosines)
    names = np.array(["network", "neural", "dog", "cat"])[order].tolist()
    result, scores = zip(*keywords.extract(text), strict=True)
    assert list(result) == names and scores == pytest.approx(cosines[order].tolist(), abs=1e-6)
    assert Keywords("embedding", embedder=embedder).extract(["", text], k=2)[1][0][0] == names[0]


@pytest.mark.parametrize("diversity", [0.0, 0.3, 1.0])
def test_maximal_marginal_relevance_by_hand(diversity):
    draw = np.random.default_rng(4)
    relevance, x = draw.random(7), draw.normal(size=(7, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    chosen = diverse(relevance, x @ x.T, 5, diversity)
    assert chosen[0] == np.argmax(relevance) and len(set(chosen)) == 5
    for at in range(1, 5):
        rest = [i for i in range(7) if i not in chosen[:at]]
        values = [(1 - diversity) * relevance[i] - diversity * max(x[i] @ x[j] for j in chosen[:at]) for i in rest]
        assert rest[int(np.argmax(values))] == chosen[at]
    assert diverse(relevance[:2], (x @ x.T)[:2, :2], 9, diversity) in ([0, 1], [1, 0])


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_keybert_chooses_alike():
    mmr = pytest.importorskip("keybert._mmr").mmr
    draw = np.random.default_rng(5)
    text, x = draw.normal(size=(1, 6)), draw.normal(size=(12, 6))
    names = [f"w{i}" for i in range(12)]
    units, unit = x / np.linalg.norm(x, axis=1, keepdims=True), text / np.linalg.norm(text)
    for diversity in (0.2, 0.7):
        theirs = {name for name, _ in mmr(text, x, names, 5, diversity)}  # it sorts what it chose
        assert {names[i] for i in diverse(units @ unit[0], units @ units.T, 5, diversity)} == theirs


def test_chinese(embedder):
    dictionary = {"神经": 3, "网络": 5, "学习": 4, "我们": 9}
    tokenizer = Segments(dictionary=dictionary)
    keywords = Keywords(language="zh", tokenizer=tokenizer, longest=2).fit(["我们学习。", "我们的狗"])
    found = dict(keywords.extract("我们的神经网络，网络学习"))
    assert set(found) == {"神经", "网络", "神经网络", "网络学习", "学习"} and max(found, key=found.get) == "网络"
    with pytest.raises(ValueError, match="language 'en' or 'zh'"):
        Keywords(language="de", stopped=())
    tokens = Segments(["神经", "网络"], dictionary=dictionary)
    vectors = keyed_vectors(["神经", "网络"], np.eye(2, dtype="float32"))
    near = Keywords("embedding", "zh", tokenizer, embedder=TextEmbedder.from_vectors(vectors, tokens))
    assert [word for word, _ in near.extract("神经网络，网络", k=1)] == ["网络"]


def test_wrong_options_are_explained(embedder):
    for options, message in [
        ({"method": "yake"}, "method must be one of"),
        ({"method": "embedding"}, "embedder .*method='embedding'"),
        ({"embedder": embedder}, "embedder .*method='embedding'"),
        ({"diversity": 2}, "between 0 and 1"),
        ({"longest": 0}, "at least 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            Keywords(tokenizer=Words(), **options)
