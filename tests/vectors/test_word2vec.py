"""Word2Vec and FastText: gensim's own vectors, a loss that is known, and what gensim would pass over in silence."""

import math
import os
import random
import subprocess
import sys

import gensim.models
import pytest
import tensorflow as tf

from tfllm.text import Subwords
from tfllm.vectors import Word2Vec, load

DRAW = random.Random(0)
SENTENCES = [[f"w{int(DRAW.paretovariate(0.8)) % 40}" for _ in range(DRAW.randrange(1, 12))] for _ in range(300)]
SMALL = {"vector_size": 6, "min_count": 2, "epochs": 3, "workers": 1, "seed": 7}


@pytest.mark.parametrize(
    "options",
    [{"sg": 1}, {"sg": 0, "window": 2}, {"sg": 1, "hs": 1, "negative": 0}, {"sample": 0, "alpha": 0.1, "cbow_mean": 0}],
)
def test_vectors_are_those_of_gensim(options):
    expected = gensim.models.Word2Vec(SENTENCES, **SMALL, **options).wv
    ours = Word2Vec(**SMALL, **options).fit(SENTENCES)
    assert ours.vectors.index_to_key == expected.index_to_key
    assert (ours.vectors.vectors == expected.vectors).all()
    assert type(ours.vectors) is gensim.models.KeyedVectors
    as_gensim = Word2Vec(SENTENCES, **SMALL, **options)  # trained at once, and known as wv
    assert (as_gensim.wv.vectors == expected.vectors).all()


def test_subwords_are_fasttext(tmp_path):
    options = {"min_n": 2, "max_n": 3, "bucket": 50}
    expected = gensim.models.FastText(SENTENCES, **SMALL, **options).wv
    ours = Word2Vec(subwords=True, **SMALL, **options).fit(SENTENCES)
    assert (ours.vectors.vectors == expected.vectors).all() and (ours.vectors["w999"] == expected["w999"]).all()
    assert list(ours.history) == ["words"]  # gensim computes no loss
    ours.save(tmp_path / "x.kv")
    assert (load(tmp_path / "x.kv")["w999"] == expected["w999"]).all()
    ours.save(tmp_path / "x.vec")
    assert "w999" not in load(tmp_path / "x.vec")


def test_strings_are_cut_into_words():
    texts = ["A dog, a cat.", "我们 like dogs", ""] * 3
    words = [["A", "dog", ",", "a", "cat", "."], ["我", "们", "like", "dogs"]] * 3
    expected = Word2Vec(**SMALL).fit(words).vectors
    for same in (texts, tf.data.Dataset.from_tensor_slices({"text": texts})):
        result = Word2Vec(**SMALL).fit(same).vectors
        assert result.index_to_key == expected.index_to_key and (result.vectors == expected.vectors).all()
    subwords = Subwords.learn(texts, vocab_size=300)
    pieces = Word2Vec(tokenizer=subwords, **SMALL).fit(texts).vectors
    assert set(pieces.index_to_key) == {
        piece.decode("utf-8", "backslashreplace") for row in subwords.pieces(texts).to_list() for piece in row
    }
    letters = Word2Vec(tokenizer=list, **SMALL).fit(texts).vectors
    assert set(letters.index_to_key) == set("".join(texts))


def test_the_loss_adds_up_beyond_16_million_and_over_threads():
    """Nothing learned, so each true and each drawn word costs -log sigmoid(0), from gensim's table: that of -0.024."""
    length, count, window, negative = 50, 8800, 5, 5
    words = [[f"w{DRAW.randrange(5000)}" for _ in range(length)] for _ in range(count)]
    pairs = sum(min(length, i + window + 1) - max(0, i - window) - 1 for i in range(length)) * count
    expected = pairs * (1 + negative) * math.log(1 + math.exp(0.024))
    assert expected > 2**24  # where a float32 stands still
    history = Word2Vec(
        words, vector_size=2, window=window, min_count=1, sg=1, negative=negative, epochs=1, workers=2, sample=0,
        alpha=1e-30, min_alpha=1e-30, shrink_windows=False,
    ).history  # fmt: skip
    assert history["words"] == [length * count]
    assert history["loss"][0] * length * count == pytest.approx(expected, rel=0.01)  # float32 within 10,000 words


