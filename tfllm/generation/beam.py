"""Beam search with a separate pool of finished hypotheses. One loop with fixed buffers, compatible with XLA.

Left out: coverage penalty, diverse beams, constraints.
"""

from functools import partial
from typing import NamedTuple

import tensorflow as tf

from tfllm.generation.blockwise import top_k
from tfllm.generation.growing_cache import while_loop
from tfllm.generation.leaving import Leaving, taken
from tfllm.generation.steps import END, PAD, START, advance, as_state, ends, numbers, ruled

DEAD = -float("inf")  # the score of an empty slot


class Beams(NamedTuple):
    """The N best of each sentence, best first. An empty slot has `pad`, score -inf and length 0."""

    token_ids: tf.Tensor  # int32 [B, N, L], without START, with END, then `pad`
    scores: tf.Tensor  # float32 [B, N], log_probs / penalty
    log_probs: tf.Tensor  # float32 [B, N], natural logarithm, with END
    lengths: tf.Tensor  # int32 [B, N], tokens with END


class Search(NamedTuple):
    """The loop variables: W live prefixes and up to N finished hypotheses for each sentence."""

    position: tf.Tensor  # int32 scalar: tokens of each live prefix
    open: tf.Tensor  # bool [B]: whether the sentence can still improve
    live_ids: tf.Tensor  # int32 [B, W, L]
    live: tf.Tensor  # float32 [B, W] log-probabilities, descending
    pool: Beams
    last: tf.Tensor  # int32 [B * W, 1]
    state: object


def penalty(lengths, alpha):
    """((5 + |Y|) / 6) ** alpha; Wu et al. 2016, eq. 14. |Y| counts END, as the paper's decoder does."""
    return ((5.0 + tf.cast(lengths, tf.float32)) / 6.0) ** alpha


