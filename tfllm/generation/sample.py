"""The one loop of greedy decoding and sampling. How a token is chosen is `choose`'s affair (choices.py)."""

import tensorflow as tf

from tfllm.generation.choices import greedy
from tfllm.generation.steps import END, PAD, START, advance, as_state


def sample(
    step, state, token_ids, padding_mask, choose=greedy, end=END, pad=PAD, forbidden=(PAD, START), position=0
):
    """Fill the places of `token_ids` whose `padding_mask` is False, from left to right.

    token_ids int [B, L] and padding_mask bool [B, L] hold the prompts, left-aligned; they may differ in
    length and are never overwritten (an END in a prompt stops nothing). An encoder-decoder's prompt is START
    alone; place 0 must be given. `state` has B rows. `choose(logits [B, V], place)` -> ids [B] sees -inf at
    the `forbidden` ids. `position`: the first place shown to the step; what stands before is in `state`
    already (a prefill, which must end before the last token of the shortest prompt).

    -> token_ids int32 [B, L]: prompt, answer, END, then `pad` only; and float32 [B]: the log-probability of
    each answer, END included, by the step's own softmax. The loop ends when every row has END or is full.
    """
    padding_mask = tf.cast(padding_mask, tf.bool)
    tokens = tf.where(padding_mask, tf.cast(token_ids, tf.int32), pad)
    state = as_state(state, tokens.shape[0])
    places = tf.range(tf.shape(tokens)[1])
    final = tf.reduce_max(tf.where(padding_mask, 0, places), axis=1)  # [B], the last place to fill

    def unfinished(i, tokens, scores, done, state):
        return tf.reduce_any(tf.logical_and(i < final, tf.logical_not(done)))

    def body(i, tokens, scores, done, state):
        logits, total, state = advance(step, tf.gather(tokens, i, axis=1)[:, None], state, i, forbidden)
        chosen = tf.cast(choose(logits, i + 1), tf.int32)  # [B]
        free = tf.logical_not(tf.logical_or(tf.gather(padding_mask, i + 1, axis=1), done))
        gained = tf.gather(logits, chosen, batch_dims=1) - total[:, 0]
        scores += tf.where(free, gained, 0.0)
        here = tf.logical_and(places == i + 1, free[:, None])  # [B, L]
        tokens = tf.where(here, chosen[:, None], tokens)
        done = tf.logical_or(done, tf.logical_and(free, chosen == end))
        return i + 1, tokens, scores, done, state

    start, none = tf.convert_to_tensor(position, tf.int32), tf.zeros_like(final)
    first = (start, tokens, tf.cast(none, tf.float32), tf.cast(none, tf.bool), state)
    _, tokens, scores, _, _ = tf.while_loop(unfinished, body, first)
    return tokens, scores
