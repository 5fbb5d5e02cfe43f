"""Where tokens stand: each stands for its own letters, nothing but white space is left over, answers come back."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import word_pieces as reference
from tests.text.test_word_pieces import LEARNED, SPECIAL, TEXT, TEXTS
from tfllm.text import WordPieces, Words
from tfllm.text.offsets import covering, substrings

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[3] / "shared" / "data")) / "xquad" / "xquad.en.json"
MORE = ["tab\there\r\nand  there ", "👩‍👩‍👧 ❤️🙂x", "İstanbul ΑΣ'Β ẞ", "你好，world！", "\u0301a \u0301",
        "5½ US$3.50,-", "ﬁ Å"]  # fmt: skip
MAKERS = {
    "word pieces": lambda: WordPieces([*SPECIAL, *LEARNED]),
    "cased word pieces": lambda: WordPieces([*SPECIAL, *LEARNED], lowercase=False),
    "words": lambda: Words.learn([*LEARNED, *MORE]),
    "lower words": lambda: Words.learn([*LEARNED, *MORE], lowercase=True),
    "words by blanks": lambda: Words.learn(MORE, split="whitespace"),
}


@pytest.fixture(scope="module", params=MAKERS)
def road(request):
    """(tokenizer, its offsets as one graph)"""
    tokenizer = MAKERS[request.param]()
    spec = [tf.TensorSpec([None], tf.string)]
    return tokenizer, tf.function(tokenizer.encode_with_offsets, input_signature=spec, autograph=False)


def strings(texts):
    """As a tensor; NumPy's own arrays of strings lose a NUL at the end."""
    return tf.constant(np.array(texts, object), tf.string, [len(texts)])


def spans(road, texts):
    """[(piece, start, end), ...] of each text; the ids are those of `encode`."""
    tokenizer, located = road
    ids, starts, ends = located(strings(texts))
    assert ids.to_list() == tokenizer.encode(strings(texts)).to_list()
    names = [[tokenizer.tokens[i].decode() for i in row] for row in ids.to_list()]
    return [list(zip(*row, strict=True)) for row in zip(names, starts.to_list(), ends.to_list(), strict=True)]


def plain(road, text):
    """What is left of characters, by Python alone."""
    tokenizer, _ = road
    if isinstance(tokenizer, WordPieces):
        return "".join(reference.words(text, lowercase=tokenizer.lowercase))
    return re.sub("[ \t\n\v\f\r]", "", text.lower().replace("\0", "\1") if tokenizer.lowercase else text)


def check(road, texts):
    tokenizer = road[0]
    for text, result in zip(texts, spans(road, texts), strict=True):
        behind = 0
        for piece, start, end in result:
            assert 0 <= start < end <= len(text), (text, result)
            assert start >= behind or text[start] == text[behind - 1], (text, result)  # one character, several letters
            assert not plain(road, text[behind:start]), (text, result)  # nothing is left over
            if piece in ("[UNK]", "<unk>"):
                assert plain(road, text[start:end]), (text, result)
            elif isinstance(tokenizer, WordPieces):
                assert piece.removeprefix("##") in plain(road, text[start:end]), (text, result)
            else:
                assert piece.replace("ς", "σ") == plain(road, text[start:end]).replace("ς", "σ"), (text, result)
            behind = end
        assert not plain(road, text[behind:]), (text, result)


def test_by_hand():
    text = "The Cafe\u0301,\tÉdogs d\u200bog!"
    result = spans((made := MAKERS["word pieces"](), made.encode_with_offsets), [text])[0]
    assert [(piece, text[start:end]) for piece, start, end in result] == [
        ("the", "The"), ("cafe", "Cafe\u0301"), (",", ","), ("[UNK]", "Édogs"), ("dog", "d\u200bog"), ("!", "!"),
    ]  # fmt: skip
    text = "Unaffable가"
    result = spans((made, made.encode_with_offsets), [text])[0]
    assert [text[start:end] for _, start, end in result] == ["Unaffable가"]  # the last letter makes it unknown
    result = spans((made, made.encode_with_offsets), ["Unaffable"])[0]
    assert result == [("un", 0, 2), ("##aff", 2, 5), ("##able", 5, 9)]
    text = "İx, 中文🙂\u00a0é"
    result = spans((made := MAKERS["lower words"](), made.encode_with_offsets), [text])[0]
    assert [text[start:end] for _, start, end in result] == ["İx", ",", "中", "文", "🙂", "\u00a0é"]