def beam_search(
    step, state, start, max_length, width, length_penalty=0.6, n_best=1, end=END, pad=PAD,
    forbidden=(PAD, START), limits=None, rules=(), grow=None, capacity=16,
    in_place=False, select=None,
):  # fmt: skip
    """The `n_best` answers of a beam of `width`, by score: log P(Y) / penalty(|Y|, length_penalty).

    start int [B]: the first input token. `state` has B * width rows; those of one sentence are adjacent.
    max_length: maximum tokens after START, with END; an int, or a scalar that XLA can fold (from static shapes).
    limits int [B], optional: a lower maximum for each sentence.
    length_penalty: alpha of `penalty`, 0 or more, a number or a scalar tensor; 0 ranks by log-probability.
    rules: each `rule(log_probs [R, V], token_ids [R, 1 + max_length], position)` -> log_probs of 0 or less, applied in
    this order; the tokens before `position` are START and the prefix. Their results are used as log-probabilities.
    grow: optional, see growing_cache.py; `state` then starts with a capacity of min(`capacity`, max_length).
    in_place: `step` may change the tensors of its state, see in_place.py.
    select: optional, with `grow`: select(rows int32 [b]) -> the step for these sentences. Those that cannot improve
    then leave the search, see leaving.py.

    Each step ranks all continuations of the live prefixes. Those among the best `width` that end with END are finished:
    they are moved to the pool, which keeps the `n_best` by score. The best `width` without END stay live, so END takes
    no beam. A sentence is closed when its pool is full and no live prefix can beat the worst of it: log-probabilities
    only decrease, so a prefix with log-probability l scores at most l / penalty(limit). Prefixes at the limit without
    END only fill empty slots of the pool. With width=1 and length_penalty=0 this is greedy decoding.

    -> Beams. Raises ValueError for impossible sizes, and an error for NaN logits.
    """
    check(width, n_best, length_penalty, max_length)
    if len(ends(end)) > 1:
        raise ValueError(f"beam search needs one END token, got {end}")
    (end,) = ends(end)
    start = tf.cast(start, tf.int32)
    state = as_state(state, None if start.shape[0] is None else start.shape[0] * width)
    longest = tf.fill(tf.shape(start), max_length)
    limits = longest if limits is None else tf.minimum(tf.cast(limits, tf.int32), longest)

    def unfinished(search):
        return tf.logical_and(search.position < max_length, tf.reduce_any(search.open))

    def bind(rows):
        """The body for these sentences, by their index in the batch; None: all."""
        if rows is None:
            return partial(body, step, start, limits)
        return partial(body, select(rows), tf.gather(start, rows), tf.gather(limits, rows))

    def body(step, start, limits, search):
        batch, farthest = tf.shape(start)[0], penalty(limits, length_penalty)[:, None]  # [B, 1]
        logits, total, state = advance(step, search.last, search.state, search.position, forbidden if rules else ())
        broken = tf.reshape(tf.math.is_nan(total), [-1, width, 1]) & (search.live[..., None] > DEAD)
        if rules:
            prefixes = tf.reshape(search.live_ids, [-1, tf.shape(search.live_ids)[-1]])
            prefixes = tf.concat([tf.repeat(start, width)[:, None], prefixes], axis=1)
            logits, total = ruled(rules, logits - total, prefixes, search.position + 1), 0.0
        before = tf.reshape(search.live, [-1, 1]) - total  # [B * W, 1]
        ended = tf.reshape(logits[:, end : end + 1] + before, [-1, width])  # [B, W]
        ended = tf.fill(tf.shape(ended), DEAD) if end in forbidden else ended
        live, parents, chosen = best_others(logits, before, width, {end, *forbidden})
        live = tf.where(tf.reduce_any(broken, axis=1), float("nan"), live)  # closes the sentence; reported below
        length = search.position + 1
        accepted = among_best(ended, live, width)
        pool = merge(search, tf.where(accepted, ended, DEAD), length, length_penalty, n_best, end)
        live_ids = put(tf.gather(search.live_ids, parents, batch_dims=1), search.position, chosen)
        rows = tf.reshape(parents + width * tf.range(batch)[:, None], [-1])
        state = tf.nest.map_structure(lambda x: tf.ensure_shape(tf.gather(x, rows), x.shape), state)
        new = (live_ids, live, pool)
        live_ids, live, pool = keep_closed(search.open, new, (search.live_ids, search.live, search.pool))
        hopeful = tf.reduce_any(live / farthest > pool.scores[:, -1:], axis=1)
        still = tf.logical_and(search.open, tf.logical_and(hopeful, length < limits))
        return Search(length, still, live_ids, live, pool, tf.reshape(chosen, [-1, 1]), state)

    first = begin(start, limits, max_length, width, n_best, pad, state)
    if select is None or grow is None:
        search = while_loop(unfinished, bind(None), first, grow, capacity, max_length, in_place)
    else:
        leaving = Leaving(lambda search: search.open, results, partial(sentences, width), bind)
        live_ids, live, pool = while_loop(unfinished, None, first, grow, capacity, max_length, in_place, leaving)
        search = first._replace(live_ids=live_ids, live=live, pool=pool)
    result = best(search, limits, length_penalty, pad)
    return numbers(result.scores, result)


def results(search):
    return search.live_ids, search.live, search.pool


def sentences(width, search, index):
    """The search for the sentences at `index`, int32 [b]."""
    rows = tf.reshape(index[:, None] * width + tf.range(width), [-1])
    part = taken((search.open, *results(search)), index)
    last, state = taken((search.last, search.state), rows)
    return Search(search.position, *part, last, state)


def check(width, n_best, alpha, max_length):
    if width < 1 or not 1 <= n_best <= width:
        raise ValueError(f"Need width >= n_best >= 1; got width={width}, n_best={n_best}.")
    if not tf.is_tensor(alpha) and not alpha >= 0:
        raise ValueError(f"length_penalty must be 0 or more, not {alpha}.")
    if isinstance(max_length, int) and max_length < 1:
        raise ValueError(f"max_length must be at least 1, not {max_length}.")


