"""Dialogues as token ids: speakers, turns, and the history of a reply. Core operations only.

    START  system: ... END  A: ... END  B: ... END  A:

Each turn, and the system line, is its speaker's tag, its tokens, and END. Tags are text ("A:") that any tokenizer can
encode. END is a special token, so no text can end a turn. The strings are those of data/reading/dialogues.py.

With the chat template of a pretrained model (chat_template.py) its strings replace START, tags and END; a line
break inside a turn, in a dialogue string U+2028, is one for the model.

A history is the system line and as many of the last whole turns as fit into its length. Only if the very last turn
alone is too long, it loses its beginning; a system line of more than half of the length loses its end. Both are
counted.
"""

from typing import NamedTuple

import tensorflow as tf

from tfllm.data.reading.dialogues import BREAK, SYSTEM
from tfllm.ragged import between, chosen, joined, prefixes, rows_of


class Parsed(NamedTuple):
    """The lines of some dialogues [B], T turns in total, without blank lines."""

    turns: tf.RaggedTensor  # string [B, None]
    speakers: tf.RaggedTensor  # int32 [B, None], numbers of the speakers
    system: tf.Tensor  # string [B], "" if there is none
    next_speaker: tf.Tensor  # int32 [B]: the speaker named in a last line without text; or -1


def parsed(texts, speakers, keep_lines=False):
    """Dialogues, strings [B] -> Parsed. The text before a tab is a name only if it is one of the `speakers`.

    A turn without a name belongs to the next speaker in order; the first turn to the first speaker. White space in a
    turn becomes one space, or with `keep_lines` stays as it is, and U+2028 becomes a line break.
    """
    lines = tf.strings.split(texts, "\n")
    parts = tf.strings.split(lines.flat_values, "\t", maxsplit=1).to_tensor("", shape=[None, 2])
    hits = tf.strings.strip(parts[:, :1]) == tf.constant([*speakers, SYSTEM])
    hits = tf.logical_and(hits, tf.strings.regex_full_match(lines.flat_values, r"(?s).*\t.*")[:, None])  # [N, K + 1]
    first = tf.scatter_nd(lines.row_starts()[:, None], tf.ones_like(lines.row_starts()), [tf.shape(hits, tf.int64)[0]])
    system = tf.logical_and(hits[:, -1], first > 0)
    named = tf.where(tf.reduce_any(hits[:, :-1], axis=1), tf.argmax(hits[:, :-1], axis=1, output_type=tf.int32), -1)
    plain = tf.where(tf.logical_or(named >= 0, system), parts[:, 1], lines.flat_values)
    plain = tf.strings.regex_replace(plain, BREAK, "\n") if keep_lines else tf.strings.regex_replace(plain, r"\s+", " ")
    plain = tf.strings.strip(plain)

    rows = lines.nrows()
    last = lines.row_limits() - 1
    next_speaker = tf.where(tf.gather(plain, last) == "", tf.gather(named, last), -1)
    is_first = tf.gather(system, lines.row_starts())
    system_line = tf.where(is_first, tf.gather(plain, lines.row_starts()), "")
    is_turn = tf.logical_and(plain != "", tf.logical_not(system))
    turns, named = (chosen(lines.with_flat_values(part), is_turn) for part in (plain, named))
    return Parsed(turns, named.with_flat_values(in_order(named, len(speakers))), tf.ensure_shape(system_line, [None]),
                tf.reshape(next_speaker, [rows]))  # fmt: skip


def last_turns(texts, speakers):
    """Dialogues, strings [B] -> the text of the last turn of each, "" without one."""
    return tf.strings.reduce_join(parsed(texts, speakers).turns[:, -1:].to_tensor("", shape=[None, 1]), axis=1)


def in_order(named, count):
    """Numbers of speakers, ragged [B, None], -1 for turns without a name -> flat [T], all known."""
    flat, position = named.flat_values, tf.range(tf.size(named.flat_values))
    known = tf.cast(flat >= 0, tf.int32)
    positions = tf.concat([[-1], tf.cast(tf.where(flat >= 0)[:, 0], tf.int32)], axis=0)
    before = tf.gather(positions, tf.cumsum(known))  # the last named turn so far
    start = tf.cast(tf.gather(named.row_starts(), rows_of(named)), tf.int32)
    own = before >= start
    base = tf.where(own, tf.gather(tf.concat([flat, [0]], axis=0), tf.where(own, before, tf.size(flat))), 0)
    return (base + position - tf.where(own, before, start)) % count


