"""Prompts -> continuations, both as token ids: truncation, prefill, and the decoding loop or beam search.

These are functions of tensors, so eager mode, a compiled graph and a SavedModel give the same result.
"""

import math

import tensorflow as tf

from tfllm.generation import Loop, beam_search, contrasting, contrastive, drawing, numbers, stop_table
from tfllm.ragged import between
from tfllm.tasks.text_generation import constraints
from tfllm.tasks.text_generation.decoding import chooser, rules
from tfllm.tasks.vocabularies import Stepping
from tfllm.text import Tokenizer

CAPACITY = 32  # positions of a state that grows, at first, beyond those that are read at once


def truncate_prompts(prompts, most, max_length, max_new_tokens=None):
    """Prompts, ragged [B, None] -> (prompts truncated on the left if needed; limits, cut, short: int32 [B]).

    limits: maximum tokens of each prompt with its continuation: `max_length`, or the prompt's length plus
    `max_new_tokens`; never more than `most`, the capacity of the model (None: unlimited). A prompt that leaves no
    capacity for the new tokens loses its first `cut` tokens, but keeps at least half of the capacity; then the
    continuation has `short` tokens less than requested.
    """
    sizes = tf.cast(prompts.row_lengths(), tf.int32)  # [B]
    wanted = tf.maximum(max_length - sizes, 0) if max_new_tokens is None else tf.fill(tf.shape(sizes), max_new_tokens)
    if most is None:
        return prompts, sizes + wanted, tf.zeros_like(sizes), tf.zeros_like(sizes)
    lengths = tf.minimum(sizes, tf.maximum(most - wanted, (most + 1) // 2))
    ends = tf.cast(prompts.row_limits(), tf.int32)
    limits = tf.minimum(lengths + wanted, most)
    return between(prompts.flat_values, ends - lengths, ends), limits, sizes - lengths, lengths + wanted - limits


def loop(model, tokenizer, decoding, row=0, in_place=False):
    """The `Loop` of greedy decoding, sampling or contrastive search. row: see `chooser`; in_place: see `Stepping`."""
    limits = rules(decoding, tokenizer), forbidden_ids(tokenizer)
    constraint = constraints.constraint(decoding, tokenizer, pieces(tokenizer))
    model = Stepping(model, tokenizer.vocab_size, in_place)
    if decoding.penalty_alpha is None:
        turn = drawing(model.step, chooser(decoding, row), *limits, constraint)
    else:
        k = compared(tokenizer, decoding)
        turn = contrasting(model.features, model.logits, k, decoding.penalty_alpha, *limits)
    return Loop(turn, stops(decoding, tokenizer), tokenizer.end, 0, constraint)


def compared(tokenizer, decoding):
    """The number of candidates of a contrastive search, at most the vocabulary size."""
    return min(decoding.top_k, tokenizer.vocab_size)


def forbidden_ids(tokenizer):
    """Special tokens that are never generated: PAD, UNKNOWN and START."""
    return tuple(i for i in (tokenizer.pad, tokenizer.unknown, tokenizer.start) if i is not None)


def stops(decoding, tokenizer):
    """The loop's table of stop strings; None if there are none, or if the bytes of a token depend on its neighbours.

    Without the table the loop runs longer; the text is truncated at the stop string in any case.
    """
    token_bytes = pieces(tokenizer) if decoding.stops else None
    return None if token_bytes is None else stop_table(token_bytes, decoding.stops)


def pieces(tokenizer):
    """The bytes that each id adds to a text, as a list; None if they depend on neighbouring ids."""
    if type(tokenizer)._join is not Tokenizer._join:
        return None
    no_text = {*forbidden_ids(tokenizer), tokenizer.end}
    with tf.init_scope():
        return [b"" if i in no_text else piece for i, piece in enumerate(tokenizer.tokens)]


def begin(model, tokenizer, loop, decoding, prompts, limits, multiple=1, spare=None):
    """The loop's `Progress` before the first new token. The model has read the common length of all prompts.

    Longer prompts are then read token by token, like new tokens. L is a multiple of `multiple`. spare: the capacity of
    the state beyond the common length, for a state that grows; None: L.
    """
    longest = -(-tf.maximum(tf.reduce_max(limits), 1) // multiple) * multiple
    token_ids, sizes = dense(prompts, longest)
    positions = tf.range(longest)[None]
    given = tf.logical_or(positions < sizes[:, None], positions >= limits[:, None])
    known = tf.minimum(tf.reduce_min(sizes), longest) - 1  # all but the last token of the shortest prompt
    capacity = longest if spare is None else tf.minimum(known + spare, longest)
    state = model.start(tf.shape(token_ids)[0], capacity)
    if decoding.penalty_alpha is None:
        state = prefill(model, state, token_ids[:, :known])
    else:
        state = contrastive.prefill_state(model.features, state, token_ids, known + 1, compared(tokenizer, decoding))
    return loop.begin(state, token_ids, given, known)


def prefill(model, state, token_ids):
    """The state after `token_ids` [R, T]; T may be 0."""

    def after():
        new = tf.nest.flatten(model.features(token_ids, state)[1])
        new = [tf.ensure_shape(a, b.shape) for a, b in zip(new, tf.nest.flatten(state), strict=True)]
        return tf.nest.pack_sequence_as(state, new)

    return tf.cond(tf.shape(token_ids)[1] > 0, after, lambda: state)


def sampled(model, tokenizer, decoding, prompts, limits, n=1, row=0, jit_compile=False):
    """`n` texts for each prompt -> (token_ids [B, n, L], lengths [B, n], log-probabilities [B, n]).

    jit_compile: pads the rows to a power of two and the length to a multiple of 16, so that there are few shapes.
    """
    size = n * tf.size(limits)
    order = tf.repeat(tf.range(tf.size(limits)), n)
    prompts, limits = tf.gather(prompts, order), tf.gather(limits, order)
    if jit_compile:
        writing = loop(model, tokenizer, decoding, row * n)
        prompts, limits = filled(prompts, limits, power_of_two(size) - size, tokenizer.end)
        run = tf.function(writing.run, autograph=False, jit_compile=True)
        now = run(begin(model, tokenizer, writing, decoding, prompts, limits, 16))
    elif decoding.penalty_alpha is not None or not hasattr(model, "grow"):
        writing = loop(model, tokenizer, decoding, row * n)
        now = writing.run(begin(model, tokenizer, writing, decoding, prompts, limits))
    else:
        writing = loop(model, tokenizer, decoding, row * n, in_place=True)
        now = begin(model, tokenizer, writing, decoding, prompts, limits, spare=CAPACITY)
        bind = (lambda rows: writing.body) if decoding.temperature is None else None
        now = writing.run(now, None, model.grow, now.position + CAPACITY, True, bind)
    result = now.token_ids[:size], tf.minimum(now.lengths, limits)[:size], numbers(now.scores[:size])
    return tuple(tf.reshape(part, tf.concat([[-1, n], tf.shape(part)[1:]], axis=0)) for part in result)


def beams(model, tokenizer, decoding, prompts, limits, n=1):
    """The `n` best texts for each prompt, one prompt after another: as `sampled`; scores include the length penalty."""
    size = tf.size(limits)
    prompts, limits = filled(prompts, limits, tf.cast(size == 0, tf.int32), tokenizer.end)  # map_fn needs one
    longest = tf.maximum(tf.reduce_max(limits), 1)
    width, active = decoding.beam_width, rules(decoding, tokenizer)
    stepping = Stepping(model, tokenizer.vocab_size, in_place=True)

    def one(inputs):
        token_ids, size, limit = inputs  # [L], [], []
        prompt = token_ids[:size]
        state = prefill(model, model.start(1, longest), prompt[None, :-1])
        state = tf.nest.map_structure(lambda x: tf.repeat(x, width, axis=0), state)

        def step(last, state, position):
            return stepping.step(last, state, position + size - 1)

        def with_prompt(rule):  # beam search has only the last token of the prompt
            def applied(logits, tokens, position):
                before = tf.repeat(prompt[None, :-1], tf.shape(tokens)[0], axis=0)
                return rule(logits, tf.concat([before, tokens], axis=1), position + size - 1)

            return applied

        result = beam_search(
            step, state, prompt[-1:], limit - size, width, decoding.length_penalty, n, tokenizer.end, 0,
            forbidden_ids(tokenizer), rules=tuple(map(with_prompt, active)), in_place=True,
        )  # fmt: skip
        both = tf.concat([tf.repeat(prompt[None], n, axis=0), result.token_ids[0]], axis=1)
        both = tf.pad(both, [[0, 0], [0, longest - limit]])
        return tf.ensure_shape(both, [n, None]), size + result.lengths[0], result.scores[0]

    kinds = (tf.TensorSpec([n, None], tf.int32), tf.TensorSpec([n], tf.int32), tf.TensorSpec([n], tf.float32))
    result = tf.map_fn(one, (*dense(prompts, longest), limits), fn_output_signature=kinds)
    return tuple(part[:size] for part in result)


def dense(prompts, longest):
    """Ragged [R, None] -> token_ids [R, L], sizes [R], both int32."""
    shape = tf.stack([prompts.nrows(out_type=tf.int32), longest])
    return prompts.to_tensor(0, shape=shape), tf.cast(prompts.row_lengths(), tf.int32)


def filled(prompts, limits, rows, end):
    """Append `rows` prompts of one token that are not continued."""
    more = tf.RaggedTensor.from_row_lengths(tf.fill([rows], end), tf.ones([rows], tf.int64))
    return tf.concat([prompts, more], axis=0), tf.concat([limits, tf.ones([rows], tf.int32)], axis=0)


def power_of_two(size):
    """The smallest power of two that is `size` or more; at least 1."""
    power = tf.math.ceil(tf.math.log(tf.cast(tf.maximum(size, 1), tf.float64)) / math.log(2.0) - 1e-9)
    return tf.cast(2.0**power, tf.int32)
