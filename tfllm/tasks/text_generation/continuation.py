"""Prompts -> continuations, both as token ids: how much room there is, the prefill, and the loop or the beams.

A function of tensors, so that Python, a compiled graph and a SavedModel do the same.
"""

import math

import tensorflow as tf

from tfllm.generation import Loop, beam_search, contrasting, contrastive, drawing, numbers, stop_table
from tfllm.ragged import between
from tfllm.tasks.text_generation.decoding import chooser, rules
from tfllm.tasks.vocabularies import Sayable
from tfllm.text import Tokenizer


def truncate_prompts(prompts, most, max_length, max_new_tokens=None):
    """Prompts, ragged [B, None] -> (the same, truncated on the left where they must be; limits, cut, short: int32 [B]).

    limits: tokens of each prompt with its continuation: `max_length`, or `max_new_tokens` more than the prompt has; and
    at most what the model can take, `most` (None: any number). A prompt that leaves no room for as many new tokens
    loses its beginning, `cut` tokens, but never keeps less than half of what the model can take; then there are `short`
    tokens fewer than were asked for.
    """
    sizes = tf.cast(prompts.row_lengths(), tf.int32)  # [B]
    wanted = tf.maximum(max_length - sizes, 0) if max_new_tokens is None else tf.fill(tf.shape(sizes), max_new_tokens)
    if most is None:
        return prompts, sizes + wanted, tf.zeros_like(sizes), tf.zeros_like(sizes)
    kept = tf.minimum(sizes, tf.maximum(most - wanted, (most + 1) // 2))
    ends = tf.cast(prompts.row_limits(), tf.int32)
    limits = tf.minimum(kept + wanted, most)
    return between(prompts.flat_values, ends - kept, ends), limits, sizes - kept, kept + wanted - limits


def loop(model, tokenizer, decoding, row=0):
    """The `Loop` of greedy decoding, sampling or contrastive search. row: see `chooser`."""
    limits = rules(decoding, tokenizer), unsayable(tokenizer)
    model = Sayable(model, tokenizer.vocab_size)
    if decoding.penalty_alpha is None:
        turn = drawing(model.step, chooser(decoding, row), *limits)
    else:
        k = compared(tokenizer, decoding)
        turn = contrasting(model.features, model.logits, k, decoding.penalty_alpha, *limits)
    return Loop(turn, stops(decoding, tokenizer), tokenizer.end, pad=0)


def compared(tokenizer, decoding):
    """Candidates of a contrastive search: as many as the decoding says, or as there are tokens."""
    return min(decoding.top_k, tokenizer.vocab_size)


def unsayable(tokenizer):
    """Ids that stand for no text and do not end one."""
    return tuple(i for i in (tokenizer.pad, tokenizer.unknown, tokenizer.start) if i is not None)


def stops(decoding, tokenizer):
    """The loop's table of stop strings; None where there are none, or where pieces do not simply follow on.

    Without it nothing else is said: the text is cut all the same, but later.
    """
    said = pieces(tokenizer) if decoding.stops else None
    return None if said is None else stop_table(said, decoding.stops)


def pieces(tokenizer):
    """The bytes that each id adds to a text, as a list; None where that depends on the ids beside it."""
    if type(tokenizer)._join is not Tokenizer._join:
        return None
    silent = {*unsayable(tokenizer), tokenizer.end}
    with tf.init_scope():
        return [b"" if i in silent else piece for i, piece in enumerate(tokenizer.tokens)]


def begin(model, tokenizer, loop, decoding, prompts, limits, multiple=1):
    """The loop's `Progress` before the first new token. The model has read what all prompts have places for.

    What is longer in some rows is shown to it token by token, as new tokens are. L is a multiple of `multiple`.
    """
    longest = -(-tf.maximum(tf.reduce_max(limits), 1) // multiple) * multiple
    token_ids, sizes = dense(prompts, longest)
    places = tf.range(longest)[None]
    given = tf.logical_or(places < sizes[:, None], places >= limits[:, None])
    known = tf.minimum(tf.reduce_min(sizes), longest) - 1  # all but the last token of the shortest prompt
    state = model.start(tf.shape(token_ids)[0], longest)
    if decoding.penalty_alpha is None:
        state = read(model, state, token_ids[:, :known])
    else:
        state = contrastive.read(model.features, state, token_ids, known + 1, compared(tokenizer, decoding))
    return loop.begin(state, token_ids, given, known)


def read(model, state, token_ids):
    """The state after `token_ids` [R, T]; T may be 0."""

    def after():
        new = tf.nest.flatten(model.features(token_ids, state)[1])
        new = [tf.ensure_shape(a, b.shape) for a, b in zip(new, tf.nest.flatten(state), strict=True)]
        return tf.nest.pack_sequence_as(state, new)

    return tf.cond(tf.shape(token_ids)[1] > 0, after, lambda: state)


def sampled(model, tokenizer, decoding, prompts, limits, n=1, row=0, jit_compile=False):
    """`n` texts for each prompt -> (token_ids [B, n, L], lengths [B, n], log-probabilities [B, n]).

    jit_compile: as many rows as the next power of two has, and a multiple of 16 places, so that shapes are few.
    """
    size = n * tf.size(limits)
    order = tf.repeat(tf.range(tf.size(limits)), n)
    prompts, limits = tf.gather(prompts, order), tf.gather(limits, order)
    writing = loop(model, tokenizer, decoding, row * n)
    run = writing.run
    if jit_compile:
        prompts, limits = filled(prompts, limits, power_of_two(size) - size, tokenizer.end)
        run = tf.function(run, autograph=False, jit_compile=True)
    now = run(begin(model, tokenizer, writing, decoding, prompts, limits, 16 if jit_compile else 1))
    found = now.token_ids[:size], tf.minimum(now.lengths, limits)[:size], numbers(now.scores[:size])
    return tuple(tf.reshape(part, tf.concat([[-1, n], tf.shape(part)[1:]], axis=0)) for part in found)


def beams(model, tokenizer, decoding, prompts, limits, n=1):
    """The `n` best texts for each prompt, one prompt after the other: as `sampled`; scores by the length penalty."""
    size = tf.size(limits)
    prompts, limits = filled(prompts, limits, tf.cast(size == 0, tf.int32), tokenizer.end)  # map_fn needs one
    longest = tf.maximum(tf.reduce_max(limits), 1)
    width, said = decoding.beam_width, rules(decoding, tokenizer)

    def one(inputs):
        token_ids, size, limit = inputs  # [L], [], []
        prompt = token_ids[:size]
        state = read(model, model.start(1, longest), prompt[None, :-1])
        state = tf.nest.map_structure(lambda x: tf.repeat(x, width, axis=0), state)

        def step(last, state, position):
            return Sayable(model, tokenizer.vocab_size).step(last, state, position + size - 1)

        def behind(rule):  # beam search knows the last token of the prompt only
            def applied(logits, tokens, position):
                before = tf.repeat(prompt[None, :-1], tf.shape(tokens)[0], axis=0)
                return rule(logits, tf.concat([before, tokens], axis=1), position + size - 1)

            return applied

        found = beam_search(
            step, state, prompt[-1:], limit - size, width, decoding.length_penalty, n, tokenizer.end, 0,
            unsayable(tokenizer), rules=tuple(map(behind, said)),
        )  # fmt: skip
        both = tf.concat([tf.repeat(prompt[None], n, axis=0), found.token_ids[0]], axis=1)
        both = tf.pad(both, [[0, 0], [0, longest - limit]])
        return tf.ensure_shape(both, [n, None]), size + found.lengths[0], found.scores[0]

    kinds = (tf.TensorSpec([n, None], tf.int32), tf.TensorSpec([n], tf.int32), tf.TensorSpec([n], tf.float32))
    found = tf.map_fn(one, (*dense(prompts, longest), limits), fn_output_signature=kinds)
    return tuple(part[:size] for part in found)


def dense(prompts, longest):
    """Ragged [R, None] -> token_ids [R, L], sizes [R], both int32."""
    shape = tf.stack([prompts.nrows(out_type=tf.int32), longest])
    return prompts.to_tensor(0, shape=shape), tf.cast(prompts.row_lengths(), tf.int32)


def filled(prompts, limits, rows, end):
    """With so many rows more, prompts of one token that are not continued."""
    more = tf.RaggedTensor.from_row_lengths(tf.fill([rows], end), tf.ones([rows], tf.int64))
    return tf.concat([prompts, more], axis=0), tf.concat([limits, tf.ones([rows], tf.int32)], axis=0)


def power_of_two(size):
    """The least that is not below `size`, 1 at least."""
    power = tf.math.ceil(tf.math.log(tf.cast(tf.maximum(size, 1), tf.float64)) / math.log(2.0) - 1e-9)
    return tf.cast(2.0**power, tf.int32)
