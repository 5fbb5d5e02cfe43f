"""Questions and contexts of any length -> what a reader is fed: windows of a context, each with its question.

A window begins `stride` tokens after the one before it, as in Devlin et al. 2019's run_squad.py, until the context has
been read to its end: nothing is cut but questions that are too long. An encoder reads START question END context END as
one text, BiDAF the two apart, START context and question END. The first place stands for "no answer in this window".

Axes:  B questions  W windows, of all questions one after the other  N tokens of a context  T tokens of a window
"""

from typing import NamedTuple

import tensorflow as tf

from tfllm.ragged import between, joined
from tfllm.tasks.text_inputs import of_tokens


class Windows(NamedTuple):
    """inputs: a nest of ragged [W, None]; all else int64.

    owner   [W] the question a window is of;  first [W] which token of the context stands at place `offset` [W]
    sizes   [W] tokens of the context in it;  starts, ends ragged [B, N] characters of the context's tokens
    cut     [B] tokens of the question that are left out
    """

    inputs: dict
    owner: tf.Tensor
    first: tf.Tensor
    offset: tf.Tensor
    sizes: tf.Tensor
    starts: tf.RaggedTensor
    ends: tf.RaggedTensor
    cut: tf.Tensor


def windows(tokenizer, contexts, questions, length, stride, question_length, apart=False, segments=0):
    """strings [B] -> Windows of at most `length` tokens, marks counted. apart: as BiDAF reads them."""
    question = tokenizer.encode(questions)
    asked = question.row_lengths()
    question = question[:, :question_length]
    ids, starts, ends = tokenizer.encode_with_offsets(contexts)
    capacity = tf.fill(tf.shape(asked), tf.cast(length - 1, tf.int64)) if apart else length - 3 - question.row_lengths()
    size = ids.row_lengths()
    count = 1 + tf.maximum(size - capacity + stride - 1, 0) // stride  # [B]
    owner = tf.repeat(tf.range(tf.size(count, tf.int64)), count)
    first = tf.ragged.range(count).flat_values * stride
    sizes = tf.minimum(tf.gather(size, owner) - first, tf.gather(capacity, owner))
    begin = tf.gather(ids.row_starts(), owner) + first
    part = between(ids.flat_values, begin, begin + sizes)  # [W, None]
    question = tf.gather(question, owner)
    pack = beside if apart else packed
    inputs = pack(question, part, tokenizer.start, tokenizer.end, segments)
    offset = tf.ones_like(sizes) if apart else question.row_lengths() + 2
    return Windows(inputs, owner, first, offset, sizes, starts, ends, tf.maximum(asked - question_length, 0))


def packed(question, part, start, end, segments):
    """-> {"token_ids", "padding_mask", "allowed", "segment_ids" where they are told apart}, ragged [W, None]."""
    inputs = of_tokens(joined(start, question, end, part, end))
    inputs["allowed"] = joined(1, tf.zeros_like(question), 0, tf.ones_like(part), 0)
    if segments > 1:
        inputs["segment_ids"] = joined(0, tf.zeros_like(question), 0, tf.ones_like(part), 1)
    return inputs


def beside(question, part, start, end, segments):
    """-> {"context", "context_mask", "question", "question_mask", "allowed"}, ragged [W, None]."""
    context, question = joined(start, part), joined(question, end)
    found = {}
    for name, tokens in (("context", context), ("question", question)):
        found |= {name: tokens, f"{name}_mask": of_tokens(tokens)["padding_mask"]}
    return found | {"allowed": found["context_mask"]}


def targets(found, i, j):
    """Windows, the answer's tokens i .. j of the context, int64 [B] (j < i: none) -> places of both ends, int32 [W, 2].

    0, 0 where the window has not the whole answer.
    """
    i, j = (tf.gather(part, found.owner) - found.first for part in (i, j))
    whole = (i >= 0) & (j >= i) & (j < found.sizes)
    return tf.cast(tf.where(whole[:, None], tf.stack([i, j], axis=1) + found.offset[:, None], 0), tf.int32)