def test_hand_picked_texts(road):
    check(road, [text for text in [*TEXTS, *MORE] if "\ufffd" not in text])
    assert spans(road, []) == [] and spans(road, ["", " \n"]) == [[], []]


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(TEXT, max_size=3), more=st.sampled_from(["\t", "👩‍👧", "中", "e\u0301", "\u200b", "İ", "., "]))
def test_any_text(road, texts, more):
    check(road, [more.join(texts), *texts])


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.binary(max_size=12), max_size=3), cut=st.integers(0, 14))
def test_parts_of_any_bytes_are_the_bytes(texts, cut):
    """Cut anywhere between characters, the parts make up the text; of valid text they are Python's own."""
    cuts = tf.constant([[0, cut, cut + 2]] * len(texts), tf.int64, [len(texts), 3])
    parts = substrings(strings(texts), cuts, tf.concat([cuts[:, 1:], cuts[:, :1] + 99], 1))
    assert [b"".join(row) for row in parts.numpy().tolist()] == texts
    output = [text.decode("utf-8", "replace") for text in texts]
    parts = substrings(strings(output), cuts, cuts + 3).numpy().tolist()
    assert [[part.decode() for part in row] for row in parts] == [
        [text[at : at + 3] for at in (0, cut, cut + 2)] for text in output
    ]


def test_characters_to_tokens():
    starts = tf.ragged.constant([[0, 4, 5], [2], []], tf.int64)
    ends = tf.ragged.constant([[3, 5, 9], [4], []], tf.int64)
    for first, behind, expected in (
        ([4, 2, 0], [9, 4, 1], ([1, 0, 0], [2, 0, -1])),  # exactly theirs
        ([2, 0, 0], [7, 3, 5], ([0, 0, 0], [2, 0, -1])),  # parts of tokens
        ([3, 0, 0], [4, 2, 1], ([1, 0, 0], [0, -1, -1])),  # white space alone: none
    ):
        i, j = covering(starts, ends, tf.constant(first), tf.constant(behind))
        assert (i.numpy().tolist(), j.numpy().tolist()) == expected


@pytest.mark.shared
@pytest.mark.skipif(not DATA.is_file(), reason="needs the folder of real data, TFLLM_DATA")
@pytest.mark.parametrize("name", ["word pieces", "lower words", "words"])
def test_every_answer_of_real_questions_comes_back(name):
    """Characters -> tokens -> characters, all answers of xquad.en. Not recoverable are those inside a word."""
    rows = []
    for article in json.loads(DATA.read_text("utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                rows += [(paragraph["context"], a["answer_start"], a["text"]) for a in asked["answers"]]
    contexts, at, answers = (list(column) for column in zip(*rows, strict=True))
    texts = list(dict.fromkeys(contexts))
    tokenizer = type(MAKERS[name]()).learn(texts, 8000, lowercase="lower" in name or name == "word pieces")
    which = [texts.index(text) for text in contexts]
    starts, ends = (tf.gather(part, which) for part in tokenizer.encode_with_offsets(texts)[1:])
    behind = [start + len(answer) for start, answer in zip(at, answers, strict=True)]
    i, j = covering(starts, ends, tf.constant(at), tf.constant(behind))
    result = substrings(
        tf.constant(contexts), tf.gather(starts, i[:, None], batch_dims=1),
        tf.gather(ends, j[:, None], batch_dims=1),
    ).numpy()[:, 0]  # fmt: skip
    inside = np.array([
        (a > 0 and text[a - 1].isalnum() and text[a].isalnum())
        or (b < len(text) and text[b - 1].isalnum() and text[b].isalnum())
        for text, a, b in zip(contexts, at, behind, strict=True)
    ])  # fmt: skip
    same = np.array([output.decode() == answer for output, answer in zip(result, answers, strict=True)])
    assert len(rows) == 1190 and same[~inside].all() and inside.sum() < 12, (inside.sum(), (~same).sum())
