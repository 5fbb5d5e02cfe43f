"""Strings that end a text, though they may begin and end in the middle of tokens. Tables for the loop, cuts for a text.

Leaves out: what a decoder does to a text but to join the bytes of its tokens.
"""

import codecs

import numpy as np
import tensorflow as tf


def stop_table(pieces, strings):
    """int32 [S, V], the `stops` of `sample`: the row to which each token leads from each; the last: has said a stop.

    pieces: the bytes of each token id, V in all (b"" for START and the like). strings: str or bytes.
    Row s means: the end of the text is the beginning of a string, and of none longer (Aho & Corasick 1975); S is one
    more than the number of different beginnings. ValueError for no string and for an empty one.
    """
    strings = [as_bytes(string) for string in strings]
    if not strings or not all(strings):
        raise ValueError(f"stop must be strings that are not empty, not {strings}.")
    beginnings = sorted({string[:size] for string in strings for size in range(len(string))}, key=len)
    rows, last = {text: row for row, text in enumerate(beginnings)}, len(beginnings)
    after = np.full((last + 1, 256), last, "int32")  # by one byte; the last row leads to itself
    for text, row in rows.items():
        for byte in range(256):
            longer = text + bytes([byte])
            if not any(longer.endswith(string) for string in strings):
                after[row, byte] = next(rows[end] for end in suffixes(longer) if end in rows)
    table = np.repeat(np.arange(last + 1, dtype="int32")[:, None], len(pieces), axis=1)
    sizes = np.array([len(piece) for piece in pieces])
    for place in range(sizes.max(initial=0)):  # all tokens take their next byte at once
        ids = np.flatnonzero(sizes > place)
        table[:, ids] = after[table[:, ids], [pieces[i][place] for i in ids]]
    return table


def suffixes(text):
    return (text[i:] for i in range(len(text) + 1))


def as_bytes(text):
    return text.encode() if isinstance(text, str) else bytes(text)


def before_stops(texts, strings):
    """Texts string [B], each up to the first of the stop `strings` in it, by core operations: what `settled` shows."""
    sizes = tf.strings.length(texts)
    for string in map(as_bytes, strings):
        first = tf.strings.split(texts, string, maxsplit=1).to_tensor("", shape=[None, 2])[:, 0]
        sizes = tf.minimum(sizes, tf.strings.length(first))
    return tf.strings.substr(texts, tf.zeros_like(sizes), sizes)


def settled(text, strings=(), ended=False):
    """How many of the bytes of a growing `text` can be shown, for nothing that follows will change them.

    Up to the first of the stop `strings` in it; else short of an end that may be the beginning of one, and of a
    character of which some bytes are to come (bytes that are no UTF-8 can be shown: nothing mends them). Where the
    text has `ended`, only a stop string cuts it.
    """
    strings = [as_bytes(string) for string in strings]
    found = [at for at in map(text.find, strings) if at >= 0]
    if found or ended:
        return min(found, default=len(text))
    begun = (size for s in strings for size in range(len(s) - 1, 0, -1) if text.endswith(s[:size]))
    return unbroken(text[: len(text) - max(begun, default=0)])


def readable(growing, strings=()):
    """Yields a text in pieces, each a str that is not empty, as they are `settled`; up to a stop string.

    growing: the bytes of the text so far, again and again. What is not UTF-8 becomes U+FFFD.
    """
    reader, text, shown = codecs.getincrementaldecoder("utf-8")("replace"), b"", 0
    for text in growing:
        ready = settled(text, strings)
        if piece := reader.decode(text[shown:ready]):
            yield piece
        shown = ready
        if any(as_bytes(string) in text for string in strings):
            break
    if piece := reader.decode(text[shown : settled(text, strings, ended=True)], final=True):
        yield piece


def unbroken(text):
    """The size of `text` without the bytes of a last character that is not whole yet."""
    for size in range(1, min(3, len(text)) + 1):
        last = text[-size:]
        if last[0] >= 0xC0:  # the first byte of several
            try:
                last.decode()
            except UnicodeDecodeError as error:
                return len(text) - size * (error.reason == "unexpected end of data")
            break
    return len(text)
