"""Small repairs of text, string [B] -> string [B], in core TensorFlow ops.

Applied only where a caller asks for them.
"""

import tensorflow as tf


def lower(texts):
    """Lower case by Unicode rules.

    Bytes that are not UTF-8 become U+FFFD; NUL becomes U+0001 (TensorFlow stops at NUL).
    """
    return tf.strings.lower(tf.strings.regex_replace(texts, r"\x00", "\x01"), encoding="utf-8")


def replace_invalid(texts):
    """Replace each run of bytes that is not UTF-8 by U+FFFD; valid text, including NUL, is unchanged."""
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")


def blank(texts):
    """bool [B]: texts that are empty or only white space."""
    return tf.strings.regex_full_match(texts, r"[\s\p{Z}]*")
