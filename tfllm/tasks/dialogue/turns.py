"""Dialogues as token ids: who speaks, what a reply may look back at. Core operations only.

    START  system: ... END  A: ... END  B: ... END  A:

Each turn is the mark of its speaker, its tokens, END; so is the system line. Marks are text, "A:", that any tokenizer
has tokens for; END is none: nothing that is said can end a turn. The strings are those of data/reading/dialogues.py.

A history is as many of the last turns as have room behind the system line. Only where the very last turn alone is too
long it loses its beginning, and where the system line takes more than half of the room, its end: both are counted.
"""

from typing import NamedTuple

import tensorflow as tf

from tfllm.data.reading.dialogues import SYSTEM
from tfllm.ragged import between, chosen, joined, prefixes, rows_of


class Parsed(NamedTuple):
    """The lines of some dialogues [B], T turns in all, and no blank ones."""

    turns: tf.RaggedTensor  # string [B, None]
    speakers: tf.RaggedTensor  # int32 [B, None], numbers of the speakers
    system: tf.Tensor  # string [B], "" where there is none
    asked: tf.Tensor  # int32 [B]: who is to speak, where the last line is a name and nothing else; or -1


def parsed(texts, speakers):
    """Dialogues, strings [B] -> Parsed. What stands before a tab is a name only if it is that of one of the `speakers`.

    A turn without a name is that of the speaker after the one before it, in their order; the first one begins.
    """
    lines = tf.strings.split(texts, "\n")
    parts = tf.strings.split(lines.flat_values, "\t", maxsplit=1).to_tensor("", shape=[None, 2])
    hits = tf.strings.strip(parts[:, :1]) == tf.constant([*speakers, SYSTEM])
    hits = tf.logical_and(hits, tf.strings.regex_full_match(lines.flat_values, r"(?s).*\t.*")[:, None])  # [N, K + 1]
    first = tf.scatter_nd(lines.row_starts()[:, None], tf.ones_like(lines.row_starts()), [tf.shape(hits, tf.int64)[0]])
    system = tf.logical_and(hits[:, -1], first > 0)
    named = tf.where(tf.reduce_any(hits[:, :-1], axis=1), tf.argmax(hits[:, :-1], axis=1, output_type=tf.int32), -1)
    plain = tf.where(tf.logical_or(named >= 0, system), parts[:, 1], lines.flat_values)
    plain = tf.strings.strip(tf.strings.regex_replace(plain, r"\s+", " "))

    rows = lines.nrows()
    last = lines.row_limits() - 1
    asked = tf.where(tf.gather(plain, last) == "", tf.gather(named, last), -1)
    is_first = tf.gather(system, lines.row_starts())
    told = tf.where(is_first, tf.gather(plain, lines.row_starts()), "")
    kept = tf.logical_and(plain != "", tf.logical_not(system))
    turns, named = (chosen(lines.with_flat_values(part), kept) for part in (plain, named))
    return Parsed(turns, named.with_flat_values(in_order(named, len(speakers))), tf.ensure_shape(told, [None]),
                tf.reshape(asked, [rows]))  # fmt: skip


def in_order(named, count):
    """Numbers of speakers, ragged [B, None], -1 where there is no name -> flat [T], without a gap."""
    flat, place = named.flat_values, tf.range(tf.size(named.flat_values))
    known = tf.cast(flat >= 0, tf.int32)
    places = tf.concat([[-1], tf.cast(tf.where(flat >= 0)[:, 0], tf.int32)], axis=0)
    before = tf.gather(places, tf.cumsum(known))  # the last place with a name, up to here
    start = tf.cast(tf.gather(named.row_starts(), rows_of(named)), tf.int32)
    own = before >= start
    base = tf.where(own, tf.gather(tf.concat([flat, [0]], axis=0), tf.where(own, before, tf.size(flat))), 0)
    return (base + place - tf.where(own, before, start)) % count


class Written(NamedTuple):
    """Dialogues as token ids."""

    token_ids: tf.RaggedTensor  # [T, None]: the turns of all dialogues, each with its mark and END
    splits: tf.Tensor  # int64 [B + 1]: dialogue b has the turns splits[b] .. splits[b + 1] - 1
    speakers: tf.Tensor  # int32 [T]
    marks: tf.Tensor  # int64 [T]: tokens of the mark of each turn
    system: tf.RaggedTensor  # [B, None], with mark and END; empty where there is none
    system_cut: tf.Tensor  # int64 [B]: tokens of the system line that are not in it


