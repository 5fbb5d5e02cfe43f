"""Stop strings, which may begin and end inside tokens: tables for the loop, and truncation of a text.

Left out: decoders that do more than join the bytes of the tokens.
"""

import codecs

import numpy as np
import tensorflow as tf


def stop_table(pieces, strings):
    """int32 [S, V], the `stops` of `sample`: the next row for each row and token; the last row: a stop string is
    complete.

    pieces: the bytes of each token id, V in total (b"" for START and other special tokens). strings: str or bytes.
    Row s means that the text ends with a certain prefix of a string, and with no longer one (Aho & Corasick 1975); S is
    one more than the number of different prefixes. Raises ValueError for no string and for an empty one.
    """
    strings = [as_bytes(string) for string in strings]
    if not strings or not all(strings):
        raise ValueError(f"stop must be strings that are not empty, not {strings}.")
    beginnings = sorted({string[:size] for string in strings for size in range(len(string))}, key=len)
    rows, last = {text: row for row, text in enumerate(beginnings)}, len(beginnings)
    after = np.full((last + 1, 256), last, "int32")  # transitions by one byte; the last row leads to itself
    for text, row in rows.items():
        for byte in range(256):
            longer = text + bytes([byte])
            if not any(longer.endswith(string) for string in strings):
                after[row, byte] = next(rows[end] for end in suffixes(longer) if end in rows)
    return token_table(after, pieces)


def token_table(after, pieces):
    """An automaton over bytes, int32 [S, 256], as one over tokens, int32 [S, V]: after[s, b] is the next state."""
    table = np.repeat(np.arange(len(after), dtype="int32")[:, None], len(pieces), axis=1)
    sizes = np.array([len(piece) for piece in pieces])
    for position in range(sizes.max(initial=0)):  # next byte of all tokens
        ids = np.flatnonzero(sizes > position)
        table[:, ids] = after[table[:, ids], [pieces[i][position] for i in ids]]
    return table


def suffixes(text):
    return (text[i:] for i in range(len(text) + 1))


def as_bytes(text):
    return text.encode() if isinstance(text, str) else bytes(text)


def before_stops(texts, strings):
    """Texts string [B], each up to its first stop string. Core operations; consistent with `settled`."""
    sizes = tf.strings.length(texts)
    for string in map(as_bytes, strings):
        first = tf.strings.split(texts, string, maxsplit=1).to_tensor("", shape=[None, 2])[:, 0]
        sizes = tf.minimum(sizes, tf.strings.length(first))
    return tf.strings.substr(texts, tf.zeros_like(sizes), sizes)


def settled(text, strings=(), ended=False):
    """The number of bytes of a growing `text` that can be shown, because later bytes do not change them.

    That is up to the first of the stop `strings`; otherwise without an end that may begin one, and without an
    incomplete character (bytes that are not UTF-8 can be shown, since nothing completes them). If the text has `ended`,
    only a stop string truncates it.
    """
    strings = [as_bytes(string) for string in strings]
    result = [at for at in map(text.find, strings) if at >= 0]
    if result or ended:
        return min(result, default=len(text))
    partial_matches = (size for s in strings for size in range(len(s) - 1, 0, -1) if text.endswith(s[:size]))
    return unbroken(text[: len(text) - max(partial_matches, default=0)])


def readable(texts_so_far, strings=()):
    """Yield a text in chunks as they are `settled`, each a str that is not empty, up to a stop string.

    texts_so_far: yields all bytes of the text so far, again and again. Invalid UTF-8 becomes U+FFFD.
    """
    reader, text, shown = codecs.getincrementaldecoder("utf-8")("replace"), b"", 0
    for text in texts_so_far:
        ready = settled(text, strings)
        if piece := reader.decode(text[shown:ready]):
            yield piece
        shown = ready
        if any(as_bytes(string) in text for string in strings):
            break
    if piece := reader.decode(text[shown : settled(text, strings, ended=True)], final=True):
        yield piece


def unbroken(text):
    """The size of `text` without the bytes of an incomplete last character."""
    for size in range(1, min(3, len(text)) + 1):
        last = text[-size:]
        if last[0] >= 0xC0:  # the first byte of a character of several bytes
            try:
                last.decode()
            except UnicodeDecodeError as error:
                return len(text) - size * (error.reason == "unexpected end of data")
            break
    return len(text)
