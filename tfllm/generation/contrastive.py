"""Contrastive search: among the most probable tokens, the one least similar to the text so far. Su et al. 2022.

    x_t = argmax over v in V(k) of (1 - alpha) p(v | x_<t) - alpha max_{j < t} s(h_v, h_j)              (eq. 5)

V(k) are the k most probable ids, h the features below the logits, s their cosine; h_v needs one model step with v.
Differs: p is the softmax after `rules` and `forbidden`, as in Hugging Face; excluded ids are no candidates.
"""

from numbers import Integral, Real

import tensorflow as tf

from tfllm.generation.sample import Loop, Texts
from tfllm.generation.steps import END, PAD, START, as_state, like, measured, numbers, ruled


def contrastive_search(
    features, logits, state, token_ids, padding_mask, k=4, alpha=0.6, end=END, pad=PAD, forbidden=(PAD, START),
    prefill=1, rules=(), stops=None,
):  # fmt: skip
    """As `sample`, but each token is chosen by eq. 5. Other arguments, and the resulting Texts, are those of `sample`.

    features(token_ids [R, T], state, position) -> (x [R, T, D], state) and logits(x [R, T, D]) -> [R, T, V] are those
    of a causal model; `state`, of empty texts, has B rows. k: number of candidates, at most V; alpha: weight of the
    similarity, 0 (greedy) to 1, a number or a scalar tensor. prefill: number of positions that are read at once, at
    most the length of the shortest prompt. Raises ValueError for invalid numbers.
    """
    check_contrastive(k, alpha)
    token_ids = tf.convert_to_tensor(token_ids)
    loop = Loop(contrasting(features, logits, k, alpha, rules, forbidden), stops, end, pad)
    state = prefill_state(features, as_state(state, token_ids.shape[0]), token_ids, prefill, k)
    now = loop.run(loop.begin(state, token_ids, padding_mask, prefill - 1))
    return numbers(now.scores, Texts(now.token_ids, now.scores, now.lengths))


def check_contrastive(k, alpha):
    """Raise ValueError for invalid numbers; a tensor alpha is not checked."""
    share = tf.is_tensor(alpha) or isinstance(alpha, Real) and 0 <= alpha <= 1
    if not share or not isinstance(k, Integral) or k < 1:
        raise ValueError(f"contrastive search needs top_k of 1 or more and an alpha from 0 to 1; got {k!r}, {alpha!r}")


def prefill_state(features, state, token_ids, size, k):
    """Read the first `size` positions -> the state of the turns of `contrasting`:

    the model's state with k rows for each text; directions [B, L, D], the features of each read position, scaled to
    length 1; and the features of the last position [B, D].
    """
    x, state = features(token_ids[:, :size], state, 0)
    state = tf.nest.map_structure(lambda leaf: tf.repeat(leaf, k, axis=0), state)
    directions = tf.pad(direction(x), [[0, 0], [0, tf.shape(token_ids)[1] - size], [0, 0]])
    directions = tf.ensure_shape(directions, [token_ids.shape[0], token_ids.shape[1], x.shape[-1]])
    return state, directions, x[:, -1]


def contrasting(features, logits, k, alpha, rules=(), forbidden=(PAD, START)):
    """A turn for the Loop: eq. 5 at one position. Within a prompt, its next token is the only candidate."""

    alpha = tf.cast(alpha, tf.float32)

    def turn(now):
        state, directions, x = now.state
        position = now.position + 1
        scores, total = measured(logits(x[:, None])[:, 0], forbidden)  # [B, V], [B, 1]
        allowed = ruled(rules, scores, now.token_ids, position)
        missing = max(k - allowed.shape[-1], 0)  # padding candidates have probability 0
        values, ids = tf.math.top_k(tf.nn.softmax(allowed), k - missing)
        values, ids = (tf.pad(part, [[0, 0], [0, missing]]) for part in (values, ids))  # [B, k]
        given = tf.gather(now.given, position, axis=1)[:, None]
        ids = tf.where(given, tf.gather(now.token_ids, position, axis=1)[:, None], ids)
        h, after = features(tf.reshape(ids, [-1, 1]), state, position)  # [B * k, 1, D]
        h = tf.reshape(h, [-1, k, h.shape[-1]])
        alike = tf.einsum("bkd,bld->bkl", direction(h), directions)
        before = tf.range(tf.shape(directions)[1]) < position
        alike = tf.reduce_max(tf.where(before, alike, -1.0), axis=-1)  # [B, k]
        worth = tf.where(values > 0, (1 - alpha) * values - alpha * alike, -float("inf"))
        best = tf.argmax(worth, axis=-1, output_type=tf.int32)  # [B]
        chosen, x = tf.gather(ids, best, batch_dims=1), tf.gather(h, best, batch_dims=1)
        rows = tf.repeat(best + k * tf.range(tf.shape(best)[0]), k)
        after = tf.nest.map_structure(lambda leaf: tf.gather(leaf, rows), after)
        here = (tf.range(tf.shape(directions)[1]) == position)[:, None]  # [L, 1]
        directions = tf.where(here, direction(x)[:, None], directions)
        gained = tf.gather(scores, chosen, batch_dims=1) - total[:, 0]
        return chosen, gained, like(now.state, (after, directions, x))

    return turn


def direction(x):
    """x / |x| along the last axis, in float32."""
    x = tf.cast(x, tf.float32)
    return x / tf.maximum(tf.norm(x, axis=-1, keepdims=True), 1e-9)
