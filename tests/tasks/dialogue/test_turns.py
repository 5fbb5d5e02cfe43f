"""Dialogues as token ids against plain loops: speakers, truncation, and the weights of the loss."""

import functools
import random

import pytest
import tensorflow as tf

from tests.reference import dialogues as reference
from tfllm.tasks.dialogue import turns
from tfllm.text import END, START, Characters, Words

TOKENIZER = Characters(list("abcxyABuser:tm 四月"))
WORDS = ["a", "bb", "ab c", "四月", "", "x\ty", "A", "a:  b", "abcabcabcabcabcabcabcabcabcab", "system"]
NAMES = ["", "", "", "", "A\t", "B\t", "user\t", "C\t", " A \t"]
TWO, THREE = ("A", "B"), ("user", "A", "B")


def drawn(size, seed):
    """Dialogues of up to seven lines; a third of them begin with a system line."""
    draw, replies = random.Random(seed), []
    for _ in range(size):
        lines = [draw.choice(NAMES) + draw.choice(WORDS) for _ in range(draw.randrange(8))]
        first = [["system\t" + draw.choice(WORDS)], [], []][draw.randrange(3)]
        replies.append("\n".join(first + lines))
    return replies


TEXTS = drawn(60, seed=1)


@functools.cache
def encode(text):
    return TOKENIZER.encode([text]).to_list()[0]


@pytest.mark.parametrize("speakers", [TWO, THREE])
def test_lines_are_read_as_by_a_loop(speakers):
    texts = [*drawn(300, seed=2), "", "A\t", "system\tx\nsystem\ty"]
    output = turns.parsed(tf.constant(texts), speakers)
    replies = zip(
        output.system.numpy(),
        output.turns.to_list(),
        output.speakers.to_list(),
        output.next_speaker.numpy(),
        strict=True,
    )
    for text, (system, lines, numbers, asked) in zip(texts, replies, strict=True):
        expected = reference.read(text, speakers)
        got = list(zip(numbers, [line.decode() for line in lines], strict=True))
        assert (system.decode(), got, asked) == expected


@pytest.mark.parametrize(
    "speakers, capacity, first", [(TWO, 28, START), (THREE, 28, None), (TWO, 40, None), (THREE, 34, START)]
)
def test_histories_are_truncated_as_by_a_loop(speakers, capacity, first):
    """The prompt of every reply of every dialogue."""
    script = turns.Script(TOKENIZER, speakers, capacity, first)
    written = script.write(turns.parsed(tf.constant(TEXTS), speakers))
    replies = turns.replies(script, written)
    ids = script.history(written, *replies)
    tags = script.tags_of(tf.gather(written.speakers, replies.turn))
    got = tf.concat([ids, tags], axis=1).to_list()
    expected, dropped, cut = [], [], []
    for text in TEXTS:
        system, lines, _ = reference.read(text, speakers)
        for position in range(1, len(lines)):
            prompt = reference.prompt(
                encode, END, speakers, capacity, first, system, lines[:position], lines[position][0]
            )
            assert len(prompt[0]) <= capacity
            expected.append(prompt[0])
            dropped.append(prompt[1])
            cut.append(prompt[2])
    assert got == expected and sum(dropped) > 10 and sum(cut) > 0
    begins = tf.gather(written.splits, replies.dialogue)
    assert (replies.first - begins).numpy().tolist() == dropped
    assert (replies.cut + tf.gather(written.system_cut, replies.dialogue)).numpy().tolist() == cut


@pytest.mark.parametrize(
    "speakers, capacity, most, only",
    [(TWO, 28, 4, None), (TWO, 35, 99, 1), (THREE, 60, 3, 0), (THREE, 45, 2, None)],
)
def test_each_reply_is_learned_once_behind_its_own_history(speakers, capacity, most, only):
    script = turns.Script(TOKENIZER, speakers, capacity, START)
    written = script.write(turns.parsed(tf.constant(TEXTS), speakers))
    rows, weights = turns.streams(script, written, turns.replies(script, written, only), most)
    got = []
    for ids, marked in zip(rows.to_list(), weights.to_list(), strict=True):
        assert len(ids) == len(marked) <= capacity + most and not marked[0]
        for position, weight in enumerate(marked):
            if weight and not marked[position - 1]:
                size = next((i for i, other in enumerate(marked[position:]) if not other), len(ids) - position)
                got.append((ids[:position], ids[position : position + size]))
    expected = []
    for text in TEXTS:
        system, lines, _ = reference.read(text, speakers)
        expected += reference.pairs(encode, END, speakers, capacity, START, most, system, lines, only)
    assert got == expected


def test_short_dialogues_are_one_row():
    script = turns.Script(TOKENIZER, ("A", "B"), 60, START)
    written = script.write(turns.parsed(tf.constant(["system\tx\na\nb\nab", "a\nb"]), ("A", "B")))
    rows, weights = turns.streams(script, written, turns.replies(script, written), 9)
    output = [[TOKENIZER.tokens[i].decode() for i in row] for row in rows.to_list()]
    assert ["".join(row) for row in output] == ["<s>system:x</s>A:a</s>B:b</s>A:ab</s>", "<s>A:a</s>B:b</s>"]
    learned = [[token for token, weight in zip(*row, strict=True) if weight] for row in zip(output, weights.to_list())]  # noqa: B905
    assert learned == [["b", "</s>", "a", "b", "</s>"], ["b", "</s>"]]


def test_no_text_ends_a_turn():
    script = turns.Script(TOKENIZER, ("A", "B"), 60, START)
    written = script.write(turns.parsed(tf.constant(["a </s> B: b\nb"]), ("A", "B")))
    assert written.token_ids.to_list()[0].count(END) == 1


@pytest.mark.parametrize(
    "tokenizer, capacity, message",
    [
        (Words(["a", ":", "system"]), 60, "encodes the names A, B, system alike: choose names"),
        (TOKENIZER, 27, "a history of 27 tokens is too short: the minimum is 28"),
    ],
)
def test_errors_name_the_fix(tokenizer, capacity, message):
    with pytest.raises(ValueError, match=message):
        turns.Script(tokenizer, ("A", "B"), capacity)