class Written(NamedTuple):
    """Dialogues as token ids."""

    token_ids: tf.RaggedTensor  # [T, None]: the turns of all dialogues, each with its tag and END
    splits: tf.Tensor  # int64 [B + 1]: dialogue b has the turns splits[b] .. splits[b + 1] - 1
    speakers: tf.Tensor  # int32 [T]
    tag_lengths: tf.Tensor  # int64 [T]: tokens of the tag of each turn
    tail_lengths: tf.Tensor  # int64 [T]: tokens behind the END of each turn, 0 without a chat template
    system: tf.RaggedTensor  # [B, None], with tag and END; empty if there is none
    system_cut: tf.Tensor  # int64 [B]: truncated tokens of the system line


class Script:
    """The token layout of dialogues for one tokenizer.

    speakers  their names, two or more;  length  maximum tokens of a history, with the tag of the next speaker
    first     the id that every history begins with, or None
    template  a ChatTemplate that determines the strings around turns instead, or None

    Raises ValueError if the tokenizer encodes two tags alike, for a length that no turn fits into, and for a template
    whose turns of the assistant do not end with END.
    """

    def __init__(self, tokenizer, speakers, length, first=None, template=None):
        self.tokenizer, self.speakers, self.length = tokenizer, tuple(speakers), length
        names, self.default = (*speakers, SYSTEM), None if template is None else template.default
        with tf.init_scope():  # Python ids, even while tracing
            if template is None:
                self.opening = [] if first is None else [first]
                self.tags = tokenizer.encode([f"{name}:" for name in names]).to_list()
                self.ends = [[tokenizer.end]] * len(names)
            else:
                strings = [template.opening, *(of[name] for of in (template.before, template.after) for name in names)]
                self.opening, *ids = tokenizer.encode_special(strings).to_list()
                self.tags, self.ends = ids[: len(names)], ids[len(names) :]
                if any(end[:1] != [tokenizer.end] for end in self.ends[: len(speakers)]):
                    raise ValueError("the chat template must end each turn with the end token of the tokenizer")
        if len({tuple(tag) for tag in self.tags}) < len(self.tags) or not all(self.tags):
            raise ValueError(f"the tokenizer encodes the names {', '.join((*speakers, SYSTEM))} alike: "
            "choose names that it has tokens for")  # fmt: skip
        longest, last = max(map(len, self.tags)), max(map(len, self.ends))
        if length < (least := 3 * longest + 3 * last + 3 + len(self.opening or [0])):
            raise ValueError(f"a history of {length} tokens is too short: the minimum is {least} with these speakers")

    def tags_of(self, speakers):
        """Numbers of speakers [N] -> the ids of their tags, ragged [N, None]; -1 is the system line's."""
        return self.chosen(self.tags, speakers)

    def chosen(self, lists, speakers):
        table = tf.ragged.constant(lists, tf.int32, ragged_rank=1)
        return tf.gather(table, tf.where(speakers < 0, len(self.speakers), speakers))

    def write(self, parsed):
        """Parsed -> Written."""
        speakers, turns = parsed.speakers.flat_values, parsed.turns.flat_values
        tags = self.tags_of(speakers)
        ends = self.chosen(self.ends, speakers)
        token_ids = joined(tags, self.tokenizer.encode(turns), ends)
        line, nobody = parsed.system, tf.fill(tf.shape(parsed.system), -1)
        if self.default is not None:
            line = tf.where(line == "", self.default, line)
        system = self.tokenizer.encode(line)
        longest = max(map(len, self.tags))
        limit = (self.length - 1 - longest) // 2 - len(self.tags[-1]) - len(self.ends[-1])
        cut = tf.maximum(system.row_lengths() - limit, 0)
        system = joined(self.tags_of(nobody), system[:, :limit], self.chosen(self.ends, nobody))
        if self.default is None:
            system = prefixes(system, system.row_lengths() * tf.cast(line != "", tf.int64))
        return Written(
            token_ids, parsed.turns.row_splits, speakers, tags.row_lengths(), ends.row_lengths() - 1, system, cut
        )

    def histories(self, written, dialogue, turn, speakers):
        """Which turns belong to the history of each reply. All tensors are int64 [N].

        dialogue  index of the reply's dialogue;  turn  index of the reply among all turns;  speakers  who replies

        -> (first: index of the first turn of the history; cut: number of tokens that this turn loses)
        """
        tokens, begin = written.token_ids.row_splits, tf.gather(written.splits, dialogue)
        budget = self.length - len(self.opening) - self.tags_of(speakers).row_lengths()
        budget -= tf.gather(written.system.row_lengths(), dialogue)
        end = tf.gather(tokens, turn)
        first = tf.searchsorted(tokens, end - budget, out_type=tf.int64)
        first = tf.maximum(tf.minimum(first, turn - 1), begin)
        return first, tf.maximum(end - tf.gather(tokens, first) - budget, 0)

    def history(self, written, dialogue, turn, first, cut):
        """-> token ids, ragged [N, None], up to the tag of the replying speaker; see `histories`."""
        tokens = written.token_ids.row_splits
        padded = tf.concat([written.speakers, [0]], axis=0)  # the last history may be empty
        tag = self.tags_of(tf.gather(padded, first))
        tag = prefixes(tag, tf.where(cut > 0, tag.row_lengths(), 0))  # the tag of a truncated turn
        begin = tf.gather(tokens, first) + tag.row_lengths() + cut
        turns = between(written.token_ids.flat_values, begin, tf.gather(tokens, turn))
        return joined(*self.opening, tf.gather(written.system, dialogue), tag, turns)


