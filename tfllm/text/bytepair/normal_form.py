"""Unicode's normal form C in core operations: characters and their marks become one character where there is one.

Unicode Standard Annex 15, and chapter 3.11 (D108 to D117) and 3.12 (Hangul) of the standard: canonical decomposition,
canonical order of marks, canonical composition. The tables are those of Python's `unicodedata`, without what Unicode 10
and later versions added, as in Hugging Face's `tokenizers`: a text must always give the same ids. Texts that are in
normal form already, as almost all are, cost one look-up.
"""

import functools
import sys
import unicodedata

import numpy as np
import tensorflow as tf

from tfllm.text.code_points import HIGHEST, points

L, V, T, S = (
    0x1100,
    0x1161,
    0x11A7,
    0xAC00,
)  # first of Hangul's leading consonants, vowels, (before) trailing, syllables
VS, TS, SYLLABLES = 21, 28, 11172  # numbers of vowels, of trailing consonants with none, of syllables
BASE = HIGHEST

# Marks of Unicode 10 to 16, which are not reordered, and characters of these versions, which are not divided.
NEWER = """
7FD 897-89F 8CA-8D3 9FE C3C D3B-D3C EBA ECE 1715 1ABF-1ADD 1AE0-1AEB 1DF6-1DFA A82C 10D24-10D27 10D69-10D6D 10EAB-10EAC
10EFA-10EFF 10F46-10F50 10F82-10F85 11070 1133B 113CE-113D0 1145E 1182B 11839-1183A 1193D-1193E 11943 119E0 11A34 11A47
11A99 11D42 11D44-11D45 11D97 11F41-11F42 1612F 16FF0-16FF1 1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF 1E5EE-1E5EF
11938 105C9 105E4 11383 11385 1138E 11391 113C5 113C7-113C8 16121-16128 16D68-16D6A
"""


