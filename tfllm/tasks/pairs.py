"""One text, or two, as one row of tokens for an encoder. Devlin et al. 2019, sec. 3 and fig. 2."""

import tensorflow as tf


def packed(a, b=None, *, start, end, length=None):
    """-> (token_ids, segment_ids), ragged int32 [B, None]: START a END, or START a END b END, at most `length` tokens.

    a, b        ragged token_ids [B, None]
    start, end  the ids of [CLS] and [SEP]; None for either: it is left out
    length      None: no limit. What is too long loses its last tokens; of a pair always the longer text, b where they
                are equally long, until both fit (`_truncate_seq_pair` of the paper's code)

    segment_ids are 0 to the END of a, and 1 after it. Core operations only. Raises ValueError for a length that has no
    room for START and END.
    """
    texts, marks = [part for part in (a, b) if part is not None], marks_around(b, start, end)
    if length is not None and length < marks:
        raise ValueError(f"length must be {marks} or more, for the marks around the text; got {length}")
    if length is not None:
        sizes = kept(*(part.row_lengths() for part in texts), room=length - marks)
        texts = [spans(part, part.row_starts(), size) for part, size in zip(texts, sizes, strict=True)]
    rows = a.nrows()
    parts = [] if start is None else [(filled(rows, start), 0)]
    for segment, part in enumerate(texts):
        parts.append((tf.cast(part, tf.int32), segment))
        if end is not None:
            parts.append((filled(rows, end), segment))
    token_ids = tf.concat([part for part, _ in parts], axis=1)
    if b is None:
        return token_ids, tf.zeros_like(token_ids)
    return token_ids, tf.concat([part * 0 + segment for part, segment in parts], axis=1)


def marks_around(pair, start, end):
    """The number of marks that `packed` adds."""
    return (start is not None) + (end is not None) * (1 if pair is None else 2)


def kept(a, b=None, *, room):
    """Numbers of tokens [B] of each text -> how many of them stay, so that both together have `room`: [a] or [a, b]."""
    if b is None:
        return [tf.minimum(a, room)]
    first = tf.minimum(a, tf.maximum(room - b, (room + 1) // 2))
    return [first, tf.minimum(b, room - first)]


def spans(ragged, begin, sizes):
    """Of the flat values those from `begin` [W] on, `sizes` [W] many: ragged [W, None]."""
    places = tf.ragged.range(begin, begin + sizes)
    return places.with_flat_values(tf.gather(ragged.flat_values, places.flat_values))


def filled(rows, token):
    """Ragged [rows, 1] of one token."""
    return tf.RaggedTensor.from_tensor(tf.fill([rows, 1], token))
