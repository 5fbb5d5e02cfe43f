"""Rules constrain the next token: pure functions rule(logits [R, V], token_ids [R, L], position) -> logits [R, V].

`position` is the position to fill; token_ids[:, :position] is the text so far. Prompts are left-aligned, so these are
real tokens in every row, prompt included, as Hugging Face counts them in decoder-only models. A rule ignores the tokens
from `position` on. Rules run as graph operations, without Python code per token.

In Hugging Face's order: repetition_penalty, no_repeat_ngram, bad_words, min_length, max_length, forced_tokens,
suppressed; then temperature, top_k, top_p, min_p, typical_p, which are `sampling`'s (choices.py). Given to beam_search,
rules work on log-probabilities, as there. One more rule, which Hugging Face does not have, is in script_rule.py.
"""

import numpy as np
import tensorflow as tf

from tfllm.generation.steps import END, ends

NEVER = -float("inf")


def repetition_penalty(penalty):
    """Divide positive logits of tokens in the text so far by `penalty`, and multiply negative ones. 1 changes nothing.

    Keskar et al. 2019 (CTRL), sec. 4.1. Differs: negative logits are multiplied, as in Hugging Face, since division
    would raise them. `penalty`: a number or a scalar tensor. Raises ValueError unless it is above 0.
    """
    if not tf.is_tensor(penalty) and not penalty > 0:
        raise ValueError(f"repetition_penalty must be above 0, not {penalty}; 1 changes nothing.")

    def rule(logits, tokens, position):
        repeated = marked(tokens, positions(tokens) < position, logits.shape[-1])
        return tf.where(repeated, tf.where(logits < 0, logits * penalty, logits / penalty), logits)

    return rule


def no_repeat_ngram(size, times=1):
    """No n-gram of `size` tokens occurs more than `times` in a text; overlapping ones count.

    Paulus et al. 2018, sec. 2.5 (there: trigrams, once, in beams). Raises ValueError for a size or a number below 1.
    """
    if size < 1:
        raise ValueError(f"no_repeat_ngram_size must be at least 1, not {size}.")
    if times < 1:
        raise ValueError(f"ngram_times must be at least 1, not {times}.")

    def rule(logits, tokens, position):
        repeats = tf.logical_and(
            positions(tokens) >= size - 1, positions(tokens) < position
        )  # [1, L] the last token of an n-gram
        length = tf.shape(tokens)[1]
        for back in range(1, size):
            before = tf.pad(tokens, [[0, 0], [back, 0]])[:, :length]  # [R, L]: the token `back` places earlier
            repeats = tf.logical_and(repeats, before == so_far(tokens, position - back))
        return tf.where(counted(tokens, repeats, logits.shape[-1]) >= times, NEVER, logits)

    return rule


def bad_words(words, end=END):
    """The token sequences `words` are never completed; a single id is never generated.

    A sequence of `end` alone (an id or several) is ignored, as in Hugging Face: a text must be able to end.
    Raises ValueError for no sequences, an empty one, and (at first use) ids outside the vocabulary.
    """
    words = [list(word) for word in words]
    if not words or not all(words):
        raise ValueError(f"bad_words must be sequences of one token id or more, not {words}.")
    words = [word for word in words if word not in [[i] for i in ends(end)]]
    if not words:
        return lambda logits, tokens, position: logits
    longest = max(map(len, words)) - 1
    begins = np.full((len(words), longest), -1)  # right-aligned; -1: any token
    for row, word in zip(begins, words, strict=True):
        row[longest - len(word) + 1 :] = word[:-1]
    last, sizes = np.array([word[-1] for word in words]), np.array([len(word) for word in words])

    def rule(logits, tokens, position):
        known([i for word in words for i in word], logits.shape[-1])
        fits = tf.logical_and(tf.ones_like(tokens[:, :1], tf.bool), sizes <= position + 1)  # [R, N]
        for i in range(longest):
            recent = so_far(tokens, position - longest + i)  # [R, 1]
            fits = tf.logical_and(fits, tf.logical_or(begins[:, i] < 0, recent == begins[:, i]))
        ids = tf.broadcast_to(tf.constant(last, tf.int32), tf.shape(fits))
        return tf.where(marked(ids, fits, logits.shape[-1]), NEVER, logits)

    return rule


