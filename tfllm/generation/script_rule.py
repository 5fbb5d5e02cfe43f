"""The rule that only characters of some scripts are written, whatever tokens the vocabulary is made of.

A token of whole characters is allowed or not. Tokens of tokenizers that work on bytes may begin and end inside a
character: there the bytes of the allowed characters form an automaton, whose state behind the text so far decides which
tokens may follow. Scripts are those of the Unicode property of this name; digits, punctuation, emoji, spaces and other
characters that belong to no script are always allowed. Left out: characters from U+40000 on, which have no script.
"""

from functools import lru_cache

import numpy as np
import tensorflow as tf

from tfllm.generation.rules import NEVER, so_far
from tfllm.generation.steps import END, ends

LONGEST = 3  # bytes of an incomplete character, so at most as many tokens
CODES = (*range(0xD800), *range(0xE000, 0x40000))


def allowed_scripts(pieces, scripts, end=END):
    """Only characters of the `scripts` are generated, and those that belong to no script; `end` behind any of them.

    pieces: the bytes of each token id; b"" for special tokens. Ids past these, copies of unknown words of a source, are
    never generated. scripts: names of Unicode, such as "Latin", "Han", "Cyrillic", without regard to case. Raises
    ValueError for no script and an unknown name.
    """
    allowed, after, kinds = tables(pieces, canonical(scripts), ends(end))
    past = len(pieces)  # the last of `kinds`, for all ids past the vocabulary

    def rule(logits, tokens, position):
        state = tf.zeros_like(tokens[:, 0])  # [R]
        for back in range(LONGEST, 0, -1) if len(after) > 1 else ():
            ids = tf.minimum(so_far(tokens, position - back)[:, 0], past)
            following = tf.gather_nd(after, tf.stack([state, tf.gather(kinds, ids)], axis=1))
            state = tf.where(position >= back, following, state)
        columns = tf.gather(kinds, np.minimum(np.arange(logits.shape[-1]), past))
        return tf.where(tf.gather(tf.gather(allowed, state), columns, axis=1), logits, NEVER)

    return rule


def canonical(scripts):
    """Names as Unicode writes them, "Old_Italic". Raises ValueError for no name and an unknown one."""
    names = tuple("_".join(part.capitalize() for part in name.strip().replace(" ", "_").split("_")) for name in scripts)
    if not names:
        raise ValueError("allowed_scripts needs the name of a script, such as Latin")
    for name in names:
        try:
            with tf.init_scope():
                tf.strings.regex_full_match("", pattern([name]))
        except tf.errors.InvalidArgumentError:
            raise ValueError(
                f"allowed_scripts has no script {name!r}: use the names of Unicode, such as Latin, Han, Hiragana, "
                "Katakana, Hangul, Cyrillic, Greek, Arabic, Hebrew, Devanagari, Thai"
            ) from None
    return names


def pattern(names):
    return "(?s)[{}]*".format("".join(rf"\p{{{name}}}" for name in ("Common", "Inherited", *names)))


def tables(pieces, names, end):
    """-> (allowed bool [S, C], after int32 [S, C], kinds int32 [V + 1]).

    S states, 0 at the border of two characters; C kinds of tokens, which have the same effect in all states. after: the
    state behind a token, also behind one that is not allowed, which a prompt may have.
    """
    steps = automaton(names) if any(map(broken, pieces)) else None
    size = 1 if steps is None else len(steps)
    allowed, after = np.zeros((size, len(pieces) + 1), bool), np.zeros((size, len(pieces) + 1), np.int32)
    if steps is None:
        allowed[0, :-1] = matches(pieces, names) & np.array(list(map(bool, pieces)))
    for i, piece in enumerate(pieces if steps is not None else ()):
        inside = len(piece) - len(piece.lstrip(CONTINUATION))
        behind = walked(steps, 0, piece[inside:])
        after[:, i] = np.arange(size) if not piece else max(behind, 0)
        for state in range(size if inside else 1):
            if piece and (following := walked(steps, state, piece)) >= 0:
                allowed[state, i], after[state, i] = True, following
    allowed[:, end] = ~allowed.any(axis=1, keepdims=True)  # inside a character only if no token goes on
    allowed[0, end] = True
    _, first, kinds = np.unique(np.concatenate([allowed, after]), axis=1, return_index=True, return_inverse=True)
    return allowed[:, first], after[:, first], kinds.reshape(-1).astype("int32")


CONTINUATION = bytes(range(0x80, 0xC0))  # second and later bytes of a character


def broken(piece):
    """Whether the bytes are not whole characters."""
    try:
        piece.decode()
    except UnicodeDecodeError:
        return True
    return False


def matches(pieces, names):
    """bool [N]: whether all characters are allowed."""
    with tf.init_scope():  # NumPy values, even while tracing
        return tf.strings.regex_full_match(tf.constant(pieces, tf.string), pattern(names)).numpy()


def walked(steps, state, piece):
    """The state behind the bytes; -1: they are not allowed."""
    for byte in piece:
        state = steps[state][byte]
        if state < 0:
            return -1
    return state


@lru_cache(8)
def automaton(names):
    """-> int [S, 256] as lists: the next state for each state and byte; -1: the byte is not allowed."""
    letters = [chr(code).encode() for code in CODES]
    known, rows = {}, [None]

    def state(ending):
        """The number of the state in which these byte strings, sorted, may follow; equal ones are one state."""
        if ending == [b""]:
            return 0
        return numbered(children(ending))

    def children(ending):
        groups = {}
        for text in ending:
            groups.setdefault(text[0], []).append(text[1:])
        return tuple((byte, state(more)) for byte, more in groups.items())

    def numbered(row):
        if row not in known:
            known[row] = len(rows)
            rows.append(dense(row))
        return known[row]

    rows[0] = dense(
        children(sorted(letter for letter, fits in zip(letters, matches(letters, names), strict=True) if fits))
    )
    return rows


def dense(row):
    result = [-1] * 256
    for byte, following in row:
        result[byte] = following
    return result
