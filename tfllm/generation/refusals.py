"""Which texts contain a phrase of a list, by core TensorFlow operations, so that a SavedModel decides alike.

A phrase matches as whole words, without case, with any white space between its words. In scripts without spaces between
words it matches anywhere. A list is no safety by itself: other spellings are not found.
"""

import re

import tensorflow as tf

UNSPACED = "".join(
    rf"\p{{{name}}}" for name in ("Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan")
)
BORDER = rf"(?:[^\p{{L}}\p{{M}}\p{{N}}_]|[{UNSPACED}])"
TOGETHER = 50  # phrases of one regular expression


def contains_any(texts, phrases):
    """string [B] -> bool [B]. phrases: str with a character that is no white space."""
    with tf.init_scope():  # Python strings, even while tracing
        patterns = [phrase_pattern(phrase) for phrase in phrases]
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")  # "." matches no other bytes
    result = tf.zeros_like(texts, tf.bool)
    for i in range(0, len(patterns), TOGETHER):
        either = "|".join(patterns[i : i + TOGETHER])
        result = tf.logical_or(result, tf.strings.regex_full_match(texts, f"(?is)(?:{either})"))
    return result


def phrase_pattern(phrase):
    """The regular expression of all texts that contain the phrase."""
    words = r"[\s\p{Z}]+".join(re.escape(word) for word in phrase.split())
    before = f"(?:.*{BORDER})?" if spaced(phrase.strip()[0]) else ".*"
    behind = f"(?:{BORDER}.*)?" if spaced(phrase.strip()[-1]) else ".*"
    return before + words + behind


def spaced(character):
    """Whether it is part of a word that ends where another character follows."""
    return not bool(tf.strings.regex_full_match(character, rf"[{UNSPACED}]|[^\p{{L}}\p{{M}}\p{{N}}_]"))
