"""Questions and contexts of any length -> model inputs: windows of a context, each with its question.

Each window begins `stride` tokens after the previous one, as in Devlin et al. 2019's run_squad.py, until the context is
covered: only long questions are truncated. An encoder reads START question END context END as one text, BiDAF reads
START context and question END separately. The first position stands for "no answer in this window".

Axes:  B questions  W windows, of all questions one after the other  N tokens of a context  T tokens of a window
"""

from typing import NamedTuple

import tensorflow as tf

from tfllm.ragged import between, joined
from tfllm.tasks.text_inputs import of_tokens

LENGTH = 384  # default tokens of a window, as in Devlin et al. 2019's code; less if the model's limit is
QUESTION = 64  # default maximum tokens of a question
STRIDE = 128


class Windows(NamedTuple):
    """inputs: a nest of ragged [W, None]; all other fields are int64.

    owner   [W] the question of each window;  first [W] index of the context token at position `offset` [W]
    sizes   [W] context tokens in the window;  starts, ends ragged [B, N] characters of the context's tokens
    cut     [B] truncated tokens of the question
    """

    inputs: dict
    owner: tf.Tensor
    first: tf.Tensor
    offset: tf.Tensor
    sizes: tf.Tensor
    starts: tf.RaggedTensor
    ends: tf.RaggedTensor
    cut: tf.Tensor


def sizes(limit, length, stride, question_length, answer_length, apart):
    """-> (length, stride, question_length) of windows; None stands for the default.

    limit: maximum tokens of the model, or None. apart: whether the model reads context and question separately. Raises
    ValueError for a length above the limit, and for windows with gaps between them.
    """
    length = length or min(LENGTH, limit or LENGTH)
    if limit is not None and length > limit:
        raise ValueError(f"length is {length} tokens, but the model's limit is {limit}")
    question_length = question_length or max(1, min(QUESTION, length // 4))
    capacity = length - (1 if apart else question_length + 3)
    stride = stride or max(1, min(STRIDE, capacity // 2))
    if not 1 <= stride <= capacity or answer_length < 1:
        raise ValueError(
            f"a window of {length} tokens holds {capacity} tokens of the context with a question of {question_length}: "
            f"stride must be 1 to {capacity} and answer_length 1 or more; got {stride} and {answer_length}"
        )
    return length, stride, question_length


def windows(tokenizer, contexts, questions, length, stride, question_length, apart=False, segments=0):
    """strings [B] -> Windows of at most `length` tokens, with special tokens. apart: in the layout of BiDAF."""
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
    """-> {"token_ids", "padding_mask", "allowed", and "segment_ids" if the model has segments}, ragged [W, None]."""
    inputs = of_tokens(joined(start, question, end, part, end))
    inputs["allowed"] = joined(1, tf.zeros_like(question), 0, tf.ones_like(part), 0)
    if segments > 1:
        inputs["segment_ids"] = joined(0, tf.zeros_like(question), 0, tf.ones_like(part), 1)
    return inputs


def beside(question, part, start, end, segments):
    """-> {"context", "context_mask", "question", "question_mask", "allowed"}, ragged [W, None]."""
    context, question = joined(start, part), joined(question, end)
    result = {}
    for name, tokens in (("context", context), ("question", question)):
        result |= {name: tokens, f"{name}_mask": of_tokens(tokens)["padding_mask"]}
    return result | {"allowed": result["context_mask"]}


def targets(result, i, j):
    """Windows, the answer's context tokens i .. j, int64 [B] (j < i: none) -> positions of both ends, int32 [W, 2].

    Both are 0 if the window does not contain the whole answer.
    """
    i, j = (tf.gather(part, result.owner) - result.first for part in (i, j))
    whole = (i >= 0) & (j >= i) & (j < result.sizes)
    return tf.cast(tf.where(whole[:, None], tf.stack([i, j], axis=1) + result.offset[:, None], 0), tf.int32)