class Script:
    """How dialogues are written for one tokenizer.

    speakers  their names, two or more;  length  tokens of a history, the mark of who is to reply included
    first     the id that every history begins with, or None

    ValueError for marks that the tokenizer cannot tell apart, and for a length that no turn fits in.
    """

    def __init__(self, tokenizer, speakers, length, first=None):
        self.tokenizer, self.speakers, self.length, self.first = tokenizer, tuple(speakers), length, first
        with tf.init_scope():  # ids as numbers, in a trace too
            self.marks = tokenizer.encode([f"{name}:" for name in (*speakers, SYSTEM)]).to_list()
        if len({tuple(mark) for mark in self.marks}) < len(self.marks) or not all(self.marks):
            raise ValueError(f"the tokenizer does not tell apart the marks of {', '.join((*speakers, SYSTEM))}: "
                             "give speakers whose names it has tokens for")  # fmt: skip
        longest = max(map(len, self.marks))
        if length < (least := 3 * longest + 7):
            raise ValueError(f"{length} tokens are no room for a history: {least} is the least with these speakers")

    def marked(self, speakers):
        """Numbers of speakers [N] -> the ids of their marks, ragged [N, None]; -1 is the system line's."""
        table = tf.ragged.constant(self.marks, tf.int32, ragged_rank=1)
        return tf.gather(table, tf.where(speakers < 0, len(self.speakers), speakers))

    def write(self, said):
        """Parsed -> Written."""
        speakers, turns = said.speakers.flat_values, said.turns.flat_values
        marks = self.marked(speakers)
        token_ids = self.marked_turns(marks, self.tokenizer.encode(turns))
        system, mark = self.tokenizer.encode(said.system), self.marked(tf.fill(tf.shape(said.system), -1))
        longest = max(map(len, self.marks))
        limit = (self.length - 1 - longest) // 2 - len(self.marks[-1]) - 1
        cut = tf.maximum(system.row_lengths() - limit, 0)
        system = self.marked_turns(mark, system[:, :limit])
        system = prefixes(system, system.row_lengths() * tf.cast(said.system != "", tf.int64))
        return Written(token_ids, said.turns.row_splits, speakers, marks.row_lengths(), system, cut)

    def marked_turns(self, marks, token_ids):
        return joined(marks, token_ids, self.tokenizer.end)

    def histories(self, written, dialogue, turn, speakers):
        """What a reply may look back at, as numbers. All [N], int64.

        dialogue  of the reply;  turn  of the reply, counted through all dialogues;  speakers  who replies

        -> (first: the turn that the history begins with; cut: tokens that this one loses)
        """
        tokens, begin = written.token_ids.row_splits, tf.gather(written.splits, dialogue)
        budget = self.length - tf.cast(self.first is not None, tf.int64) - self.marked(speakers).row_lengths()
        budget -= tf.gather(written.system.row_lengths(), dialogue)
        end = tf.gather(tokens, turn)
        first = tf.searchsorted(tokens, end - budget, out_type=tf.int64)
        first = tf.maximum(tf.minimum(first, turn - 1), begin)
        return first, tf.maximum(end - tf.gather(tokens, first) - budget, 0)

    def history(self, written, dialogue, turn, first, cut):
        """-> token ids, ragged [N, None], up to the mark of who replies; see `histories`."""
        tokens = written.token_ids.row_splits
        start = [] if self.first is None else [self.first]
        padded = tf.concat([written.speakers, [0]], axis=0)  # a history may be empty, at the very end
        mark = self.marked(tf.gather(padded, first))
        mark = prefixes(mark, tf.where(cut > 0, mark.row_lengths(), 0))  # of a turn without its beginning
        begin = tf.gather(tokens, first) + mark.row_lengths() + cut
        turns = between(written.token_ids.flat_values, begin, tf.gather(tokens, turn))
        return joined(*start, tf.gather(written.system, dialogue), mark, turns)


class Replies(NamedTuple):
    """The replies of some dialogues, each [N]."""

    dialogue: tf.Tensor  # int64
    turn: tf.Tensor  # int64, counted through all dialogues
    first: tf.Tensor  # int64: the turn that the history begins with
    cut: tf.Tensor  # int64: tokens that this one loses


def replies(script, written, speaker=None):
    """-> Replies. All turns that are no dialogue's first one; or those of one speaker, a number."""
    number = tf.range(tf.size(written.speakers, tf.int64))
    dialogue = tf.searchsorted(written.splits, number, side="right", out_type=tf.int64) - 1
    chosen = number > tf.gather(written.splits, dialogue)
    if speaker is not None:
        chosen = tf.logical_and(chosen, written.speakers == speaker)
    turn = tf.boolean_mask(number, chosen)
    dialogue = tf.boolean_mask(dialogue, chosen)
    first, cut = script.histories(written, dialogue, turn, tf.gather(written.speakers, turn))
    return Replies(dialogue, turn, first, cut)


def reply_tokens(written, turn, most):
    """The reply without its mark, as tokens of all turns: begin [N], end [N]; at most so many."""
    tokens = written.token_ids.row_splits
    begin = tf.gather(tokens, turn) + tf.gather(written.marks, turn)
    return begin, tf.minimum(tf.gather(tokens, turn + 1), begin + most)


def streams(script, written, found, most):
    """Written, its Replies -> (token_ids, weights), ragged [R, None]: rows in which each reply comes once.

    Every reply stands behind the very history that `history` gives for it; replies whose histories begin with the same
    turn share a row. Weights are 1 for the tokens of the replies, the first `most` of each, and 0 for all else.
    """
    new = tf.concat([tf.ones_like(found.first[:1], tf.bool), found.first[1:] != found.first[:-1]], axis=0)
    row = tf.where(new)[:, 0]  # the first reply of each
    last = tf.concat([row[1:], tf.size(found.turn, tf.int64)[None]], axis=0) - 1
    last = tf.maximum(last, 0)[: tf.size(row)]
    opening = Replies(*(tf.gather(part, row) for part in found))
    before = script.history(written, *opening)
    begin, end = reply_tokens(written, found.turn, most)
    flat = written.token_ids.flat_values
    marked = between(tf.range(tf.size(flat, tf.int64)), begin, end).flat_values
    weights = tf.scatter_nd(marked[:, None], tf.ones_like(marked, tf.float32), tf.shape(flat, tf.int64))
    ends = tf.gather(written.token_ids.row_splits, opening.turn), tf.gather(end, last)
    token_ids = joined(before, between(flat, *ends))
    weights = joined(tf.zeros_like(before, tf.float32), between(weights, *ends))
    return token_ids, weights
