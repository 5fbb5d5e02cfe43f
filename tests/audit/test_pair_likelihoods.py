"""Minimal pairs: likelihoods against loops; SEAT against WEAT of sentences."""

import numpy as np
import pytest

from tests import zoo
from tfllm import models, tasks
from tfllm.audit import minimal_pairs, read_minimal_pairs, seat
from tfllm.audit.pair_likelihoods import MinimalPair, causal_likelihoods, masked_likelihoods
from tfllm.explain import weat
from tfllm.text import WordPieces


@pytest.fixture(scope="module")
def bert():
    words = "a the dog cat runs sat red".split()
    tokenizer = WordPieces(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words])
    return tasks.MaskedLanguageModel(models.BERT(tokenizer.vocab_size, 16, 1, 8, 2, 8), tokenizer, length=16)


def test_pseudo_likelihoods_mask_each_common_token(bert, eager):
    a, b = "the dog runs", "the red cat runs"
    (first, second), vocabulary = masked_likelihoods(bert, a, b), bert.tokenizer
    for text, kept, result in ((a, [0, 2], first), (b, [0, 3], second)):
        row = [vocabulary.start, *vocabulary.encode([text]).to_list()[0], vocabulary.end]
        expected = 0.0
        for i in kept:
            ids = np.array([row])
            ids[0, i + 1] = vocabulary.mask
            x = bert.encoder(ids, segment_ids=np.zeros_like(ids), padding_mask=np.ones(ids.shape, bool))
            logits = np.array(bert.tell(x, bert.encoder.embed.embeddings), "float64")[0, i + 1]
            expected += logits[row[i + 1]] - np.log(np.exp(logits).sum())
        assert result == pytest.approx(expected, abs=1e-5)


def test_causal_likelihoods_are_those_of_score(eager):
    task, _ = zoo.language_model(zoo.GPT)
    for text, result in zip(("a dog", "no cat"), causal_likelihoods(task, "a dog", "no cat"), strict=True):
        assert result == pytest.approx(task.score([text], verbose=0).log_probability, abs=1e-4)


def test_shares_of_pairs(bert, eager):
    pairs = [MinimalPair("the dog runs", "the cat runs", "x"), MinimalPair("the cat runs", "the dog runs", "y")]
    result = minimal_pairs(bert, [*pairs, MinimalPair("a cat", "a cat", "x")])
    assert (result["all"].count, result["all"].total) == (1, 2)  # one of two opposite pairs; the tie is left out
    assert result["x"].count + result["y"].count == 1
    with pytest.raises(ValueError, match="expected pairs"):
        minimal_pairs(bert, [])


def test_the_file(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text(',sent_more,sent_less,stereo_antistereo,bias_type\n0,"A, b","A, c",stereo,gender\n')
    assert read_minimal_pairs(path) == [MinimalPair("A, b", "A, c", "gender")]
    path.write_text("sent_more,sent_less\na,b\n")
    with pytest.raises(ValueError, match="missing: bias_type"):
        read_minimal_pairs(path)


class Lookup:
    """A sentence has the vector of its word."""

    def __init__(self, vectors):
        self.vectors = vectors

    def embed(self, texts, verbose):
        return np.array([self.vectors[text.removesuffix(".").split()[-1]] for text in texts])


def test_seat_of_sentences_that_have_the_vectors_of_their_words():
    vectors = zoo.vectors(*"abcdefgh")
    sets = [["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"]]
    one = seat(Lookup(vectors), *sets, templates=["This is {}."])
    assert one == weat({f"This is {word}.": vectors[word] for word in vectors},
                       *[[f"This is {word}." for word in words] for words in sets])  # fmt: skip
    assert one.effect_size == pytest.approx(weat(vectors, *sets).effect_size)
    with pytest.raises(ValueError, match="needs {}"):
        seat(Lookup(vectors), *sets, templates=["none"])