class NormalFormC:
    """string [B] -> string [B]. In a text that may change, bytes that are not UTF-8 become U+FFFD."""

    def __init__(self):
        parts, classes, pairs, maybe = _tables()
        self.decomposed = tf.constant([*sorted(parts), BASE], tf.int32)
        self.parts = tf.ragged.constant([*(parts[key] for key in sorted(parts)), [0]], tf.int32)
        self.marks = tf.constant([*sorted(classes), BASE], tf.int32)
        self.classes = tf.constant([*(classes[key] for key in sorted(classes)), 0], tf.int32)
        self.pairs = tf.constant([*sorted(pairs), BASE * BASE], tf.int64)
        self.composed = tf.constant([*(pairs[key] for key in sorted(pairs)), 0], tf.int32)
        self.maybe = tf.constant(maybe, tf.int32)  # borders: at odd places begin code points that may change

    def __call__(self, texts):
        points = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")
        changing = tf.searchsorted(self.maybe, points.flat_values, side="right") % 2 == 1
        return tf.cond(
            tf.reduce_any(changing),
            lambda: self._changed(texts, points, points.with_flat_values(changing)),
            lambda: tf.identity(texts),
        )

    def _changed(self, texts, points, changing):
        rows = tf.cast(points.value_rowids(), tf.int32)
        flat, rows = self._decompose(points.flat_values, rows)
        flat, rows = self._compose(*self._ordered(flat, rows))
        new = tf.RaggedTensor.from_value_rowids(flat, tf.cast(rows, tf.int64), points.nrows(), validate=False)
        return tf.where(tf.reduce_any(changing, axis=1), tf.strings.unicode_encode(new, "UTF-8"), texts)

    def _decompose(self, points, rows):
        """Points [N] and their texts [N] -> the same, decomposed."""
        at = tf.searchsorted(self.decomposed, points)
        known = tf.gather(self.decomposed, at) == points
        syllable = points - S
        hangul = (syllable >= 0) & (syllable < SYLLABLES)
        tail = syllable % TS
        count = tf.where(known, tf.cast(tf.gather(self.parts.row_lengths(), at), tf.int32), 1)
        count = tf.where(hangul, 2 + tf.cast(tail > 0, tf.int32), count)
        source = tf.repeat(tf.range(tf.size(points)), count)
        step = tf.range(tf.size(source)) - tf.gather(tf.cumsum(count) - count, source)
        begin = tf.cast(tf.gather(self.parts.row_starts(), tf.gather(at, source)), tf.int32)
        known, hangul, syllable = (tf.gather(part, source) for part in (known, hangul, syllable))
        part = tf.gather(self.parts.flat_values, tf.where(known, begin + step, 0))
        jamo = tf.where(step == 0, L + syllable // (VS * TS), V + syllable % (VS * TS) // TS)
        jamo = tf.where(step == 2, T + syllable % TS, jamo)
        return tf.where(hangul, jamo, tf.where(known, part, tf.gather(points, source))), tf.gather(rows, source)

    def _ordered(self, points, rows):
        """Marks between two starters in the order of their combining classes -> points, rows, classes."""
        at = tf.searchsorted(self.marks, points)
        kind = tf.where(tf.gather(self.marks, at) == points, tf.gather(self.classes, at), 0)
        begins = (kind == 0) | tf.concat([[True], rows[1:] != rows[:-1]], 0)[: tf.size(rows)]
        order = tf.argsort(tf.cumsum(tf.cast(begins, tf.int32)) * 256 + kind, stable=True)
        return tf.gather(points, order), rows, tf.gather(kind, order)

    def _compose(self, points, rows, kind):
        """Each turn composes, behind each starter, the first character that can be; `over`: it is passed already."""

        def turn(points, rows, kind, over, again):
            index = tf.range(tf.size(points))
            starter = _last(kind == 0)
            inside = (starter >= 0) & (tf.gather(rows, tf.maximum(starter, 0)) == rows)
            first, before = tf.gather(points, tf.maximum(starter, 0)), tf.concat([[0], kind[:-1]], 0)
            free = (starter == index - 1) | (before < kind)
            result = self._pair(first, points)
            can = inside & free & ~over & (result >= 0)
            least = tf.math.unsorted_segment_min(
                tf.where(can, index, tf.size(points)), tf.maximum(starter, 0), tf.size(points)
            )
            merged = can & (index == tf.gather(least, tf.maximum(starter, 0)))
            merged &= ~tf.gather(merged, tf.maximum(starter, 0))  # its starter is composed with the one before
            where = tf.where(merged)
            targets = tf.gather(starter, where[:, 0])
            points = tf.tensor_scatter_nd_update(points, targets[:, None], tf.gather(result, where[:, 0]))
            end = tf.tensor_scatter_nd_max(tf.zeros_like(index), targets[:, None], tf.cast(where[:, 0], tf.int32))
            over |= inside & (index < tf.gather(end, tf.maximum(starter, 0)))
            kept = tf.where(~merged)[:, 0]
            return *(tf.gather(part, kept) for part in (points, rows, kind, over)), tf.size(where) > 0

        start = points, rows, kind, tf.zeros_like(points, tf.bool), tf.constant(True)
        shapes = *(tf.TensorShape([None]),) * 4, tf.TensorShape([])
        return tf.while_loop(lambda *state: state[-1], turn, start, shapes)[:2]

    def _pair(self, first, second):
        """Code points [N] and [N] -> what they compose to, -1 if nothing."""
        key = tf.cast(first, tf.int64) * BASE + tf.cast(second, tf.int64)
        at = tf.searchsorted(self.pairs, key)
        result = tf.where(tf.gather(self.pairs, at) == key, tf.gather(self.composed, at), -1)
        lead, vowel, tail, syllable = first - L, second - V, second - T, first - S
        both = (lead >= 0) & (lead < 19) & (vowel >= 0) & (vowel < VS)
        result = tf.where(both, S + (lead * VS + vowel) * TS, result)
        both = (syllable >= 0) & (syllable < SYLLABLES) & (syllable % TS == 0) & (tail > 0) & (tail < TS)
        return tf.where(both, first + tail, result)


def _last(flags):
    """int32 [N]: the last position before each one whose flag is set, or -1."""
    position = tf.cast(tf.where(flags)[:, 0], tf.int32)
    count = tf.cumsum(tf.cast(flags, tf.int32), exclusive=True)
    return tf.gather(tf.concat([[-1], position], 0), count)


@functools.cache
def _tables():
    """-> {code point: its decomposition}, {mark: combining class}, {pair: composition}, borders of what may change.

    Hangul is not in the first three.
    """
    parts, classes, pairs, maybe = {}, {}, {}, np.zeros(BASE, bool)
    newer = points(NEWER)
    maybe[V : V + VS] = maybe[T + 1 : T + TS] = True
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        if 0xD800 <= point < 0xE000 or S <= point < S + SYLLABLES or newer[point]:
            continue
        if kind := unicodedata.combining(character):
            classes[point] = kind
        direct = unicodedata.decomposition(character)
        if direct and not direct.startswith("<"):
            parts[point] = [ord(part) for part in unicodedata.normalize("NFD", character)]
            if unicodedata.normalize("NFC", character) == character:
                first, second = (int(part, 16) for part in direct.split())
                pairs[first * BASE + second] = point
                maybe[second] = True
            else:
                maybe[point] = True
    maybe[list(classes)] = True
    return parts, classes, pairs, np.flatnonzero(np.diff(maybe, prepend=False)).tolist()
