"""Windows of a context written out, and the best parts of it by brute force."""

import numpy as np
import pytest
import tensorflow as tf

from tfllm.tasks.questions.question_windows import targets, windows
from tfllm.tasks.questions.span_choice import best_spans
from tfllm.text import END, START, UNKNOWN, Words


def test_windows_by_hand():
    """a b c d e f g with "q": windows of 8 tokens hold 4 tokens of the context and begin 3 apart."""
    tokenizer = Words(list("abcdefgq"))  # 4 to 10, and 11
    contexts, questions = tf.constant(["a b c d e f g", "", "a\tb  zz"]), tf.constant(["q", "q q q", ""])
    result = windows(tokenizer, contexts, questions, length=8, stride=3, question_length=2, segments=2)
    assert result.inputs["token_ids"].to_list() == [
        [START, 11, END, 4, 5, 6, 7, END], [START, 11, END, 7, 8, 9, 10, END],
        [START, 11, 11, END, END], [START, END, 4, 5, UNKNOWN, END],
    ]  # fmt: skip
    assert result.inputs["segment_ids"].to_list()[0] == [0, 0, 0, 1, 1, 1, 1, 1]
    assert result.inputs["allowed"].to_list()[:3:2] == [[True, *[False] * 2, *[True] * 4, False], [True, *[False] * 4]]
    assert result.owner.numpy().tolist() == [0, 0, 1, 2] and result.first.numpy().tolist() == [0, 3, 0, 0]
    assert result.offset.numpy().tolist() == [3, 3, 4, 2] and result.sizes.numpy().tolist() == [4, 4, 0, 3]
    assert result.cut.numpy().tolist() == [0, 1, 0]
    assert result.starts.to_list() == [[0, 2, 4, 6, 8, 10, 12], [], [0, 2, 5]]
    made = targets(result, tf.constant([3, 0, 1], tf.int64), tf.constant([4, -1, 2], tf.int64))
    assert made.numpy().tolist() == [[0, 0], [3, 4], [0, 0], [3, 4]]  # d e: the first window has d alone
    result = windows(tokenizer, contexts, questions, length=4, stride=2, question_length=2, apart=True)
    assert result.inputs["context"].to_list()[:3] == [[START, 4, 5, 6], [START, 6, 7, 8], [START, 8, 9, 10]]
    assert result.inputs["question"].to_list()[-2:] == [[11, 11, END], [END]]
    assert result.inputs["allowed"].to_list()[3] == [True] and result.offset.numpy().tolist() == [1] * 5


def test_spans_are_those_of_brute_force():
    """Every part of every context in every window; the better window counts; no answer is the least."""
    draw, most = np.random.default_rng(0), 3
    tokenizer = Words(list("abcdefgq"))
    contexts = tf.constant(["a b c d e f g a b", "", "a", "g f e d"])
    result = windows(tokenizer, contexts, tf.constant(["q", "q", "", "q q"]), 8, 2, 2)
    sizes = result.inputs["token_ids"].row_lengths().numpy()
    allowed = result.inputs["allowed"].to_tensor().numpy()
    logits = np.where(allowed[:, None], draw.normal(size=(len(sizes), 2, sizes.max())), -1e9).astype("float32")
    best = best_spans(tf.constant(logits), result, most, 6)
    for b in range(4):
        scores, none = {}, []
        for w in np.flatnonzero(result.owner.numpy() == b):
            none.append(logits[w, :, 0].sum())
            offset, first, size = (int(part[w]) for part in (result.offset, result.first, result.sizes))
            for k in range(size):
                for end in range(k, min(size, k + most)):
                    span = first + k, first + end
                    value = logits[w, 0, offset + k] + logits[w, 1, offset + end]
                    scores[span] = max(value, scores.get(span, -np.inf))
        order = sorted(scores, key=scores.get, reverse=True)[:6]
        there = best.there[b].numpy()
        assert there.sum() == len(order) and np.stack([best.i[b], best.j[b]], 1)[there].tolist() == [*map(list, order)]
        np.testing.assert_allclose(best.score[b].numpy()[there], [scores[span] for span in order], rtol=1e-5)
        assert best.none[b].numpy() == pytest.approx(min(none), rel=1e-5)
        if scores:
            total = np.log(np.sum(np.exp(list(scores.values()))))
            assert best.log_total[b].numpy() == pytest.approx(total, rel=1e-4)