def begin(start, limits, max_length, width, n_best, pad, state):
    """One live prefix per sentence (START alone, log-probability 0) and an empty pool."""
    batch = tf.shape(start)[0]
    live = tf.where(tf.range(width) == 0, 0.0, DEAD) + tf.zeros([batch, 1])
    pool = Beams(
        tf.fill([batch, n_best, max_length], pad),
        tf.fill([batch, n_best], DEAD),
        tf.fill([batch, n_best], DEAD),
        tf.zeros([batch, n_best], tf.int32),
    )
    live_ids = tf.fill([batch, width, max_length], pad)
    last = tf.repeat(start, width)[:, None]
    return Search(tf.constant(0), limits > 0, live_ids, live, pool, last, state)


def best_others(logits, before, width, excluded):
    """The `width` best continuations without the `excluded` ids -> log-probabilities, descending; parents; ids; each
    [B, W].

    Taking as many more candidates as ids are excluded is enough, and avoids a pass over V to mask them.
    """
    k = min(width + len(excluded), logits.shape[-1])
    values, ids = top_k(logits, k)  # [B * W, k]
    hidden = tf.reduce_any(ids[..., None] == tf.constant(sorted(excluded)), axis=-1)
    values = tf.where(hidden, DEAD, values + before)
    values, positions = tf.math.top_k(tf.reshape(values, [-1, width * k]), width)  # [B, W]
    return values, positions // k, tf.gather(tf.reshape(ids, [-1, width * k]), positions, batch_dims=1)


def among_best(ended, live, width):
    """bool [B, W]: which of `ended` rank among the first `width` of ended and live together; END wins ties."""
    everything = tf.concat([ended, live], axis=1)
    worst = tf.math.top_k(everything, width)[0][:, -1:]
    return ended >= worst


def merge(search, ended, length, alpha, n_best, end):
    """The N best of the pool and of `ended` [B, W] (log-probabilities; DEAD: not ended)."""
    ids = put(search.live_ids, search.position, tf.fill(tf.shape(ended), end))
    pool = search.pool
    scores, positions = tf.math.top_k(tf.concat([pool.scores, ended / penalty(length, alpha)], 1), n_best)
    lengths = tf.where(ended > DEAD, length, 0)
    both = ([pool.token_ids, ids], [pool.log_probs, ended], [pool.lengths, lengths])
    ids, log_probs, lengths = (tf.gather(tf.concat(pair, 1), positions, batch_dims=1) for pair in both)
    return Beams(ids, scores, log_probs, lengths)


def put(ids, position, chosen):
    """ids [B, M, L] with `chosen` [B, M] at `position`."""
    return tf.where(tf.range(tf.shape(ids)[2]) == position, chosen[..., None], ids)


def keep_closed(open, new, old):
    """`new` for open sentences, `old` for closed ones; every leaf has B rows first."""

    def pick(a, b):
        mask = tf.reshape(open, [-1] + [1] * (len(b.shape) - 1))
        return tf.ensure_shape(tf.where(mask, a, b), b.shape)

    return tf.nest.map_structure(pick, new, old)


def best(search, limits, alpha, pad):
    """The pool, with its empty slots filled from the live prefixes that reached their limit."""
    n_best = search.pool.scores.shape[1]
    finished = tf.reduce_sum(tf.cast(search.pool.scores > DEAD, tf.int32), axis=1, keepdims=True)  # [B, 1]
    position = tf.range(n_best)[None]
    positions = tf.where(position < finished, position, n_best + position - finished)  # [B, N]
    lengths = limits[:, None] + tf.zeros_like(search.live, tf.int32)
    live = Beams(search.live_ids, search.live / penalty(lengths, alpha), search.live, lengths)
    both = (tf.concat(pair, 1) for pair in zip(search.pool, live, strict=True))
    ids, scores, log_probs, lengths = (tf.gather(x, positions, batch_dims=1) for x in both)
    real = scores > DEAD
    return Beams(tf.where(real[..., None], ids, pad), scores, log_probs, tf.where(real, lengths, 0))