class Replies(NamedTuple):
    """The replies of some dialogues, each [N]."""

    dialogue: tf.Tensor  # int64
    turn: tf.Tensor  # int64, index among the turns of all dialogues
    first: tf.Tensor  # int64: the first turn of the history
    cut: tf.Tensor  # int64: tokens that this turn loses


def replies(script, written, speaker=None):
    """-> Replies: all turns except the first of each dialogue, or only those of one speaker (a number)."""
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
    """The reply without its tag, as positions in the tokens of all turns: begin [N], end [N]; at most `most` tokens."""
    tokens = written.token_ids.row_splits
    begin = tf.gather(tokens, turn) + tf.gather(written.tag_lengths, turn)
    return begin, tf.minimum(tf.gather(tokens, turn + 1) - tf.gather(written.tail_lengths, turn), begin + most)


def streams(script, written, replies, most):
    """Written, its Replies -> (token_ids, weights), ragged [R, None]: rows in which each reply occurs once.

    Every reply follows exactly the history of `history`; replies whose histories begin with the same turn share a row.
    Weights are 1 for the first `most` tokens of each reply, and 0 otherwise.
    """
    new = tf.concat([tf.ones_like(replies.first[:1], tf.bool), replies.first[1:] != replies.first[:-1]], axis=0)
    row = tf.where(new)[:, 0]  # the first reply of each
    last = tf.concat([row[1:], tf.size(replies.turn, tf.int64)[None]], axis=0) - 1
    last = tf.maximum(last, 0)[: tf.size(row)]
    opening = Replies(*(tf.gather(part, row) for part in replies))
    before = script.history(written, *opening)
    begin, end = reply_tokens(written, replies.turn, most)
    flat = written.token_ids.flat_values
    learned = between(tf.range(tf.size(flat, tf.int64)), begin, end).flat_values
    weights = tf.scatter_nd(learned[:, None], tf.ones_like(learned, tf.float32), tf.shape(flat, tf.int64))
    ends = tf.gather(written.token_ids.row_splits, opening.turn), tf.gather(end, last)
    token_ids = joined(before, between(flat, *ends))
    weights = joined(tf.zeros_like(before, tf.float32), between(weights, *ends))
    return token_ids, weights
