"""Which vector each token gets, by hand-made tables; what is drawn; and real vectors."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from tests.vectors.glove_6b import glove_6b
from tfllm.text import BytePairs, Bytes, Characters, Subwords, Words
from tfllm.text.bytepair.byte_pair_files import letters
from tfllm.vectors import keyed_vectors, pretrained_embedding
from tfllm.vectors.composing import CASE, EXACT, KINDS, MISSING, SPECIAL, SUBWORD, compose

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[3] / "shared" / "data"))


def vectors(*words, width=3, seed=0):
    draw = np.random.default_rng(seed)
    return {word: draw.normal(1.0, 2.0, width).astype("float32") for word in words}


def row(composed, tokenizer, token):
    """(kind, vector) of a token."""
    i = tokenizer.tokens.index(token)
    return KINDS[composed.kinds[i]], composed.table[i]


def check(tokenizer, table, expected):
    """expected: {token: (kind, the words whose mean it is)}"""
    composed = compose(tokenizer, table)
    for token, (kind, words) in expected.items():
        message, vector = row(composed, tokenizer, token)
        assert message == kind, token
        np.testing.assert_allclose(vector, np.mean([table[word] for word in words], axis=0) if words else 0, rtol=1e-6)
    return composed


def test_words_by_themselves_then_in_another_case():
    table = vectors("dog", "Berlin", "USA", "New York", "cat", "Cat", ".", "<s>")
    tokenizer = Words(["dog", "Dog", "DOG", "berlin", "usa", "Cat", "CAT", ".", "bird"])
    composed = check(tokenizer, table, {
        b"dog": ("exact", ["dog"]), b"Dog": ("case", ["dog"]), b"DOG": ("case", ["dog"]),
        b"berlin": ("case", ["Berlin"]), b"usa": ("case", ["USA"]), b"Cat": ("exact", ["Cat"]),
        b"CAT": ("case", ["cat"]), b".": ("exact", ["."]), b"bird": ("missing", []),
    })  # fmt: skip
    assert composed.kinds[:4].tolist() == [SPECIAL, MISSING, SPECIAL, SPECIAL]  # "<s>" in a file is only letters


def test_a_piece_that_begins_a_word_is_the_mean_of_its_words():
    table = vectors("playing", "played", "player", "playground", "plant", "ring", "Unter", "the", ".")
    tokenizer = Subwords([" play", " player", " the", "the", " un", " pl", " xy", "ing", " ring", " P"])
    check(tokenizer, table, {
        b" play": ("subword", ["playing", "played", "playground"]),  # "player" has a longer piece
        b" player": ("exact", ["player"]),
        b" pl": ("subword", ["plant"]),
        b" the": ("exact", ["the"]), b"the": ("exact", ["the"]),  # the first word of a text
        b" un": ("subword", ["Unter"]),
        b" xy": ("missing", []), b"ing": ("missing", []),  # inside of words; begins none
        b" P": ("subword", ["playing", "played", "player", "playground", "plant"]),  # which all have longer pieces
        b".": ("exact", ["."]), b"\xe4": ("missing", []), b" ": ("missing", []),
    })  # fmt: skip


def test_only_the_first_words_of_the_file_make_a_piece():
    table = vectors(*(f"un{i:02d}" for i in range(60, 0, -1)))
    check(Subwords([" un"]), table, {b" un": ("subword", [f"un{i:02d}" for i in range(60, 40, -1)])})


def test_byte_pairs_and_words_that_go_on():
    table = vectors("hello", "hell", "help", "under")
    pairs = BytePairs([*letters(), "Ġh", "he", "Ġhe", "<|endoftext|>"], [("Ġ", "h"), ("h", "e"), ("Ġ", "he")])
    composed = check(pairs, table, {b" he": ("subword", ["hello", "hell", "help"]), b"he": ("missing", [])})
    assert composed.kinds[pairs.end] == SPECIAL
    marked = Words(["un@@", "under", "un"], split="whitespace", continuation="@@")
    check(marked, table, {b"un@@": ("subword", ["under"]), b"under": ("exact", ["under"]), b"un": ("missing", [])})


def test_characters_and_bytes_are_words_or_nothing():
    table = vectors("中", "文字", "a", "B")
    check(Characters(list("中文ab")), table, {
        "中".encode(): ("exact", ["中"]), "文".encode(): ("missing", []), b"a": ("exact", ["a"]), b"b": ("case", ["B"]),
    })  # fmt: skip
    check(Bytes(), table, {b"a": ("exact", ["a"]), b"z": ("missing", []), b"\xff": ("missing", [])})


def test_the_same_from_keyed_vectors_a_mapping_and_a_file(tmp_path):
    table = vectors("dog", "cat", "running")
    keyed = keyed_vectors(list(table), np.stack(list(table.values())))
    lines = "\n".join(" ".join([word, *map(repr, vector.tolist())]) for word, vector in table.items())
    (tmp_path / "glove.txt").write_text(lines + "\n")
    tokenizer = Subwords([" dog", " cat", " run", " Bär"])
    layers = [pretrained_embedding(tokenizer, given) for given in (table, keyed, tmp_path / "glove.txt")]
    layers.append(pretrained_embedding(tokenizer, str(tmp_path / "glove.txt")))
    for layer in layers:
        np.testing.assert_array_equal(layer.embeddings, layers[0].embeddings)
        assert layer.coverage.types == {"exact": 2, "case": 0, "subword": 1, "missing": 258}


def test_n_grams_of_fasttext():
    from gensim.models import FastText

    lines = [["walking", "walked", "talking", "talked", "walker", "the"]] * 20
    trained = FastText(lines, vector_size=4, min_count=1, epochs=1, workers=1, bucket=100, seed=1).wv
    tokenizer = Words(["walking", "walks", "The"])
    composed = compose(tokenizer, trained)
    assert composed.kinds[4:].tolist() == [EXACT, SUBWORD, CASE]
    np.testing.assert_array_equal(composed.table[4:], [trained[word] for word in ("walking", "walks", "the")])
    assert compose(Subwords([" walki"]), trained).kinds[-1] == SUBWORD
    np.testing.assert_array_equal(compose(Subwords([" walki"]), trained).table[-1], trained["walki"])


@pytest.mark.parametrize(
    "trainable, free", [(True, [0, 1, 1, 1, 1, 1]), (False, [0] * 6), ("missing", [0, 1, 1, 1, 0, 1])]
)
def test_which_rows_are_trained(trainable, free):
    """ids: PAD, UNKNOWN, START, END, dog, bird."""
    table = vectors("dog", "cat")
    layer = pretrained_embedding(Words(["dog", "bird"]), table, trainable=trainable)
    assert [int(i >= layer.fixed_rows) for i in layer.order.numpy()] == free
    np.testing.assert_array_equal(layer.embeddings[0], np.zeros(3))
    np.testing.assert_array_equal(layer.embeddings[4], table["dog"])
    assert layer.built and layer.output_dim == 3


def test_no_padding_where_the_tokenizer_has_none():
    layer = pretrained_embedding(BytePairs(), vectors("a", "b"), trainable=True)
    assert layer.fixed is None and np.abs(layer.embeddings).min(axis=1).min() > 0


def test_what_is_drawn_has_mean_and_deviation_of_each_dimension():
    draw = np.random.default_rng(1)
    table = {f"w{i}": draw.normal([5.0, 0.0, -1.0], [0.1, 1.0, 3.0]).astype("float32") for i in range(500)}
    tokenizer = Words([f"x{i}" for i in range(4000)])
    drawn = pretrained_embedding(tokenizer, table).embeddings.numpy()[1:]
    whole = np.stack(list(table.values()))
    np.testing.assert_allclose(drawn.mean(axis=0), whole.mean(axis=0), atol=0.15)
    np.testing.assert_allclose(drawn.std(axis=0), whole.std(axis=0), rtol=0.05)
    same, other = (pretrained_embedding(tokenizer, table, seed=seed).embeddings.numpy()[1:] for seed in (1, 2))
    np.testing.assert_array_equal(drawn, same)
    assert np.abs(drawn - other).max() > 1


def rms(table):
    return np.sqrt(np.mean(np.square(list(table.values()) if isinstance(table, dict) else table)))


def test_scaled_to_a_spread_and_projected():
    table = vectors(*"abcdef", width=4)
    tokenizer = Words(list("abcdef"))
    plain, scaled = (pretrained_embedding(tokenizer, table, spread=spread) for spread in (None, 0.1))
    np.testing.assert_array_equal(plain.embeddings[4:], np.stack(list(table.values())))
    assert rms(np.array(scaled.embeddings)[4:]) == pytest.approx(0.1, rel=1e-5)
    np.testing.assert_allclose(scaled.embeddings, np.array(plain.embeddings) * 0.1 / rms(table), rtol=1e-5)
    wide = pretrained_embedding(tokenizer, table, width=512)
    assert rms(np.array(wide.embeddings)[1:]) == pytest.approx(rms(np.array(plain.embeddings)[1:]), rel=0.1)
    np.testing.assert_array_equal(wide.embeddings[0], np.zeros(512))


@pytest.mark.parametrize(
    "given, message",
    [
        ({}, "no word vectors"),
        ({"a": np.ones(3), "b": np.ones(2)}, r"the same width; got \(3,\) and \(2,\)"),
        ({"a": np.array([np.nan, 1.0])}, "NaN or infinite numbers"),
        (np.ones((2, 3)), "a path; got a ndarray"),
    ],
)
def test_refused(given, message):
    with pytest.raises(ValueError, match=message):
        pretrained_embedding(Words(["a"]), given)


def test_refused_ways_to_train():
    with pytest.raises(ValueError, match="True, False or .missing.; got 'some'"):
        pretrained_embedding(Words(["a"]), vectors("a"), trainable="some")


@pytest.mark.shared
@pytest.mark.skipif(not (DATA / "multi30k").exists(), reason="needs real data: set TFLLM_DATA")
def test_real_captions_and_real_vectors():
    """Almost every running word of Multi30k is in GloVe's list, which is lower-cased."""
    with gzip.open(DATA / "multi30k" / "raw" / "train.en.gz", "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()[:2000]
    table = glove_6b()
    layer = pretrained_embedding(Words.learn(lines), table, trainable="missing")
    counted = layer.coverage.of(lines)
    assert layer.coverage.share() > 0.97 and counted.share(counted.running) > 0.99
    np.testing.assert_array_equal(layer.embeddings[layer.coverage.tokenizer.tokens.index(b"dog")], table["dog"])
    drawn = np.array(layer.embeddings)[layer.coverage.kinds == MISSING]
    assert abs(drawn[:, 30].mean() - table.vectors[:, 30].mean()) < 0.5 < abs(drawn[:, 30].mean())
