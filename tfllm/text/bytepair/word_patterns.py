r"""Where a text is split into words before bytes are merged: GPT-2's pattern (splitting.py) and GPT-4's.

GPT-4's (cl100k_base), also Llama 3's and, with one digit a word, Qwen2's and Qwen3's:

    (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+

RE2, TensorFlow's engine, has no look-ahead. As with GPT-2, neighbours and runs of equal characters decide where a word
begins, for all characters of all texts at once:
- letters begin a word, unless one character before them belongs to it: white space except line breaks, or a single
  other sign that no plain space precedes;
- every `digits` numbers begin a word;
- other signs begin a word, except after a plain space; the line breaks directly behind them belong to it;
- white space (what is left of its run) begins a word; so does what follows its last line break; and its last character
  if a text goes on after two or more without a line break;
- an apostrophe that begins a word includes the letters of its ending, and a new word begins after them.
"""

import tensorflow as tf

from tfllm.text.bytepair import splitting
from tfllm.text.bytepair.categories import LETTER, NUMBER, OTHER, SPACE
from tfllm.text.bytepair.splitting import EDGE, after, before

PATTERNS = ("gpt2", "gpt4")
# (?i) ignores case by Unicode's simple folding: the long s is an s
ENDINGS = (("sſ", ""), ("t", ""), ("m", ""), ("d", ""), ("r", "e"), ("v", "e"), ("l", "l"))


def word_begins(pattern, digits, points, kind, first):
    """Code points of all texts int32 [N], categories [N], bool [N] first of its text -> bool [N] first of its word.

    digits: the maximum numbers of a word, or None without a limit. With "gpt2" only 1 and None are known: each number
    is split off before the rest of the text is split, as SmolLM2 does.
    """
    if pattern == "gpt4":
        return gpt4_begins(points, kind, first, digits)
    if digits == 1:
        number = kind == NUMBER
        first = first | number | before(number, 1, False)
    return splitting.word_begins(points, kind, first)


def gpt4_begins(points, kind, first, digits):
    last = after(first, 1, True)
    old, new = tf.where(first, EDGE, before(kind, 1, EDGE)), tf.where(last, EDGE, after(kind, 1, EDGE))
    spaced = before(points == ord(" "), 1, False) & ~first
    run = first | (kind != old)  # the first of a run of one category
    number, begin = numbered(run)
    broken = (points == ord("\n")) | (points == ord("\r"))

    single = (kind == OTHER) & run & (new != OTHER) & ~spaced  # a sign alone, which letters after it may join
    ending, behind = contractions(points, single & (points == ord("'")), last)
    joined = before(single | ((kind == SPACE) & ~broken), 1, False) & ~first
    letters = (kind == LETTER) & run & ~joined
    letters = (letters | behind & (kind == LETTER)) & ~ending

    index = tf.range(tf.size(points))
    numbers = (kind == NUMBER) & (run if digits is None else (index - begin) % digits == 0)
    others = (kind == OTHER) & run & ~spaced

    # Line breaks directly behind other signs belong to these; the rest of a run of white space begins at `start`.
    plain = tf.where((kind == SPACE) & ~broken, index, tf.size(points))
    runs = tf.reduce_max(tf.concat([[0], number + 1], 0))
    first_plain = tf.gather(tf.math.unsorted_segment_min(plain, number, runs), number)  # of each run
    follows = tf.gather(tf.concat([tf.where(first, EDGE, before(kind, 1, EDGE)), [EDGE]], 0), begin) == OTHER
    start = tf.where(follows, first_plain, begin)
    last_break = tf.math.unsorted_segment_max(tf.where(broken & (index >= start), index, -1), number, runs)
    last_break = tf.gather(last_break, number)
    rest = tf.where(last_break < 0, start, last_break + 1)  # where white space without a line break begins
    ends = (new != SPACE) & (new != EDGE)  # of a run that text follows
    spaces = (kind == SPACE) & ((index == start) | (index == rest) | (ends & (index >= rest)))
    return first | letters | numbers | others | spaces


def contractions(points, apostrophe, last):
    """bool [N] of apostrophes that may begin a contraction -> letters of its ending; the character after it."""
    one = tf.where(last, 0, after(points, 1, 0))
    two = tf.where(last | after(last, 1, True), 0, after(points, 2, 0))
    ending, behind = tf.zeros_like(apostrophe), tf.zeros_like(apostrophe)
    for length in (1, 2):
        found = [among(one, a) & (among(two, b) if b else True) for a, b in ENDINGS if len(b) == length - 1]
        found = apostrophe & tf.reduce_any(found, axis=0)
        for step in range(1, length + 1):
            ending = ending | before(found, step, False)
        behind = behind | before(found, length + 1, False)
    return ending, behind


def among(points, letters):
    """bool [N]: whether a code point is one of these letters, in either case."""
    codes = sorted({ord(form) for letter in letters for form in (letter, letter.upper()) if len(form) == 1})
    return tf.reduce_any([points == code for code in codes], axis=0)


def numbered(run):
    """bool [N] first of its run -> the number of each character's run [N], and the position of its first one [N]."""
    number = tf.cumsum(tf.cast(run, tf.int32)) - 1
    return number, tf.gather(tf.cast(tf.where(run)[:, 0], tf.int32), number)
