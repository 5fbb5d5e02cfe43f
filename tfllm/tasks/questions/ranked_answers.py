"""Logits of windows -> the likeliest answers in each context: tensors, and as Python has them."""

import tensorflow as tf

from tfllm.generation import numbers
from tfllm.tasks.questions.span_choice import best_spans
from tfllm.tasks.running import each
from tfllm.tasks.text_inputs import dense
from tfllm.text.offsets import at_tokens, substrings

TOGETHER = 32  # windows that the model reads at a time


def ranked(model, windows, texts, answer_length, n_best, no_answer):
    """Windows of the texts, strings [B] -> what `QuestionAnswering.ranked` gives.

    model: inputs, dense [W, ...] -> logits [W, 2, T]. no_answer: whether there may be none.
    """
    best = best_spans(numbers(in_parts(model, dense(windows.inputs))), windows, answer_length, n_best)
    start = tf.where(best.there, at_tokens(windows.starts, best.i), -1)
    end = tf.where(best.there, at_tokens(windows.ends, best.j), -1)
    total, none, beside_best = best.log_total, tf.zeros_like(best.none), tf.zeros_like(best.none)
    if no_answer:
        total = tf.reduce_logsumexp(tf.stack([total, best.none]), axis=0)
        none, beside_best = tf.exp(best.none - total), tf.sigmoid(best.none - best.score[:, 0])
    return {
        "text": substrings(texts, tf.maximum(start, 0), tf.maximum(end, 0)),
        "start": tf.cast(start, tf.int32), "end": tf.cast(end, tf.int32),
        "score": tf.where(best.there, tf.exp(best.score - total[:, None]), 0.0),
        "none": none, "no_answer": beside_best, "cut": tf.cast(windows.cut, tf.int32),
    }  # fmt: skip


def in_parts(function, inputs, size=TOGETHER):
    """function(inputs [W, ...]) -> float32 [W, 2, T], of so many rows at a time: a long text takes no more memory."""
    count = tf.shape(tf.nest.flatten(inputs)[0])[0]
    parts = tf.maximum((count + size - 1) // size, 1)

    def body(i, found):
        part = tf.nest.map_structure(lambda whole: whole[i * size : (i + 1) * size], inputs)
        return i + 1, found.write(i, function(part))

    found = tf.TensorArray(tf.float32, parts, infer_shape=False, element_shape=[None, 2, None])
    return tf.while_loop(lambda i, _: i < parts, body, (0, found))[1].concat()


def best(found, silent):
    """What `ranked` gives -> what `QuestionAnswering.answer` does. silent [B] bool: whether no answer is given."""
    first = {name: found[name][:, 0] for name in ("text", "start", "end", "score")}
    nothing = {"text": "", "start": -1, "end": -1, "score": found["none"]}
    first = {name: tf.where(silent, nothing[name], part) for name, part in first.items()}
    return first | {"no_answer": found["no_answer"], "cut": found["cut"]}


def as_dict(found):
    """A dict of NumPy values -> {"text", "start", "end", "score", "no_answer"} of Python's own."""
    return {
        "text": found["text"].decode("utf-8", "replace"), "start": int(found["start"]), "end": int(found["end"]),
        "score": float(found["score"]), "no_answer": float(found["no_answer"]),
    }  # fmt: skip


def as_dicts(found):
    """What `ranked` gives of one question -> a list of dicts as of `as_dict`: the first, and others that are there."""
    several = each({name: found[name] for name in ("text", "start", "end", "score")})
    rows = [as_dict(one | {"no_answer": found["no_answer"]}) for one in several]
    return [row for rank, row in enumerate(rows) if rank == 0 or row["start"] >= 0]