def min_length(least, after=0, end=END):
    """`end` is forbidden until there are `least` tokens from position `after` on: 0, or int [R], the prompt lengths.

    least: a number or a scalar tensor. end: an id or several. Raises ValueError for ids outside the vocabulary.
    """
    end = ends(end)

    def rule(logits, tokens, position):
        known(end, logits.shape[-1])
        early = tf.reshape(position - tf.convert_to_tensor(after) < least, [-1, 1])  # [R or 1, 1]
        return tf.where(tf.logical_and(early, np.isin(np.arange(logits.shape[-1]), end)), NEVER, logits)

    return rule


def max_length(most, after=0, end=END):
    """`end` is forced (its logit is 0, all others are -inf) once there are `most` tokens from position `after` on.

    most: a number or a scalar tensor. after: as in `min_length`. end: one id. Raises ValueError for several ids.
    """
    if len(result := ends(end)) > 1:
        raise ValueError(f"max_length needs one END token, got {list(result)}: choose one of them")
    (end,) = result

    def rule(logits, tokens, position):
        known([end], logits.shape[-1])
        full = tf.reshape(position - tf.convert_to_tensor(after) >= most, [-1, 1])  # [R or 1, 1]
        return tf.where(full, tf.where(tf.range(logits.shape[-1]) == end, 0.0, NEVER), logits)

    return rule


def forced_tokens(ids, after=0):
    """Force tokens at given positions: {position: id}, or a sequence of ids for the positions from 0.

    Positions are counted from `after`: 0, or int [R], the prompt lengths. A forced token has logit 0, all others -inf.
    Raises ValueError for negative positions, and for ids outside the vocabulary.
    """
    pairs = dict(ids) if hasattr(ids, "keys") else dict(enumerate(ids))
    if min(pairs, default=0) < 0:
        raise ValueError(f"forced_tokens needs positions of 0 or more; got {min(pairs)}")
    table = np.full(max(pairs, default=0) + 1, -1, "int32")
    table[list(pairs)] = list(pairs.values())

    def rule(logits, tokens, position):
        known(pairs.values(), logits.shape[-1])
        position = tf.reshape(position - tf.convert_to_tensor(after), [-1, 1])  # [R or 1, 1]
        inside = tf.logical_and(position >= 0, position < len(table))
        wanted = tf.where(inside, tf.gather(table, tf.clip_by_value(position, 0, len(table) - 1)), -1)
        alone = tf.where(tf.range(logits.shape[-1]) == wanted, 0.0, NEVER)  # [R or 1, V]
        return tf.where(wanted >= 0, alone, logits)

    return rule


def suppressed(ids):
    """The `ids` are never generated."""
    ids = np.array(list(ids), "int32")

    def rule(logits, tokens, position):
        known(ids, logits.shape[-1])
        return tf.where(np.isin(np.arange(logits.shape[-1]), ids), NEVER, logits)

    return rule


def of_last_turn(rule, end):
    """`rule`, applied to the tokens after the last `end` of each text only; it does not change the logit of `end`.

    If all turns of a dialogue end with it, that is the current turn. For rules about repetition.
    """
    (end,) = ends(end)

    def applied(logits, tokens, position):
        ended = tf.logical_and(tokens == end, positions(tokens) < position)
        ahead = tf.cumsum(tf.cast(ended, tf.int32), axis=1, reverse=True)  # ends from here on
        changed = rule(logits, tf.where(ahead > 0, end, tokens), position)
        return tf.where(tf.range(logits.shape[-1]) == end, logits, changed)

    return applied


def positions(tokens):
    """[1, L]: 0 .. L - 1."""
    return tf.range(tf.shape(tokens)[1])[None]


def so_far(tokens, position):
    """[R, 1]: the token at `position`; the token at position 0 if `position` is negative."""
    return tf.gather(tokens, tf.maximum(position, 0), axis=1)[:, None]


def marked(ids, where, vocab_size):
    """bool [R, V]: whether the id occurs in `ids` [R, N] where `where` [R or 1, N] is True."""
    return counted(ids, where, vocab_size) > 0


def counted(ids, where, vocab_size):
    """int32 [R, V]: how often the id occurs in `ids` [R, N] where `where` [R or 1, N] is True."""
    rows = tf.range(tf.shape(ids)[0])[:, None] + tf.zeros_like(ids)
    where = tf.logical_and(where, tf.ones_like(ids, tf.bool))
    pairs = tf.stack([rows, tf.where(where, ids, 0)], axis=-1)  # [R, N, 2]
    return tf.scatter_nd(pairs, tf.cast(where, tf.int32), [tf.shape(ids)[0], vocab_size])


def known(ids, vocab_size):
    outside = [int(i) for i in ids if not 0 <= i < vocab_size]
    if outside:
        raise ValueError(f"expected token ids from 0 to {vocab_size - 1}; got {outside}")
