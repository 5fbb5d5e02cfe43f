"""Overlaps against all substrings, extraction of a model that counts, screens."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tests import zoo
from tfllm.audit import extraction, overlaps, screen
from tfllm.text import Words


def longest(text, training):
    words, best = text.split(), 0
    for i in range(len(words)):
        for j in range(i + 1, len(words) + 1):
            if any(f" {' '.join(words[i:j])} " in f" {other} " for other in training):
                best = max(best, j - i)
    return best


def test_overlaps_are_the_longest_common_runs():
    draw = np.random.default_rng(4)
    training = [" ".join(draw.choice(list("abc"), 12)) for _ in range(5)]
    texts = [" ".join(draw.choice(list("abcd"), 10)) for _ in range(20)]
    for text, overlap in zip(texts, overlaps(texts, training), strict=True):
        assert overlap.words == longest(text, training) == len(overlap.run.split())
        assert overlap.run in text and overlap.run in training[overlap.training]


def test_overlaps_ignore_case_and_end_at_a_text():
    (one, none, empty) = overlaps(["x B, c D", "zz", ""], ["a b", "c d e"])
    assert (one.words, one.run, one.training) == (2, "c d", 1)
    assert (none.words, none.training, empty.words) == (0, None, 0)
    assert overlaps(["a"], []) == [type(none)(0, "", None)]


class Counting:
    """After token i comes i + 1."""

    def __init__(self, tokenizer):
        self.tokenizer, self.model = tokenizer, SimpleNamespace(max_length=None)

    def __call__(self, token_ids, training):
        return tf.one_hot(token_ids + 1, self.tokenizer.vocab_size)


def test_extraction_counts_exact_suffixes():
    tokenizer = Words([f"w{i}" for i in range(30)])
    counted = [" ".join(f"w{i}" for i in range(first, first + 10)) for first in (0, 5)]
    wrong = counted[0].replace("w9", "w3")
    share = extraction(Counting(tokenizer), [*counted, wrong, "w1 w2"], prefix=4, suffix=6, batch_size=2)
    assert (share.count, share.total) == (2, 3) and "2 of 3" in str(share)
    assert extraction(Counting(tokenizer), [wrong], prefix=4, suffix=5).share == 1
    with pytest.raises(ValueError, match="none of 1 texts"):
        extraction(Counting(tokenizer), ["w1"], prefix=4, suffix=6)


def test_extraction_of_a_language_model(eager):
    task, _ = zoo.language_model(zoo.GPT)
    text = "a dog runs . a cat"
    known = task.generate(text[:5], max_new_tokens=6, verbose=0)  # what it would write itself
    texts = [known, known[:8] + "z" + known[9:], known[:5] + "z" + known[6:], text, text[::-1]]
    share = extraction(task, texts, prefix=5, suffix=4, batch_size=2)
    expected = [task.generate(one[:5], max_new_tokens=4, verbose=0) == one[:9] for one in texts]
    assert expected[:3] == [True, False, False] and share.count == sum(expected) and share.total == len(texts)
    with pytest.raises(ValueError, match="limit is 32"):
        extraction(task, [text], prefix=30, suffix=10)


def test_a_screen_of_words():
    shares = screen(["A Bad day", "badly done", "坏人来了", "bad, bad"], ["bad", "坏"])
    assert {word: (one.count, one.total) for word, one in shares.items()} == {
        "bad": (2, 4),
        "坏": (1, 4),
        "any": (3, 4),
    }
    with pytest.raises(ValueError, match="not empty"):
        screen(["a"], [])
