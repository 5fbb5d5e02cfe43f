"""The inputs of models that answer from facts, written out."""

import tensorflow as tf

from tfllm.tasks.facts.fact_inputs import fact_numbers, lines, memory, story
from tfllm.text import END, PAD, UNKNOWN, Words


def test_facts_are_lines():
    result = lines(tf.constant(["A b. \r\n\n  c?!\n...", "", "中。\nd . e."]))
    assert result.to_list() == [[b"A b", b"c"], [], ["中".encode(), b"d . e"]]


def test_what_is_read():
    """One memory row for each fact; one text of all facts for a model that generates."""
    tokenizer = Words(["a", "b", "c"])  # 4, 5, 6
    facts = lines(tf.constant(["a b c\nb\nc a", "", "z"]))
    assert memory(tokenizer, facts, 9, 3)[0].to_list() == [[4, 5, 6, 5, 0, 0, 6, 4, 0], [], [UNKNOWN, 0, 0]]
    assert memory(tokenizer, facts, 2, 1)[0].to_list() == [[5, 6], [], [UNKNOWN]]
    both = story(tokenizer, facts, tf.constant(["a?", "b?", "c a ?"]))
    assert both.to_list() == [[4, 5, 6, END, 5, END, 6, 4, END, 4, END], [5, END], [UNKNOWN, END, 6, 4, END]]
    numbers = fact_numbers(both.to_tensor(PAD), facts.row_lengths()).numpy().tolist()
    assert numbers[0] == [0, 0, 0, 0, 1, 1, 2, 2, 2, -1, -1]
    assert numbers[1] == [-1] * 11 and numbers[2] == [0, 0, *[-1] * 9]
    cut = story(tokenizer, facts, tf.constant(["a?", "b?", "c a ?"]))[:, -4:]
    assert cut.to_list() == [[4, END, 4, END], [5, END], [END, 6, 4, END]]
    assert fact_numbers(cut.to_tensor(PAD), facts.row_lengths()).numpy()[0].tolist() == [2, 2, -1, -1]