def test_the_loss_is_gensims():
    options = {**SMALL, "sg": 1, "epochs": 1, "sample": 0}
    expected = gensim.models.Word2Vec(SENTENCES, compute_loss=True, **options).get_latest_training_loss()
    history = Word2Vec(**options).fit(SENTENCES).history
    assert history["loss"][0] * history["words"][0] == pytest.approx(expected, rel=1e-5)


def test_long_texts_are_read_to_their_end():
    text = [f"w{i % 5000}" for i in range(25_000)]
    assert Word2Vec([text], min_count=1, sample=0, vector_size=2, epochs=1).history["words"] == [25_000]


def test_words_of_one_kind_come_together_and_the_loss_falls():
    kinds = [["cat", "dog", "cow", "horse"], ["red", "green", "blue", "black"]]
    texts = [" ".join(DRAW.choices(kind, k=6)) for kind in kinds * 300]
    word2vec = Word2Vec(vector_size=8, sg=1, negative=1, epochs=15, workers=1, sample=0).fit(texts)
    loss, vectors = word2vec.history["loss"], word2vec.vectors
    assert len(loss) == 15 and loss[-1] < 0.9 * loss[0]
    for kind in kinds:
        for word in kind:
            assert {near for near, _ in vectors.most_similar(word, topn=3)} == set(kind) - {word}


SEEDED = """
from tfllm.vectors import Word2Vec
vectors = Word2Vec([["a", "b", "c", "d", "e"]] * 30, vector_size=4, workers=1, seed=3).vectors
print(vectors.index_to_key, vectors.vectors.tobytes().hex())
"""


@pytest.mark.slow
def test_the_same_seed_gives_the_same_vectors_in_every_process():
    other_hashes = {"PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"}
    run = subprocess.run([sys.executable, "-c", SEEDED], capture_output=True, text=True, env=other_hashes)
    words = [["a", "b", "c", "d", "e"]] * 30
    one, other = (Word2Vec(words, vector_size=4, workers=1, seed=seed).vectors.vectors for seed in (3, 4))
    assert run.stdout.split()[-1:] == [one.tobytes().hex()] and (one != other).any(), run.stderr


def test_a_progress_bar(capsys):
    Word2Vec(verbose=1, **SMALL).fit(SENTENCES)
    output = capsys.readouterr().out
    assert "Epoch 3/3" in output and "300/300" in output and "loss:" in output
    Word2Vec(**SMALL).fit(SENTENCES)
    assert capsys.readouterr().out == ""


class Failing:
    """Texts that can be read `times` times."""

    def __init__(self, times):
        self.times = times

    def __iter__(self):
        self.times -= 1
        yield ["a", "b"] * 10
        if self.times < 0:
            raise OSError("the disk is gone")


@pytest.mark.parametrize("times", [0, 1, 2])
def test_texts_that_fail_end_the_training(times):
    with pytest.raises(OSError, match="the disk is gone"):
        Word2Vec(**SMALL).fit(Failing(times))


def test_what_cannot_be_is_told():
    with pytest.raises(ValueError, match="got one string"):
        Word2Vec("a text")
    with pytest.raises(ValueError, match="a generator can be read only once"):
        Word2Vec().fit(text for text in ["a"])
    with pytest.raises(ValueError, match=r"no word occurs min_count=5 times in 1 texts with 2 words"):
        Word2Vec().fit(["a b"])
    with pytest.raises(ValueError, match="no word occurs min_count=2 times in 0 texts"):
        Word2Vec(subwords=True, bucket=10, **SMALL).fit([])
    with pytest.raises(ValueError, match=r"has no size; .*'alpha'.*; with subwords=True also min_n"):
        Word2Vec(size=10)
    with pytest.raises(ValueError, match="has no bucket"):
        Word2Vec(bucket=10)
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        Word2Vec(epochs=0)
    with pytest.raises(ValueError, match="call fit"):
        _ = Word2Vec().vectors
