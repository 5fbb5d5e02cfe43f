"""Logits of windows -> the most probable answers in each context, as tensors and as Python objects."""

import tensorflow as tf

from tfllm.generation import numbers
from tfllm.tasks.questions.span_choice import best_spans
from tfllm.tasks.running import rows_as_dicts
from tfllm.tasks.text_inputs import dense
from tfllm.text.offsets import at_tokens, substrings

TOGETHER = 32  # windows per model call


def ranked(model, windows, texts, answer_length, n_best, no_answer):
    """Windows of the texts, strings [B] -> the result of `QuestionAnswering.ranked`.

    model: dense inputs [W, ...] -> logits [W, 2, T]. no_answer: whether "no answer" is allowed.
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
    """function(inputs [W, ...]) -> float32 [W, 2, T], called with `size` rows at a time to bound the memory."""
    count = tf.shape(tf.nest.flatten(inputs)[0])[0]
    parts = tf.maximum((count + size - 1) // size, 1)

    def body(i, result):
        part = tf.nest.map_structure(lambda whole: whole[i * size : (i + 1) * size], inputs)
        return i + 1, result.write(i, function(part))

    result = tf.TensorArray(tf.float32, parts, infer_shape=False, element_shape=[None, 2, None])
    return tf.while_loop(lambda i, _: i < parts, body, (0, result))[1].concat()


def best(result, unanswered):
    """The result of `ranked` -> the result of `QuestionAnswering.answer`. unanswered [B] bool: give no answer."""
    first = {name: result[name][:, 0] for name in ("text", "start", "end", "score")}
    nothing = {"text": "", "start": -1, "end": -1, "score": result["none"]}
    first = {name: tf.where(unanswered, nothing[name], part) for name, part in first.items()}
    return first | {"no_answer": result["no_answer"], "cut": result["cut"]}


def as_dict(result):
    """A dict of NumPy values -> {"text", "start", "end", "score", "no_answer"} of Python values."""
    return {
        "text": result["text"].decode("utf-8", "replace"), "start": int(result["start"]), "end": int(result["end"]),
        "score": float(result["score"]), "no_answer": float(result["no_answer"]),
    }  # fmt: skip


def as_dicts(result):
    """The result of `ranked` for one question -> a list of dicts as in `as_dict`: the first, and existing others."""
    several = rows_as_dicts({name: result[name] for name in ("text", "start", "end", "score")})
    rows = [as_dict(one | {"no_answer": result["no_answer"]}) for one in several]
    return [row for rank, row in enumerate(rows) if rank == 0 or row["start"] >= 0]
