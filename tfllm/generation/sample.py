"""The loop that generates texts token by token, run to its end (`sample`) or in parts (stream.py).

A turn computes the next token: `drawing` calls the step and applies `rules` (rules.py) and `choose` (choices.py);
contrastive.py has another turn. `stops` is a table for stop strings, which tracks how much of one has been matched.
stops.py builds it from the bytes of the stop strings and of all tokens: a stop string may begin and end inside tokens,
each token costs one look-up, and the graph contains no strings. The answer includes the token that completes the match,
possibly with text after the stop string: `before_stops` truncates the joined text, and `settled` tells how much of a
stream can be shown.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import tensorflow as tf

from tfllm.generation.choices import greedy
from tfllm.generation.growing_cache import while_loop
from tfllm.generation.leaving import Leaving, taken
from tfllm.generation.steps import END, PAD, START, advance, among, as_state, ends, numbers, ruled


class Texts(NamedTuple):
    """Prompts with their answers."""

    token_ids: tf.Tensor  # int32 [B, L]: prompt, answer, END, then `pad`
    scores: tf.Tensor  # float32 [B]: the answer's log-probability, with END, by the step's own softmax
    lengths: tf.Tensor  # int32 [B]: tokens of prompt and answer, with END


class Progress(NamedTuple):
    """The loop variables."""

    position: tf.Tensor  # int32 scalar: the last position that is filled in every row
    token_ids: tf.Tensor  # int32 [B, L]
    given: tf.Tensor  # bool [B, L]: positions that are not filled
    scores: tf.Tensor  # float32 [B]
    lengths: tf.Tensor  # int32 [B]
    matched: tf.Tensor  # int32 [B]: the current row of `stops`, or the state of `constraint`
    done: tf.Tensor  # bool [B]: an END token or a stop string was generated
    state: Any


@dataclass(frozen=True)
class Loop:
    """`run(begin(...))` fills position after position by `turn(now) -> (ids [B], log-probabilities [B], state)`.

    A turn returns an id for position `position` + 1 of each row; ids of rows that are done, or still in their prompt,
    are ignored. Its state has the structure, types and shapes of `now.state`. stops, end, pad: see `sample`.
    constraint: the Constraint of the turn (constraint.py), or None; not together with stops.
    """

    turn: Callable
    stops: Any = None
    end: int = END
    pad: int = PAD
    constraint: Any = None

    def begin(self, state, token_ids, padding_mask, position=0):
        given = tf.cast(padding_mask, tf.bool)
        tokens = tf.where(given, tf.cast(token_ids, tf.int32), self.pad)
        positions = tf.range(tf.shape(tokens)[1])
        lengths = tf.reduce_min(tf.where(given, tf.shape(tokens)[1], positions), axis=1)  # [B], of the prompts
        none = tf.zeros_like(lengths)
        return Progress(
            tf.convert_to_tensor(position, tf.int32), tokens, given, tf.cast(none, tf.float32), lengths,
            none, tf.cast(none, tf.bool), state,
        )  # fmt: skip

    def unfinished(self, now):
        """bool scalar: whether a row is open."""
        return tf.reduce_any(self.open(now))

    def body(self, now):
        """One turn, and its result stored. Progress -> Progress."""
        chosen, gained, state = self.turn(now)
        chosen, gained = (tf.ensure_shape(part, now.done.shape) for part in (chosen, gained))  # a turn may not know B
        position = now.position + 1
        free = tf.logical_not(tf.logical_or(tf.gather(now.given, position, axis=1), now.done))
        here = tf.logical_and(tf.range(tf.shape(now.given)[1]) == position, free[:, None])  # [B, L]
        ended, matched = among(chosen, ends(self.end)), now.matched
        if self.stops is not None:
            followed = tf.gather_nd(self.stops, tf.stack([matched, chosen], axis=1))
            ended = tf.logical_or(ended, followed == tf.shape(self.stops)[0] - 1)
            matched = tf.where(free, followed, matched)
        elif self.constraint is not None:
            matched = tf.where(free, self.constraint.follow(matched, chosen), matched)
        return Progress(
            position, tf.where(here, chosen[:, None], now.token_ids), now.given,
            now.scores + tf.where(free, gained, 0.0),
            now.lengths + tf.cast(free, tf.int32), matched, tf.logical_or(now.done, tf.logical_and(free, ended)),
            state,
        )  # fmt: skip

    def open(self, now):
        """bool [B]: whether a row is not done and has a position to fill."""
        ahead = tf.range(tf.shape(now.given)[1]) > now.position
        return tf.reduce_any(ahead & ~(now.given | now.done[:, None]), axis=1)

    def run(self, now, until=None, grow=None, capacity=16, in_place=False, bind=None):
        """Progress -> Progress, when every row is done or full, or when `position` reaches `until`.

        grow, capacity, in_place: see growing_cache.py. bind: optional, (rows of the batch) -> `body` for these; rows
        that have ended then leave, see leaving.py.
        """

        def onward(now):
            more = self.unfinished(now)
            return more if until is None else tf.logical_and(more, now.position < until)

        most = tf.shape(now.given)[1]
        if grow is None or bind is None:
            return while_loop(onward, self.body, now, grow, capacity, most, in_place)
        leaving = Leaving(self.open, results, taken_progress, bind)
        token_ids, scores, lengths = while_loop(onward, None, now, grow, capacity, most, in_place, leaving)
        return now._replace(token_ids=token_ids, scores=scores, lengths=lengths)


def results(now):
    return now.token_ids, now.scores, now.lengths


def taken_progress(now, index):
    return taken(now._replace(position=()), index)._replace(position=now.position)


def drawing(step, choose=greedy, rules=(), forbidden=(PAD, START), constraint=None):
    """A turn: call the step with the last token, apply the rules and the constraint to its logits, and `choose`."""

    def turn(now):
        i, tokens = now.position, now.token_ids
        logits, total, state = advance(step, tf.gather(tokens, i, axis=1)[:, None], now.state, i, forbidden)
        ruling = ruled(rules, logits, tokens, i + 1)
        if constraint is not None:
            free = tf.logical_not(now.given[:, i + 1 :])
            ruling = constraint.allow(ruling, now.matched, tf.reduce_sum(tf.cast(free, tf.int32), axis=1))
        chosen = tf.cast(choose(ruling, i + 1), tf.int32)  # [B]
        return chosen, tf.gather(logits, chosen, batch_dims=1) - total[:, 0], state

    return turn


def sample(
    step, state, token_ids, padding_mask, choose=greedy, end=END, pad=PAD, forbidden=(PAD, START), position=0,
    rules=(), stops=None, grow=None, capacity=16, in_place=False, select=None,
):  # fmt: skip
    """Fill the positions of `token_ids` where `padding_mask` is False, from left to right.

    token_ids int [B, L] and padding_mask bool [B, L] contain the left-aligned prompts; they may differ in length and
    are never overwritten (an END in a prompt does not stop). An encoder-decoder's prompt is START alone; position 0
    must be given. `state` has B rows. `choose(logits [B, V], position)` -> ids [B] gets -inf at the `forbidden` ids.
    `position`: the first position that the step reads; earlier ones are in `state` already (a prefill, which must end
    before the last token of the shortest prompt).
    rules: each `rule(logits [B, V], token_ids [B, L], position)` -> logits, applied in this order before `choose`; the
    tokens before `position` are the text so far, with the prompt.
    end: the id, or several, that ends a text; it is part of the text.
    stops int [S, V], optional: an answer begins in row 0, token v leads from row s to row stops[s, v], and in the last
    row it is finished, with that token, as with END. Prompts do not count.
    grow: optional, see growing_cache.py; `state` then starts with a capacity of min(`capacity`, L), more than
    `position`. in_place: `step` may change the tensors of its state, see in_place.py.
    select: optional, with `grow`: select(rows int32 [b]) -> the step for these rows of the batch. Rows that have ended
    then leave the loop; `choose` and the rules must not depend on the index of a row.

    -> Texts. The loop ends when every row has END, a stop, or is full. Raises an error for NaN logits.
    """
    loop = Loop(drawing(step, choose, rules, forbidden), stops, end, pad)
    token_ids = tf.convert_to_tensor(token_ids)
    state = as_state(state, token_ids.shape[0])

    def bind(rows):
        return replace(loop, turn=drawing(select(rows), choose, rules, forbidden)).body

    now = loop.begin(state, token_ids, padding_mask, position)
    now = loop.run(now, None, grow, capacity, in_place, bind if select else None)
    return numbers(now.scores, Texts(now.token_ids, now.scores, now.lengths))
