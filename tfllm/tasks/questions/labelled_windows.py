"""Windows of contexts with known answers -> training examples, and flags of answers that cannot be learned."""

import numpy as np
import tensorflow as tf

from tfllm import ragged
from tfllm.tasks.questions import question_windows
from tfllm.tasks.task import log
from tfllm.text.offsets import at_tokens, covering


def flagged(windows, answers, starts, answer_length):
    """Windows of B questions; answers and starts, strings [B], "" if there is no answer -> (the examples, flags).

    There is one example row for each window. flags: of the questions, ragged [B, 1] bool, see `warn`.
    """
    there = answers != ""
    begin = tf.strings.to_number(tf.where(there, starts, "-1"), tf.int64)
    behind = begin + tf.cast(tf.strings.length(answers, unit="UTF8_CHAR"), tf.int64)
    i, j = covering(windows.starts, windows.ends, begin, behind)
    i, j = tf.where(there, i, 0), tf.where(there, j, -1)
    targets = question_windows.targets(windows, i, j)
    learned = tf.math.unsorted_segment_max(targets[:, 1], windows.owner, tf.size(windows.cut))
    exact = there & (j >= i)
    at, to = (at_tokens(part, tokens[:, None])[:, 0] for part, tokens in ((windows.starts, i), (windows.ends, j)))
    flags = {
        "cut": windows.cut > 0, "lost": there & (learned == 0), "long": j - i >= answer_length,
        "loose": exact & ((at != begin) | (to != behind)),
    }  # fmt: skip
    flags = {name: ragged.column(flag) for name, flag in flags.items()}
    targets = tf.RaggedTensor.from_tensor(targets)
    return (windows.inputs, targets, tf.ones_like(targets, tf.float32)), flags


def warn(question_length, answer_length, cut, lost=(), long=(), loose=()):
    """Log problems of questions and answers: flags [N] each."""
    for flags, what in (
        (cut, f"questions have more than {question_length} tokens and are truncated"),
        (lost, "answers do not fit into any window and are not learned: a smaller stride gives more windows"),
        (long, f"answers have more than {answer_length} tokens, the maximum that the task answers"),
        (loose, "answers begin or end inside a token: the surrounding tokens are learned"),
    ):
        if np.any(flags):
            log.warning("%d of %d %s", np.sum(flags), len(flags), what)
