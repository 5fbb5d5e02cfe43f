r"""Where GPT-2 splits a text into words before it merges bytes. Radford et al. 2019, sec. 2.2; the pattern of its code:

    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

RE2, TensorFlow's engine, has no look-ahead. But the two characters before a position and the two after it decide
whether a word begins there, so the pattern becomes a few comparisons of neighbours, for all characters of all texts at
once:
- a letter, number or symbol begins a word after a character of another category, except after a plain space;
- white space begins a word at the start of its run, and again at the last character of a run before other characters;
- an apostrophe that begins a word includes the letters of its ending, and a new word begins after them.
"""

import tensorflow as tf

from tfllm.text.bytepair.categories import OTHER, SPACE

EDGE = -1  # the category before and after a text


def word_begins(points, kind, first):
    """Code points of all texts int32 [N], categories [N], bool [N] first of its text -> bool [N] first of its word."""
    last = after(first, 1, True)
    old = tf.where(first, EDGE, before(kind, 1, EDGE))
    new = tf.where(last, EDGE, after(kind, 1, EDGE))
    spaced = before(points == ord(" "), 1, False) & ~first
    first_or_last = (old != SPACE) | ((new != SPACE) & (new != EDGE))
    begins = first | tf.where(kind == SPACE, first_or_last, (kind != old) & ~spaced)

    apostrophe = (points == ord("'")) & (old != OTHER) & ~spaced
    one = tf.where(last, 0, after(points, 1, 0))
    two = tf.where(last | after(last, 1, True), 0, after(points, 2, 0))
    for endings, length in ((("s", "t", "m", "d"), 1), (("re", "ve", "ll"), 2)):
        result = [(one == ord(ending[0])) & (length == 1 or two == ord(ending[-1])) for ending in endings]
        result = apostrophe & tf.reduce_any(result, axis=0)
        for step in range(1, length + 1):
            begins = begins & ~before(result, step, False)
        begins = begins | before(result, length + 1, False)
    return begins


def before(values, steps, fill):
    """[N]: the value `steps` positions earlier, `fill` if there is none."""
    return tf.concat([tf.fill([steps], fill), values], 0)[: tf.size(values)]


def after(values, steps, fill):
    return tf.concat([values, tf.fill([steps], fill)], 0)[steps:]
